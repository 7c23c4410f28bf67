#include "tests/fuzz/decoders.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "protocol/frame.h"
#include "protocol/reflection/message_type.h"

namespace longhaul::fuzz {
namespace {

protocol::Encoder encode(const protocol::AnyMessage& message, int16_t version) {
  protocol::Encoder encoder;
  auto encoded = message.encode(encoder, version);
  LH_ASSERT(encoded.has_value(), "what was decoded from a version does not encode in it");
  LH_ASSERT(message.encoded_size(version) == encoder.size(), "a size that is not exact");
  return encoder;
}

void check_decoder(const protocol::MessageType& type, int16_t version, base::ByteView bytes) {
  base::Reader reader(bytes);
  auto message = type.decode(reader, version);
  if (!message) return;
  protocol::Encoder first = encode(**message, version);
  // Never more bytes than came in: what we skip is unknown tagged fields and defaults.
  LH_ASSERT(first.size() <= bytes.size() - reader.remaining(), "an encoding that grew");
  base::Reader again(first.view());
  auto second = type.decode(again, version);
  LH_ASSERT(second.has_value() && again.remaining() == 0, "what was encoded does not decode");
  protocol::Encoder third = encode(**second, version);
  LH_ASSERT(std::ranges::equal(first.view(), third.view()), "an encoding that is not stable");
}

}  // namespace

void check_message(base::ByteView input) {
  base::Reader reader(input);
  auto types = protocol::message_types();
  const protocol::MessageType& type = types[reader.uint16() % types.size()];
  int versions = type.max_version - type.min_version + 1;
  auto version = static_cast<int16_t>(type.min_version + reader.uint8() % versions);
  if (reader.ok()) check_decoder(type, version, reader.rest());
}

void check_frame(base::ByteView frame) {
  auto request = protocol::parse_request(frame);
  if (request) {
    // The body by the decoder that the header asks for.
    std::string name = std::string(request->api->name) + "Request";
    if (request->api->has_version(request->version))
      check_decoder(*protocol::find_message_type(name), request->version, request->body);
    protocol::Encoder encoder;
    protocol::begin_request(encoder, *request->api, request->version, request->correlation_id,
                            request->client_id);
    auto again = protocol::parse_request(encoder.view().subspan(4));
    LH_ASSERT(again && again->client_id == request->client_id, "a header that did not come back");
    auto body = protocol::parse_response(frame, *request->api, request->version);
    LH_ASSERT(!body || body->size() < frame.size(), "a response without a header");
  }
}

}  // namespace longhaul::fuzz
