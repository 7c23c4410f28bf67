// Frames, handlers and clients for the tests of this room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/request.h"
#include "protocol/frame.h"

namespace longhaul::broker::net {

/// An ApiVersions request, version 2, with `body` behind its header (the handlers here do not
/// decode it) and its length in front.
inline base::Bytes request_frame(int32_t correlation_id, size_t body_size = 0) {
  base::Writer writer;
  writer.int32(static_cast<int32_t>(2 + 2 + 4 + 2 + body_size));
  writer.int16(18);
  writer.int16(2);
  writer.int32(correlation_id);
  writer.int16(-1);
  base::Bytes frame = writer.take();
  for (size_t i = 0; i < body_size; ++i) frame.push_back(static_cast<uint8_t>(i * 7));
  return frame;
}

/// A response frame: length, correlation id, body.
inline Response response_frame(int32_t correlation_id, base::ByteView body = {}) {
  base::Writer writer;
  writer.int32(static_cast<int32_t>(4 + body.size()));
  writer.int32(correlation_id);
  writer.bytes(body);
  return {writer.take(), {}};
}

inline void append(base::Bytes& to, base::ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Calls a function for each request.
class FunctionHandler final : public RequestHandler {
 public:
  using Function = std::function<void(Request, Reply)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  void handle(Request request, Reply reply) override {
    function_(std::move(request), std::move(reply));
  }

 private:
  Function function_;
};

/// Answers with the correlation id and the request's own body.
inline void echo(Request request, Reply reply) {
  reply.send(response_frame(request.correlation_id(), request.body()));
}

/// Keeps replies to give them later, from any thread.
class HeldReplies {
 public:
  void add(int32_t correlation_id, Reply reply) {
    std::lock_guard lock(mutex_);
    held_.emplace_back(correlation_id, std::move(reply));
  }
  std::vector<std::pair<int32_t, Reply>> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<int32_t, Reply>> held_;
};

}  // namespace longhaul::broker::net
