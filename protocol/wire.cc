#include "protocol/wire.h"

#include <fmt/format.h>

#include <limits>

#include "base/assert.h"

namespace longhaul::protocol::wire {
namespace {
constexpr uint64_t kMaxLength = std::numeric_limits<int32_t>::max();
constexpr const char* kNullHere = "is null, which this version does not allow";

/// Bytes that a simple value takes at least.
template <class T>
constexpr size_t min_size(bool flex) {
  if constexpr (std::is_same_v<T, std::string>) return flex ? 1 : 2;
  return sizeof(T);
}

}  // namespace

template <class T>
void Input::read_values(std::vector<T>& out, int64_t count, bool flex, const char* field) {
  auto n = static_cast<size_t>(std::max<int64_t>(count, 0));
  if constexpr (std::is_same_v<T, std::string>) {
    out.clear();
    out.reserve(std::min(n, kMaxReserve / sizeof(T)));
    for (size_t i = 0; i < n && ok(); ++i) string(out.emplace_back(), flex, field);
  } else {
    base::ByteView from = view(n * sizeof(T));  // count() made sure of it
    out.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const uint8_t* at = from.data() + i * sizeof(T);
      if constexpr (std::is_same_v<T, base::Uuid>)
        std::memcpy(out[i].bytes.data(), at, sizeof(T));
      else
        out[i] = base::load_big_endian<T>(at);
    }
  }
}

template <class T>
void Input::values(std::vector<T>& out, bool flex, const char* field) {
  read_values(out, count(flex, false, min_size<T>(flex), field), flex, field);
}

template <class T>
void Input::values(std::optional<std::vector<T>>& out, bool flex, bool null_ok, const char* field) {
  int64_t n = count(flex, null_ok, min_size<T>(flex), field);
  if (n < 0)
    out.reset();
  else
    read_values(out.emplace(), n, flex, field);
}

template <class T>
void Output::values(const std::vector<T>& value, bool flex, const char* field) {
  length(value.size(), flex, field);
  for (const T& element : value) {
    if constexpr (std::is_same_v<T, std::string>)
      string(element, flex, field);
    else if constexpr (std::is_same_v<T, base::Uuid>)
      uuid(element);
    else
      fixed(element);
  }
}

template <class T>
void Output::values(const std::optional<std::vector<T>>& value, bool flex, bool null_ok,
                    const char* field) {
  if (value)
    values(*value, flex, field);
  else
    null(flex, null_ok, field);
}

#define LH_VALUES(T)                                                                       \
  template void Input::values<T>(std::vector<T>&, bool, const char*);                      \
  template void Input::values<T>(std::optional<std::vector<T>>&, bool, bool, const char*); \
  template void Output::values<T>(const std::vector<T>&, bool, const char*);               \
  template void Output::values<T>(const std::optional<std::vector<T>>&, bool, bool, const char*)
LH_VALUES(int8_t);
LH_VALUES(int16_t);
LH_VALUES(int32_t);
LH_VALUES(int64_t);
LH_VALUES(base::Uuid);
LH_VALUES(std::string);
#undef LH_VALUES

base::Uuid Input::uuid() {
  base::Uuid result;
  base::ByteView from = view(result.bytes.size());
  if (ok()) std::memcpy(result.bytes.data(), from.data(), from.size());
  return result;
}

/// A length in front of something; negative is null.
int64_t Input::length(bool flex, bool wide, const char* field) {
  if (!flex) return wide ? int32() : int16();
  int64_t value = static_cast<int64_t>(unsigned_varint()) - 1;
  if (value > static_cast<int64_t>(kMaxLength)) {
    reject(field, "length is above 2^31");
    return 0;
  }
  return value;
}

base::ByteView Input::blob(bool flex, bool wide, bool null_ok, bool& is_null, const char* field) {
  int64_t size = length(flex, wide, field);
  is_null = size < 0;
  if (is_null) {
    if (!null_ok) reject(field, kNullHere);
    return {};
  }
  if (!wide && static_cast<size_t>(size) > kMaxString) {
    reject(field, "string is longer than 32767 bytes");
    return {};
  }
  if (static_cast<size_t>(size) > remaining()) {
    reject(field, "length is more than the bytes left");
    return {};
  }
  return view(static_cast<size_t>(size));
}

void Input::string(std::string& out, bool flex, const char* field) {
  bool is_null = false;
  out.assign(base::as_text(blob(flex, false, false, is_null, field)));
}

void Input::string(std::optional<std::string>& out, bool flex, bool null_ok, const char* field) {
  bool is_null = false;
  base::ByteView from = blob(flex, false, null_ok, is_null, field);
  if (is_null)
    out.reset();
  else
    out.emplace(base::as_text(from));
}

void Input::bytes(base::Bytes& out, bool flex, const char* field) {
  bool is_null = false;
  base::ByteView from = blob(flex, true, false, is_null, field);
  out.assign(from.begin(), from.end());
}

void Input::bytes(std::optional<base::Bytes>& out, bool flex, bool null_ok, const char* field) {
  bool is_null = false;
  base::ByteView from = blob(flex, true, null_ok, is_null, field);
  if (is_null)
    out.reset();
  else
    out.emplace(from.begin(), from.end());
}

void Input::records(Records& out, bool flex, const char* field) {
  bool is_null = false;
  out = {blob(flex, true, false, is_null, field), 0};
}

void Input::records(std::optional<Records>& out, bool flex, bool null_ok, const char* field) {
  bool is_null = false;
  base::ByteView from = blob(flex, true, null_ok, is_null, field);
  if (is_null)
    out.reset();
  else
    out = Records{from, 0};
}

int64_t Input::count(bool flex, bool null_ok, size_t min_size, const char* field) {
  int64_t n = length(flex, true, field);
  if (n < 0) {
    if (!null_ok) reject(field, kNullHere);
    return -1;
  }
  if (static_cast<size_t>(n) > remaining() / min_size) {
    reject(field, "count is more than the bytes left could hold");
    return 0;
  }
  return n;
}

uint32_t Input::tag_count() {
  uint32_t n = unsigned_varint();
  if (n <= remaining() / 2) return n;
  reject("tagged fields", "count is more than the bytes left could hold");
  return 0;
}

void Input::close(const Input& content, const char* field) {
  if (!content.ok()) {
    if (ok()) {
      field_ = content.field_ == nullptr ? field : content.field_;
      why_ = content.why_ == nullptr ? "tagged field ends early" : content.why_;
    }
    fail();
  } else if (content.remaining() != 0) {
    reject(field, "tagged field has bytes after its end");
  }
}

void Input::reject(const char* field, const char* why) {
  if (ok()) {
    field_ = field;
    why_ = why;
  }
  fail();
}

std::string Input::problem() const {
  if (why_ == nullptr) return "ends early or holds a malformed varint";
  return fmt::format("{}: {}", field_, why_);
}

void Output::string(const std::string& value, bool flex, const char* field) {
  if (value.size() > kMaxString) reject(field, "string is longer than 32767 bytes");
  if (flex)
    varint(static_cast<uint32_t>(value.size() + 1));
  else
    int16(static_cast<int16_t>(value.size()));
  raw(base::as_bytes(value));
}

void Output::string(const std::optional<std::string>& value, bool flex, bool null_ok,
                    const char* field) {
  if (value) return string(*value, flex, field);
  if (!null_ok) reject(field, kNullHere);
  if (flex)
    varint(0);
  else
    int16(-1);
}

void Output::bytes(const base::Bytes& value, bool flex, const char* field) {
  length(value.size(), flex, field);
  raw(value);
}

void Output::bytes(const std::optional<base::Bytes>& value, bool flex, bool null_ok,
                   const char* field) {
  if (value)
    bytes(*value, flex, field);
  else
    null(flex, null_ok, field);
}

void Output::records(const Records& value, bool flex, const char* field) {
  length(value.size(), flex, field);
  raw(value.bytes);
  if (value.spliced_size > 0)
    encoder_.splice(position_ + static_cast<size_t>(at_ - begin_), value.spliced_size);
}

void Output::records(const std::optional<Records>& value, bool flex, bool null_ok,
                     const char* field) {
  if (value)
    records(*value, flex, field);
  else
    null(flex, null_ok, field);
}

void Output::length(uint64_t value, bool flex, const char* field) {
  if (value >= kMaxLength) reject(field, "is longer than 2^31 bytes or elements");
  if (flex)
    varint(static_cast<uint32_t>(value + 1));
  else
    int32(static_cast<int32_t>(value));
}

void Output::null(bool flex, bool null_ok, const char* field) {
  if (!null_ok) reject(field, kNullHere);
  if (flex)
    varint(0);
  else
    int32(-1);
}

void Output::reject(const char* field, const char* why) {
  if (why_ != nullptr) return;
  field_ = field;
  why_ = why;
}

void Output::reject_version(const char* field) {
  reject(field, "has a value that this version cannot carry");
}

base::Result<void> Output::finish(const char* message, int16_t version) {
  LH_ASSERT(at_ == end_, "a message was measured otherwise than it was written");
  if (why_ == nullptr) return {};
  encoder_.truncate(position_, splice_count_);
  return base::fail(
      base::Errc::kInvalidArgument,
      fmt::format("{} version {} cannot be encoded: {}: {}", message, version, field_, why_));
}

tl::unexpected<base::Error> no_version(const char* message, int16_t version, int16_t min,
                                       int16_t max) {
  return base::fail(base::Errc::kUnsupported,
                    fmt::format("{} has no version {}, only {} to {}", message, version, min, max));
}

tl::unexpected<base::Error> bad_input(const char* message, int16_t version, const Input& in,
                                      base::Reader& reader) {
  reader.fail();
  return base::fail(base::Errc::kCorrupt,
                    fmt::format("{} version {}: {}", message, version, in.problem()));
}

}  // namespace longhaul::protocol::wire

namespace longhaul::protocol {

tl::unexpected<base::Error> trailing_bytes(const char* message, int16_t version, size_t count) {
  return base::fail(base::Errc::kCorrupt,
                    fmt::format("{} version {}: {} bytes after its end", message, version, count));
}

}  // namespace longhaul::protocol
