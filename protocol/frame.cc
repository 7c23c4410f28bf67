#include "protocol/frame.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "base/assert.h"
#include "protocol/wire.h"

namespace longhaul::protocol {
namespace {

constexpr size_t kLengthSize = 4;

FrameStart begin(Encoder& encoder) {
  FrameStart start{encoder.size(), encoder.splices().size(), encoder.total_size()};
  encoder.extend(kLengthSize);
  return start;
}

tl::unexpected<base::Error> broken_header(const char* what) {
  return base::fail(base::Errc::kCorrupt, fmt::format("broken {} header", what));
}

}  // namespace

base::Result<RequestFrame> parse_request(base::ByteView frame) {
  wire::Input in(frame);
  int16_t key = in.int16();
  RequestFrame request;
  request.version = in.int16();
  request.correlation_id = in.int32();
  if (!in.ok()) return broken_header("request");
  request.api = find_api(key);
  if (request.api == nullptr)
    return base::fail(base::Errc::kUnsupported, fmt::format("there is no API with key {}", key));
  // The client ID keeps the old encoding in every version, so that it can always be read.
  if (int16_t size = in.int16(); size >= 0)
    request.client_id = base::as_text(in.view(static_cast<size_t>(size)));
  if (request_header_version(*request.api, request.version) >= 2) in.skip_tags();
  if (!in.ok()) return broken_header("request");
  request.body = in.rest();
  return request;
}

base::Result<int32_t> peek_correlation_id(base::ByteView frame) {
  base::Reader reader(frame);
  int32_t id = reader.int32();
  if (!reader.ok()) return broken_header("response");
  return id;
}

base::Result<base::ByteView> parse_response(base::ByteView frame, const ApiInfo& api,
                                            int16_t version) {
  wire::Input in(frame);
  in.int32();
  if (response_header_version(api, version) >= 1) in.skip_tags();
  if (!in.ok()) return broken_header("response");
  return in.rest();
}

FrameStart begin_response(Encoder& encoder, const ApiInfo& api, int16_t version,
                          int32_t correlation_id) {
  FrameStart start = begin(encoder);
  bool tags = response_header_version(api, version) >= 1;
  base::store_big_endian(encoder.extend(tags ? 5 : 4), correlation_id);
  return start;
}

FrameStart begin_request(Encoder& encoder, const ApiInfo& api, int16_t version,
                         int32_t correlation_id, std::optional<std::string_view> client_id) {
  LH_ASSERT(!client_id || client_id->size() <= wire::kMaxString, "a client ID of our own making");
  FrameStart start = begin(encoder);
  bool tags = request_header_version(api, version) >= 2;
  size_t id_size = client_id ? client_id->size() : 0;
  uint8_t* at = encoder.extend(10 + id_size + (tags ? 1 : 0));
  base::store_big_endian(at, static_cast<int16_t>(api.key));
  base::store_big_endian(at + 2, version);
  base::store_big_endian(at + 4, correlation_id);
  base::store_big_endian(at + 8, static_cast<int16_t>(client_id ? id_size : -1));
  if (id_size > 0) std::memcpy(at + 10, client_id->data(), id_size);
  return start;
}

base::Result<void> finish_frame(Encoder& encoder, FrameStart start) {
  uint64_t length = encoder.total_size() - start.total_size - kLengthSize;
  if (length > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    abandon_frame(encoder, start);
    return base::fail(base::Errc::kTooLarge,
                      fmt::format("a frame of {} bytes is above the 2 GiB of the format", length));
  }
  encoder.patch_int32(start.position, static_cast<int32_t>(length));
  return {};
}

void abandon_frame(Encoder& encoder, FrameStart start) {
  encoder.truncate(start.position, start.splice_count);
}

}  // namespace longhaul::protocol
