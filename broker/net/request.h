// What a handler of requests sees: a request, the one answer it owes, and what an answer is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_slice.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/net/frame_buffer.h"
#include "protocol/api.h"
#include "protocol/encoder.h"

namespace longhaul::broker::net {

/// A complete response frame: `head` begins with the 4-byte length, which counts the slices too,
/// and the response header. Each splice puts a slice before the byte of `head` at `position`;
/// splices are in order of position. A slice goes out as it is, by sendfile(2) where the connection
/// allows it; a file that shrinks meanwhile costs the connection.
struct Response {
  struct Splice {
    size_t position = 0;  // 0 … head.size()
    base::FileSlice slice;
  };
  base::Bytes head;
  std::vector<Splice> splices;

  /// Bytes on the wire.
  uint64_t size() const;
};

/// The frame that was encoded, with `slices` in the places of its splices: in their order, as many
/// for each as fill it exactly.
Response make_response(protocol::Encoder encoder, std::vector<base::FileSlice> slices = {});

/// Takes slices that are small together, and in the page cache, into `head`: a copy that costs less
/// than a call of sendfile(2) for each, and packets for what stands between them.
void take_in_small_slices(Response& response);

/// What is to be done once a connection is closed: of requests that would wait for longer although
/// nobody reads their answers any more. On the connection's loop.
class WhenClosed {
 public:
  /// Never 0. Runs the task at once, and gives 0, if the connection is closed already.
  uint64_t add(base::Task task);
  void remove(uint64_t id) { tasks_.erase(id); }
  /// It is closed now: all tasks run, in the order in which they came.
  void run();

 private:
  std::map<uint64_t, base::Task> tasks_;
  uint64_t last_id_ = 0;
  bool closed_ = false;
};

/// What is known of the connection a request came by. Fields below "changes" belong to the
/// connection's loop: only code running on `Request::loop()` may touch them.
struct ConnectionInfo {
  uint64_t id = 0;                   // unique in this process
  std::string listener;              // its name, as in `listeners`
  bool controller_listener = false;  // one of controller.listener.names
  std::string client_host;           // the peer's address without the port
  uint16_t client_port = 0;

  // changes
  std::string principal = "User:ANONYMOUS";
  std::string client_software_name = "unknown";  // from ApiVersions (KIP-511)
  std::string client_software_version = "unknown";
  bool holds_next = false;  // see Request::hold_next
  base::Task on_closed;     // runs when the connection is closed
  WhenClosed when_closed;   // the same, of requests
};

/// One request. Move-only; owns its frame, so that `body()` and `client_id()` stay valid as long
/// as it lives. Destroy it (or let go of the frame) before waiting for long: the frame counts
/// against the node's memory for requests.
class Request {
 public:
  /// Reads the request header at the beginning of `frame`, which comes without its length. Fails
  /// with kUnsupported for an API that does not exist and kCorrupt for a header that is broken:
  /// either ends the connection.
  static base::Result<Request> parse(FrameBuffer frame, std::shared_ptr<ConnectionInfo> connection,
                                     base::EventLoop& loop, base::Clock::Monotonic received_at);

  const protocol::ApiInfo& api() const { return *api_; }
  protocol::ApiKey api_key() const { return api_->key; }
  /// May be one that the API does not have: ask `api().has_version`.
  int16_t api_version() const { return api_version_; }
  int32_t correlation_id() const { return correlation_id_; }
  /// Null and absent are both empty.
  std::string_view client_id() const { return client_id_; }
  /// What follows the header. The bytes may be changed in place.
  std::span<uint8_t> body() { return frame_.span().subspan(body_at_); }
  size_t body_size() const { return frame_.size() - body_at_; }
  /// Whole frame without its length, header included, as Envelope wants it.
  base::ByteView frame() const { return frame_.view(); }
  const std::shared_ptr<ConnectionInfo>& connection() const { return connection_; }
  /// The loop `RequestHandler::handle` was called on.
  base::EventLoop& loop() const { return *loop_; }
  /// When the last byte of the frame had been read.
  base::Clock::Monotonic received_at() const { return received_at_; }
  /// The next request of this connection waits until this one is answered, as they all do in
  /// Kafka. For what must keep its order but cannot be done before `handle` returns. Inside
  /// `handle` only.
  void hold_next() { connection_->holds_next = true; }
  /// Gives up the frame early; `body()`, `frame()` and `client_id()` are empty afterwards.
  void release_frame();

 private:
  Request() = default;

  FrameBuffer frame_;
  std::shared_ptr<ConnectionInfo> connection_;
  const protocol::ApiInfo* api_ = nullptr;
  base::EventLoop* loop_ = nullptr;
  base::Clock::Monotonic received_at_{};
  std::string_view client_id_;
  size_t body_at_ = 0;
  int32_t correlation_id_ = 0;
  int16_t api_version_ = 0;
};

/// How a request ended.
struct Outcome {
  enum class Kind {
    kResponse,  ///< `response` goes to the client
    kNone,      ///< the protocol wants no answer (produce with acks=0)
    kClose,     ///< closes the connection after the answers before this one; `why` is logged
  };
  Kind kind = Kind::kNone;
  Response response;
  std::string why;
};

/// Where replies go: a connection, or a test. Called from any thread, once for each sequence.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void deliver(uint64_t sequence, Outcome outcome) = 0;
};

/// The answer that is owed to one request. Exactly one of its functions is called, from any thread,
/// inside `handle` or later; responses leave in the order of the requests whatever the order of
/// these calls. Destroyed uncalled, it closes the connection with a logged reason, so that a client
/// never waits for what will not come.
class Reply {
 public:
  Reply(std::shared_ptr<ReplySink> sink, uint64_t sequence)
      : sink_(std::move(sink)), sequence_(sequence) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { drop(); }

  void send(Response response);
  void none();
  void close(std::string why);

 private:
  void deliver(Outcome outcome);
  void drop();

  std::shared_ptr<ReplySink> sink_;  // empty once called
  uint64_t sequence_ = 0;
};

/// Where connections take their requests. Called on the connection's loop, in the order in which
/// the requests came in on that connection; the next one is handed over as soon as this returns,
/// answered or not. What must keep that order (an append to a log) is therefore done before
/// `handle` returns, or holds the next request; what may block is handed to workers.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual void handle(Request request, Reply reply) = 0;
};

}  // namespace longhaul::broker::net
