// Frames: what stands around a message on a connection. A frame is a length of 4 bytes, a header,
// and the message. https://kafka.apache.org/protocol, KIP-482 (header versions), KIP-511.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/encoder.h"

namespace longhaul::protocol {

/// A request as it came in. All views are into the frame that was parsed.
struct RequestFrame {
  const ApiInfo* api = nullptr;  ///< never null once parsed
  int16_t version = 0;           ///< may be one that `api` does not have: ask `api->has_version`
  int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
  base::ByteView body;
};

/// `frame` is what follows the length. Fails with kUnsupported for an API that does not exist and
/// kCorrupt for a header that is broken: either ends the connection, as no answer could be right.
base::Result<RequestFrame> parse_request(base::ByteView frame);

/// The first thing in every response, by which a client finds what the rest is.
base::Result<int32_t> peek_correlation_id(base::ByteView frame);
/// The message in a response to (`api`, `version`); `frame` is what follows the length.
base::Result<base::ByteView> parse_response(base::ByteView frame, const ApiInfo& api,
                                            int16_t version);

/// Where a frame began in an encoder, between begin_… and finish_frame.
struct FrameStart {
  size_t position;
  size_t splice_count;
  uint64_t total_size;
};

/// Appends room for the length, and the header. The message and `finish_frame` come next.
FrameStart begin_response(Encoder& encoder, const ApiInfo& api, int16_t version,
                          int32_t correlation_id);
/// The same for a request; `client_id` has at most 32767 bytes.
FrameStart begin_request(Encoder& encoder, const ApiInfo& api, int16_t version,
                         int32_t correlation_id, std::optional<std::string_view> client_id);
/// Fills in the length, spliced bytes included. Fails, and drops the frame, above 2 GiB.
base::Result<void> finish_frame(Encoder& encoder, FrameStart start);
/// Drops a frame that was begun.
void abandon_frame(Encoder& encoder, FrameStart start);

/// Appends a whole response frame, or leaves the encoder as it was.
template <class Response>
base::Result<void> encode_response(Encoder& encoder, const Response& response, int16_t version,
                                   int32_t correlation_id) {
  FrameStart start = begin_response(encoder, *find_api(Response::kApiKey), version, correlation_id);
  if (auto encoded = response.encode(encoder, version); !encoded) {
    abandon_frame(encoder, start);
    return encoded;
  }
  return finish_frame(encoder, start);
}

/// Appends a whole request frame, or leaves the encoder as it was.
template <class Request>
base::Result<void> encode_request(Encoder& encoder, const Request& request, int16_t version,
                                  int32_t correlation_id,
                                  std::optional<std::string_view> client_id) {
  FrameStart start =
      begin_request(encoder, *find_api(Request::kApiKey), version, correlation_id, client_id);
  if (auto encoded = request.encode(encoder, version); !encoded) {
    abandon_frame(encoder, start);
    return encoded;
  }
  return finish_frame(encoder, start);
}

}  // namespace longhaul::protocol
