// What the generated headers (protocol/messages/<table>.h) are made of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/bulk.h"
#include "protocol/encoder.h"
#include "protocol/error_code.h"

namespace longhaul::protocol {

/// The error of a message that has to fill its bytes and does not.
tl::unexpected<base::Error> trailing_bytes(const char* message, int16_t version, size_t count);

}  // namespace longhaul::protocol
