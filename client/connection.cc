#include "client/connection.h"

#include <fmt/core.h>

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <map>

#include "client/io_thread_impl.h"
#include "protocol/messages/api_versions.h"

namespace longhaul::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Errc;
using boost::system::error_code;
using Time = std::chrono::steady_clock::time_point;

constexpr const char* kSoftware = "longhaul";
constexpr const char* kSoftwareVersion = "0.1.0";

/// Most answers fit; what does not is read into its own frame.
constexpr size_t kInputBytes = 16 * 1024;
constexpr size_t kSizeBytes = 4;

/// An answer without its length.
struct Frame {
  std::shared_ptr<uint8_t[]> bytes;
  size_t size = 0;

  base::ByteView view() const { return {bytes.get(), size}; }
};

std::vector<asio::const_buffer> unsent(const std::vector<asio::const_buffer>& buffers,
                                       size_t sent) {
  std::vector<asio::const_buffer> rest;
  for (const asio::const_buffer& each : buffers) {
    if (sent < each.size()) rest.push_back(each + sent);
    sent -= std::min(sent, each.size());
  }
  return rest;
}

/// What waits to be sent, or to be answered.
struct Exchange {
  RawRequest request;
  Channel::Answer answer;
  int16_t version = 0;
  int32_t correlation_id = 0;
  Time deadline;
};

struct VersionRange {
  int16_t low = 0;
  int16_t high = -1;
};

/// All state but `open_` belongs to the I/O thread.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(IoThread& thread, const Endpoint& endpoint, const ConnectionOptions& options)
      : endpoint_(endpoint),
        options_(options),
        context_(thread.impl().context),
        resolver_(context_),
        socket_(context_),
        timer_(context_) {}

  void start() {
    asio::post(context_, [self = shared_from_this()] { self->resolve(); });
  }
  void send(Exchange exchange) {
    asio::dispatch(context_, [self = shared_from_this(), exchange = std::move(exchange)]() mutable {
      self->on_send(std::move(exchange));
    });
  }
  void close() {
    asio::post(context_, [self = shared_from_this()] {
      self->fail(
          {Errc::kCancelled, "connection to " + self->endpoint_.to_string() + " was closed"});
    });
  }
  bool is_open() const { return open_; }

 private:
  void resolve() {
    set_timer(std::chrono::steady_clock::now() + options_.connect_timeout);
    resolver_.async_resolve(
        endpoint_.host, std::to_string(endpoint_.port),
        [self = shared_from_this()](error_code error, tcp::resolver::results_type addresses) {
          if (error) return self->fail(Errc::kUnavailable, error);
          self->connect(addresses);
        });
  }

  void connect(const tcp::resolver::results_type& addresses) {
    if (!open_) return;
    asio::async_connect(socket_, addresses,
                        [self = shared_from_this()](error_code error, const tcp::endpoint&) {
                          if (error) return self->fail(Errc::kUnavailable, error);
                          error_code ignored;
                          self->socket_.set_option(tcp::no_delay(true), ignored);
                          self->socket_.non_blocking(true, ignored);
                          self->ask_versions(protocol::ApiVersionsRequest::kMaxVersion);
                          self->read();
                        });
  }

  /// The first request of every connection. A broker that is older answers in version 0.
  void ask_versions(int16_t version) {
    if (!open_) return;
    Exchange exchange;
    exchange.request.api = protocol::find_api(protocol::ApiKey::kApiVersions);
    exchange.request.encode = [](protocol::Encoder& encoder, int16_t chosen, int32_t id) {
      protocol::ApiVersionsRequest request;
      request.client_software_name = kSoftware;
      request.client_software_version = kSoftwareVersion;
      return protocol::encode_request(encoder, request, chosen, id, kSoftware);
    };
    exchange.answer = [this, version](base::Result<RawReply> reply) {
      if (reply) on_versions(*reply, version);
    };
    write(std::move(exchange), version);
  }

  void on_versions(const RawReply& reply, int16_t version) {
    auto message = protocol::ApiVersionsResponse::decode(reply.body, version);
    // The answer to a version that the broker does not know has the form of version 0.
    if (!message && version > 0) message = protocol::ApiVersionsResponse::decode(reply.body, 0);
    if (!message) return fail(message.error());
    if (message->error_code == protocol::ErrorCode::kUnsupportedVersion && version > 0)
      return ask_versions(0);
    if (message->error_code != protocol::ErrorCode::kNone)
      return fail({Errc::kUnavailable,
                   endpoint_.to_string() + " refuses: " + protocol::name(message->error_code)});
    for (const auto& api : message->api_keys)
      versions_[api.api_key] = {api.min_version, api.max_version};
    ready_ = true;
    update_timer();
    for (; !waiting_.empty() && open_; waiting_.pop_front()) negotiate(std::move(waiting_.front()));
  }

  void on_send(Exchange exchange) {
    if (!open_) return refuse(std::move(exchange), error_);
    if (!ready_) return waiting_.push_back(std::move(exchange));
    negotiate(std::move(exchange));
  }

  /// Later: the caller may still be in `send`.
  void refuse(Exchange exchange, base::Error why) {
    asio::post(context_, [exchange = std::move(exchange), why = std::move(why)]() mutable {
      exchange.answer(tl::unexpected(std::move(why)));
    });
  }

  void negotiate(Exchange exchange) {
    const RawRequest& request = exchange.request;
    auto found = versions_.find(static_cast<int16_t>(request.api->key));
    VersionRange theirs = found == versions_.end() ? VersionRange{} : found->second;
    int16_t version = std::min(request.max_version, theirs.high);
    if (version < request.min_version || version < theirs.low)
      return refuse(
          std::move(exchange),
          {Errc::kUnsupported, fmt::format("{} has {} in versions {} to {}, we speak {} to {}",
                                           endpoint_.to_string(), request.api->name, theirs.low,
                                           theirs.high, request.min_version, request.max_version)});
    write(std::move(exchange), version);
  }

  void write(Exchange exchange, int16_t version) {
    exchange.version = version;
    exchange.correlation_id = next_correlation_id_++;
    exchange.deadline = std::chrono::steady_clock::now() + options_.request_timeout;
    protocol::Encoder encoder;
    auto encoded = exchange.request.encode(encoder, version, exchange.correlation_id);
    if (!encoded) return refuse(std::move(exchange), encoded.error());
    pending_.push_back(std::move(exchange));
    if (ready_ && pending_.size() == 1) update_timer();
    outgoing_.push_back(encoder.take());
    if (writing_.empty()) write_more();
  }

  void write_more() {
    if (!open_ || outgoing_.empty()) return;
    writing_.swap(outgoing_);
    std::vector<asio::const_buffer> buffers;
    for (const base::Bytes& bytes : writing_) buffers.emplace_back(bytes.data(), bytes.size());
    // Almost always all of it goes out at once; then there is nothing to come back for.
    error_code error;
    size_t sent = socket_.write_some(buffers, error);
    if (!error && sent == asio::buffer_size(buffers)) return writing_.clear();
    asio::async_write(socket_, unsent(buffers, sent),
                      [self = shared_from_this()](error_code failed, size_t) {
                        if (failed) return self->fail(Errc::kUnavailable, failed);
                        self->writing_.clear();
                        self->write_more();
                      });
  }

  void read() {
    if (!open_) return;
    socket_.async_read_some(asio::buffer(input_) + filled_,
                            [self = shared_from_this()](error_code error, size_t got) {
                              if (error) return self->fail(Errc::kUnavailable, error);
                              self->filled_ += got;
                              self->take_frames();
                            });
  }

  /// Of what was read, all frames that are whole; of one that is not, the rest is read to its end.
  void take_frames() {
    base::ByteView left(input_.data(), filled_);
    while (left.size() >= kSizeBytes) {
      auto size = base::load_big_endian<int32_t>(left.data());
      if (size < 4 || static_cast<size_t>(size) > options_.largest_answer)
        return fail({Errc::kCorrupt,
                     fmt::format("{} sent a frame of {} bytes: not a Kafka broker, or an answer "
                                 "that is too large",
                                 endpoint_.to_string(), size)});
      Frame frame{std::make_shared_for_overwrite<uint8_t[]>(static_cast<size_t>(size)),
                  static_cast<size_t>(size)};
      left = left.subspan(kSizeBytes);
      size_t here = std::min(left.size(), frame.size);
      std::copy_n(left.data(), here, frame.bytes.get());
      left = left.subspan(here);
      if (here < frame.size) {
        filled_ = 0;
        return read_rest(std::move(frame), here);
      }
      on_frame(frame);
      if (!open_) return;
    }
    std::copy(left.begin(), left.end(), input_.begin());
    filled_ = left.size();
    read();
  }

  void read_rest(Frame frame, size_t from) {
    auto rest = asio::buffer(frame.bytes.get(), frame.size) + from;
    // As much at once as there is, where Asio would stop at 64 KiB.
    auto left = [size = rest.size()](error_code error, size_t got) {
      return error ? 0 : size - got;
    };
    asio::async_read(socket_, rest, left,
                     [self = shared_from_this(), frame](error_code error, size_t) {
                       if (error) return self->fail(Errc::kUnavailable, error);
                       self->on_frame(frame);
                       self->read();
                     });
  }

  void on_frame(const Frame& frame) {
    if (!open_) return;
    auto id = protocol::peek_correlation_id(frame.view());
    if (!id || pending_.empty() || *id != pending_.front().correlation_id)
      return fail({Errc::kCorrupt, endpoint_.to_string() + " answered what was not asked"});
    Exchange exchange = std::move(pending_.front());
    auto body = protocol::parse_response(frame.view(), *exchange.request.api, exchange.version);
    if (!body) return fail(body.error(), std::move(exchange));
    pending_.pop_front();
    if (ready_) update_timer();
    exchange.answer(RawReply{frame.bytes, *body, exchange.version});
  }

  void set_timer(Time deadline) {
    timer_.expires_at(deadline);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      auto self = weak.lock();
      if (!error && self) self->on_timer();
    });
  }
  /// Watches over the oldest request, or over none.
  void update_timer() {
    if (pending_.empty())
      timer_.cancel();
    else
      set_timer(pending_.front().deadline);
  }
  void on_timer() {
    // A timer that was moved after it had expired still comes here.
    if (!open_ || timer_.expiry() > std::chrono::steady_clock::now()) return;
    if (ready_ && pending_.empty()) return;
    fail({Errc::kTimedOut,
          endpoint_.to_string() + (ready_ ? ": no answer in time" : ": no connection in time")});
  }

  void fail(Errc code, error_code error) {
    fail({code, endpoint_.to_string() + ": " + error.message()});
  }
  void fail(base::Error error, Exchange current) {
    if (!pending_.empty()) pending_.pop_front();  // `current` was its front
    pending_.push_front(std::move(current));
    fail(std::move(error));
  }
  void fail(base::Error error) {
    if (!open_.exchange(false)) return;
    error_ = std::move(error);
    error_code ignored;
    resolver_.cancel();
    timer_.cancel();
    socket_.close(ignored);
    auto all = std::exchange(pending_, {});
    for (Exchange& exchange : waiting_) all.push_back(std::move(exchange));
    waiting_.clear();
    for (Exchange& exchange : all) exchange.answer(tl::unexpected(error_));
  }

  const Endpoint endpoint_;
  const ConnectionOptions options_;
  asio::io_context& context_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::atomic<bool> open_{true};
  bool ready_ = false;                         // versions are agreed on
  base::Error error_{Errc::kUnavailable, ""};  // once it is no longer open
  std::map<int16_t, VersionRange> versions_;
  std::deque<Exchange> waiting_;  // for versions
  std::deque<Exchange> pending_;  // for answers
  std::vector<base::Bytes> outgoing_;
  std::vector<base::Bytes> writing_;
  std::vector<uint8_t> input_ = std::vector<uint8_t>(kInputBytes);
  size_t filled_ = 0;  // of it
  int32_t next_correlation_id_ = 0;
};

/// Closes the socket when the last user has gone; the socket itself ends on its own thread.
class Connection final : public Channel {
 public:
  explicit Connection(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  ~Connection() override { socket_->close(); }
  void send(RawRequest request, Answer answer) override {
    socket_->send({std::move(request), std::move(answer), 0, 0, {}});
  }
  bool is_open() const override { return socket_->is_open(); }
  void close() override { socket_->close(); }

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace

std::shared_ptr<Channel> connect(IoThread& thread, const Endpoint& endpoint,
                                 const ConnectionOptions& options) {
  auto socket = std::make_shared<Socket>(thread, endpoint, options);
  socket->start();
  return std::make_shared<Connection>(std::move(socket));
}

}  // namespace longhaul::client
