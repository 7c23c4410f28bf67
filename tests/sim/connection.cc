#include "tests/sim/connection.h"

#include <algorithm>
#include <utility>

#include "tests/sim/host.h"

namespace longhaul::sim {

using base::Errc;

std::shared_ptr<Connection> Connection::open(World& world, Host& host, std::string name,
                                             const ConnectionOptions& options) {
  auto connection = std::make_shared<Connection>(world, host, std::move(name), options);
  connection->start();
  return connection;
}

Connection::Connection(World& world, Host& host, std::string name, const ConnectionOptions& options)
    : world_(world),
      host_(host),
      name_(std::move(name)),
      options_(options),
      link_(std::make_shared<Link>(world.simulation, options.latency)) {}

Connection::~Connection() { close(); }

void Connection::start() {
  auto weak = weak_from_this();
  link_->to_client.read_by(
      [weak](const base::Bytes& bytes) {
        if (auto self = weak.lock()) self->arrived(bytes);
      },
      [weak] {
        if (auto self = weak.lock()) self->fail({Errc::kUnavailable, "the connection is broken"});
      });
  if (!host_.accept(link_, name_)) link_->to_client.end();
}

void Connection::send(client::RawRequest request, Answer answer) {
  Exchange exchange{std::move(request), std::move(answer), 0, ++last_id_, 0};
  exchange.version =
      std::min(exchange.request.max_version, exchange.request.api->max_stable_version());
  protocol::Encoder encoder;
  auto encoded = exchange.request.encode(encoder, exchange.version, exchange.correlation_id);
  if (open_ && encoded) {
    world_.trace.line(name_, "> {} {} v{} #{} {}", host_.name(), exchange.request.api->name,
                      exchange.version, exchange.correlation_id, describe(encoder.view()));
    exchange.timer = world_.simulation.after(
        options_.patience, this,
        [this, what = fmt::format("{} v{} #{}", exchange.request.api->name, exchange.version,
                                  exchange.correlation_id)] { timed_out(what); });
    pending_.push_back(std::move(exchange));
    return link_->to_server.write(encoder.take());
  }
  base::Error error =
      encoded ? base::Error{Errc::kUnavailable, "the connection is broken"} : encoded.error();
  world_.simulation.after(
      Time(0), nullptr, [answer = std::move(exchange.answer), error = std::move(error)]() mutable {
        answer(tl::unexpected(std::move(error)));
      });
}

void Connection::arrived(const base::Bytes& bytes) {
  unread_.insert(unread_.end(), bytes.begin(), bytes.end());
  auto self = shared_from_this();
  while (open_ && unread_.size() >= 4) {
    auto size = static_cast<size_t>(base::load_big_endian<int32_t>(unread_.data()));
    if (unread_.size() < 4 + size) return;
    auto end = unread_.begin() + 4 + static_cast<ptrdiff_t>(size);
    auto one = std::make_shared<const base::Bytes>(unread_.begin() + 4, end);
    unread_.erase(unread_.begin(), end);
    frame(std::move(one));
  }
}

void Connection::frame(std::shared_ptr<const base::Bytes> frame) {
  auto id = protocol::peek_correlation_id(*frame);
  if (!id || pending_.empty() || *id != pending_.front().correlation_id) {
    world_.findings.add("{}: an answer to what was not asked", name_);
    return fail({Errc::kCorrupt, "an answer to what was not asked"});
  }
  Exchange exchange = std::move(pending_.front());
  pending_.pop_front();
  world_.simulation.cancel(exchange.timer);
  world_.trace.line(name_, "< {} {} #{} {}", host_.name(), exchange.request.api->name,
                    exchange.correlation_id, describe(*frame));
  auto body = protocol::parse_response(*frame, *exchange.request.api, exchange.version);
  if (!body) {
    world_.findings.add("{}: {}", name_, body.error().message);
    return exchange.answer(tl::unexpected(body.error()));
  }
  exchange.answer(client::RawReply{std::move(frame), *body, exchange.version});
}

void Connection::timed_out(const std::string& what) {
  world_.findings.add("{}: no answer to {} in time", name_, what);
  link_->to_server.end();
  fail({Errc::kTimedOut, "no answer in time"});
}

void Connection::fail(const base::Error& error) {
  if (!std::exchange(open_, false)) return;
  auto self = shared_from_this();  // whoever is told may let go of us
  world_.simulation.cancel_all(this);
  world_.trace.line(name_, "{}: {}, {} answers are owed", host_.name(), error.message,
                    pending_.size());
  link_->to_client.abandon();
  for (Exchange& exchange : std::exchange(pending_, {})) exchange.answer(tl::unexpected(error));
}

void Connection::close() {
  if (!std::exchange(open_, false)) return;
  world_.simulation.cancel_all(this);
  link_->to_server.end();
  link_->to_client.abandon();
  for (Exchange& exchange : std::exchange(pending_, {})) {
    world_.simulation.after(Time(0), nullptr, [answer = std::move(exchange.answer)]() mutable {
      answer(base::fail(Errc::kCancelled, "the connection was closed"));
    });
  }
}

}  // namespace longhaul::sim
