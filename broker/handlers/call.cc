#include "broker/handlers/call.h"

namespace longhaul::broker::handlers {

void Call::finish(protocol::Encoder& encoder, base::Result<void> encoded,
                  std::vector<base::FileSlice> slices) {
  if (!encoded) return reply_.close("a response could not be encoded: " + encoded.error().message);
  reply_.send(net::make_response(std::move(encoder), std::move(slices)));
}

}  // namespace longhaul::broker::handlers
