#include "tests/sim/connection.h"

#include <algorithm>
#include <utility>

#include "tests/sim/proposal.h"
#include "tests/sim/region.h"

namespace longhaul::sim {

using base::Errc;

std::shared_ptr<Connection> Connection::open(Region& region, const std::string& name,
                                             const client::Endpoint& at,
                                             const ConnectionOptions& options) {
  auto connection = std::make_shared<Connection>(region, name, at, options);
  connection->start();
  return connection;
}

Connection::Connection(Region& region, std::string name, client::Endpoint at,
                       const ConnectionOptions& options)
    : region_(region),
      world_(region.world()),
      name_(std::move(name)),
      at_(std::move(at)),
      options_(options),
      link_(region.network().link(name_, at_.host, options.latency)) {}

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
  if (region_.network().is_cut(name_, at_.host)) return give_up_connecting();
  Host* host = region_.find(at_.host);
  if (host && host->accept(link_, name_, at_.port)) return;
  link_->to_server.abandon();
  link_->to_client.end();
}

/// Nobody says anything, not even no.
void Connection::give_up_connecting() {
  link_->to_server.abandon();
  world_.simulation.after(options_.connect_patience, this, [this] {
    fail({Errc::kTimedOut, "no connection in time"});
  });
}

void Connection::hand_over(Answer answer, base::Result<client::RawReply> reply) {
  if (!options_.executor) return answer(std::move(reply));
  options_.executor->post([answer = std::move(answer), reply = std::move(reply)]() mutable {
    answer(std::move(reply));
  });
}

void Connection::hand_over_later(Answer answer, base::Error error) {
  if (options_.executor) return hand_over(std::move(answer), tl::unexpected(std::move(error)));
  world_.simulation.after(Time(0), nullptr,
                          [answer = std::move(answer), error = std::move(error)]() mutable {
                            answer(tl::unexpected(std::move(error)));
                          });
}

void Connection::send(client::RawRequest request, Answer answer) {
  Exchange exchange{std::move(request), std::move(answer), 0, ++last_id_, 0, 0};
  exchange.version =
      std::min(exchange.request.max_version, exchange.request.api->max_stable_version());
  protocol::Encoder encoder;
  auto encoded = exchange.request.encode(encoder, exchange.version, exchange.correlation_id);
  if (open_ && encoded) {
    world_.trace.line(name_, "> {} {} v{} #{} {}", at_.host, exchange.request.api->name,
                      exchange.version, exchange.correlation_id, describe(encoder.view()));
    exchange.timer = world_.simulation.after(
        options_.patience, this,
        [this, what = fmt::format("{} v{} #{}", exchange.request.api->name, exchange.version,
                                  exchange.correlation_id)] { timed_out(what); });
    exchange.end = link_->to_server.written() + encoder.view().size();
    if (exchange.request.api->key == protocol::ApiKey::kAlterPartition)
      exchange.answer =
          judge_proposal(region_, name_, encoder.view().subspan(4), std::move(exchange.answer));
    pending_.push_back(std::move(exchange));
    return link_->to_server.write(encoder.take());
  }
  hand_over_later(
      std::move(exchange.answer),
      encoded ? base::Error{Errc::kUnavailable, "the connection is broken"} : encoded.error());
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
  world_.trace.line(name_, "< {} {} #{} {}", at_.host, exchange.request.api->name,
                    exchange.correlation_id, describe(*frame));
  auto body = protocol::parse_response(*frame, *exchange.request.api, exchange.version);
  if (!body) {
    world_.findings.add("{}: {}", name_, body.error().message);
    return hand_over(std::move(exchange.answer), tl::unexpected(body.error()));
  }
  hand_over(std::move(exchange.answer),
            client::RawReply{std::move(frame), *body, exchange.version});
}

void Connection::timed_out(const std::string& what) {
  if (options_.must_answer && region_.is_undisturbed()) {
    world_.findings.add("{}: no answer to {} in time", name_, what);
  }
  link_->to_server.end();
  fail({Errc::kTimedOut, "no answer in time"});
}

void Connection::fail(const base::Error& error) {
  if (!std::exchange(open_, false)) return;
  auto self = shared_from_this();  // whoever is told may let go of us
  world_.simulation.cancel_all(this);
  world_.trace.line(name_, "{}: {}, {} answers are owed", at_.host, error.message, pending_.size());
  link_->to_server.end();
  link_->to_client.abandon();
  for (Exchange& exchange : std::exchange(pending_, {})) {
    // It has been heard, and whoever asked will ask again.
    if (link_->to_server.arrived() >= exchange.end) ++world_.counts["duplicated requests"];
    hand_over(std::move(exchange.answer), tl::unexpected(error));
  }
}

void Connection::close() {
  if (!std::exchange(open_, false)) return;
  world_.simulation.cancel_all(this);
  link_->to_server.end();
  link_->to_client.abandon();
  for (Exchange& exchange : std::exchange(pending_, {})) {
    hand_over_later(std::move(exchange.answer), {Errc::kCancelled, "the connection was closed"});
  }
}

void Connection::die() {
  if (!std::exchange(open_, false)) return;
  world_.simulation.cancel_all(this);
  link_->to_server.cut();
  link_->to_client.abandon();  // nothing is destroyed: we may be in the middle of anything
}

std::shared_ptr<Connection> ConnectionPool::to(const client::Endpoint& at) {
  auto& connection = connections_[at];
  if (!connection || !connection->is_open()) {
    connection = Connection::open(region_, name_, at, options_);
    if (is_dead_) connection->die();
  }
  return connection;
}

size_t ConnectionPool::pending() const {
  size_t count = 0;
  for (const auto& [at, connection] : connections_) count += connection->pending();
  return count;
}

void ConnectionPool::close() {
  for (auto& [at, connection] : connections_) connection->close();
}

void ConnectionPool::die() {
  is_dead_ = true;
  for (auto& [at, connection] : connections_) connection->die();
}

}  // namespace longhaul::sim
