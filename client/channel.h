// One connection to a broker as callers see it: requests go in, each answer comes back once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <future>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "protocol/api.h"
#include "protocol/frame.h"

namespace longhaul::client {

/// An answer, whose views (record batches) point into a frame that lives as long as it is held.
template <class Response>
struct Reply {
  Response message;
  int16_t version = 0;
  std::shared_ptr<const void> frame;
};

/// An answer that is not decoded yet. `body` lies in `frame`.
struct RawReply {
  std::shared_ptr<const void> frame;
  base::ByteView body;
  int16_t version = 0;
};

/// A request that is encoded once the version is known.
struct RawRequest {
  const protocol::ApiInfo* api = nullptr;
  /// What the caller can speak; the newest version in it that the broker has too is used.
  int16_t min_version = 0;
  int16_t max_version = 0;
  base::Callback<base::Result<void>(protocol::Encoder&, int16_t version, int32_t correlation_id)>
      encode;
};

/// Requests may be sent before earlier ones are answered; they are answered in order. Safe from
/// any thread. The twin of a real connection in tests has the same interface.
class Channel {
 public:
  using Answer = base::Callback<void(base::Result<RawReply>)>;

  virtual ~Channel() = default;
  /// `answer` runs exactly once, on the channel's own thread and never inside `send`. Errors:
  /// kUnavailable (no connection, or it broke), kTimedOut, kUnsupported (no common version),
  /// kCorrupt (the peer does not speak Kafka's protocol). All but kUnsupported end the channel.
  virtual void send(RawRequest request, Answer answer) = 0;
  /// False once it has broken: every later `send` fails.
  virtual bool is_open() const = 0;
  /// Breaks it off: whatever waits for an answer gets kCancelled.
  virtual void close() = 0;
};

/// Sends a request of a generated type; `max_version` bounds what is spoken.
template <class Response, class Request>
void call(Channel& channel, Request request,
          base::Callback<void(base::Result<Reply<Response>>)> done,
          int16_t max_version = INT16_MAX) {
  const protocol::ApiInfo* api = protocol::find_api(Request::kApiKey);
  RawRequest raw;
  raw.api = api;
  raw.min_version = Request::kMinVersion;
  raw.max_version = std::min(max_version, api->max_stable_version());
  raw.encode = [request = std::move(request)](protocol::Encoder& encoder, int16_t version,
                                              int32_t correlation_id) {
    return protocol::encode_request(encoder, request, version, correlation_id, "longhaul");
  };
  channel.send(std::move(raw), [done = std::move(done)](base::Result<RawReply> reply) mutable {
    if (!reply) return done(tl::unexpected(std::move(reply).error()));
    auto message = Response::decode(reply->body, reply->version);
    if (!message) return done(tl::unexpected(std::move(message).error()));
    done(Reply<Response>{std::move(*message), reply->version, std::move(reply->frame)});
  });
}

/// The same, waiting for the answer. Never on the channel's own thread.
template <class Response, class Request>
base::Result<Reply<Response>> call_and_wait(Channel& channel, Request request,
                                            int16_t max_version = INT16_MAX) {
  std::promise<base::Result<Reply<Response>>> promise;
  auto future = promise.get_future();
  call<Response>(
      channel, std::move(request),
      [&promise](base::Result<Reply<Response>> reply) { promise.set_value(std::move(reply)); },
      max_version);
  return future.get();
}

}  // namespace longhaul::client
