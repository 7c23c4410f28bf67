// One request on its way through a handler: what was asked, and how to answer it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/request.h"
#include "protocol/frame.h"

namespace longhaul::broker::handlers {

/// Move-only. Exactly one of the answering functions is called, from any thread.
class Call {
 public:
  Call(net::Request request, net::Reply reply)
      : request_(std::move(request)), reply_(std::move(reply)) {}

  int16_t version() const { return request_.api_version(); }
  const net::Request& request() const { return request_; }
  base::EventLoop& loop() const { return request_.loop(); }
  /// The part of the frame behind the header, which may be changed in place.
  std::span<uint8_t> body() { return request_.body(); }

  /// The request itself; if it is malformed, the connection is closed and nothing returned. Views
  /// in it live as long as this call and until `release_frame`.
  template <class Request>
  std::optional<Request> decode() {
    base::Reader reader(request_.body());
    auto decoded = Request::decode(reader, version());
    if (decoded) return std::move(*decoded);
    reply_.close("malformed " + std::string(Request::kName) + " version " +
                 std::to_string(version()) + ": " + decoded.error().message);
    return std::nullopt;
  }
  /// The connection's next request waits until this one is answered; inside the handler only.
  void hold_next() { request_.hold_next(); }
  /// Gives the frame's memory back early, for what waits.
  void release_frame() { request_.release_frame(); }

  template <class Response>
  void respond(const Response& response) {
    respond_as(response, version(), {});
  }
  /// With the file ranges that belong into its records fields, in the order of those.
  template <class Response>
  void respond(const Response& response, std::vector<base::FileSlice> slices) {
    respond_as(response, version(), std::move(slices));
  }
  template <class Response>
  void respond_as(const Response& response, int16_t version, std::vector<base::FileSlice> slices) {
    protocol::Encoder encoder;
    auto encoded = protocol::encode_response(encoder, response, version, request_.correlation_id());
    finish(encoder, std::move(encoded), std::move(slices));
  }
  /// The protocol wants no answer.
  void respond_nothing() { reply_.none(); }
  void close(std::string why) { reply_.close(std::move(why)); }

 private:
  void finish(protocol::Encoder& encoder, base::Result<void> encoded,
              std::vector<base::FileSlice> slices);

  net::Request request_;
  net::Reply reply_;
};

}  // namespace longhaul::broker::handlers
