// What the fuzzers check; the seeds use the same layout of input.
#pragma once

#include "base/bytes.h"

namespace longhaul::fuzz {

/// `input` is 2 bytes of message number (modulo the count of messages), 1 byte of version (counted
/// from the oldest, modulo), and the bytes to decode. What decodes must encode, to a size that was
/// announced, and to what decodes and encodes to the same bytes again; aborts otherwise.
void check_message(base::ByteView input);

/// `frame` is a request frame without its length, or a response frame. Must parse or fail.
void check_frame(base::ByteView frame);

}  // namespace longhaul::fuzz
