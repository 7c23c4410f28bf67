// Inside of records/: how a record's bytes are taken apart, from memory or from a decoder.
#pragma once

#include <cstdint>
#include <limits>

#include "records/record.h"

namespace longhaul::records {

/// A range of memory, read with every step checked. After a failure `ok()` is false for good and
/// what is returned means nothing.
class FlatCursor {
 public:
  FlatCursor(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  bool ok() const { return !failed_; }
  const uint8_t* position() const { return at_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  uint8_t byte() {
    if (at_ == end_) return fail();
    return *at_++;
  }
  /// Zigzag varint of at most 5 bytes.
  int32_t varint() {
    if (at_ != end_ && *at_ < 0x80) [[likely]] {
      uint32_t small = *at_++;
      return static_cast<int32_t>(small >> 1) ^ -static_cast<int32_t>(small & 1);
    }
    uint64_t raw = long_varint(5);
    if (raw > std::numeric_limits<uint32_t>::max()) return fail();
    return static_cast<int32_t>(raw >> 1) ^ -static_cast<int32_t>(raw & 1);
  }
  /// Zigzag varint of at most 10 bytes.
  int64_t varlong() {
    uint64_t raw = at_ != end_ && *at_ < 0x80 ? *at_++ : long_varint(10);
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  ByteView take(size_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    ByteView view{at_, size};
    at_ += size;
    return view;
  }

 private:
  uint8_t fail() {
    failed_ = true;
    at_ = end_;
    return 0;
  }
  uint64_t long_varint(int max_bytes) {
    uint64_t value = 0;
    for (int i = 0; i < max_bytes; ++i) {
      if (at_ == end_) return fail();
      uint64_t byte = *at_++;
      if (i == 9 && byte > 1) return fail();
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    return fail();
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

/// Takes apart what follows a record's length field, headers included. Returns null, or what is
/// wrong. Fills neither offset, timestamp nor size. `Cursor` is a FlatCursor over the record's
/// body, or something like it over a stream, whose views are empty and whose position is null.
template <class Cursor>
const char* parse_body(Cursor& cursor, Record& record) {
  record.attributes = static_cast<int8_t>(cursor.byte());
  record.timestamp_delta = cursor.varlong();
  record.offset_delta = cursor.varint();
  int32_t key_size = cursor.varint();
  record.key.reset();
  if (key_size >= 0) record.key = cursor.take(static_cast<size_t>(key_size));
  int32_t value_size = cursor.varint();
  record.value.reset();
  if (value_size >= 0) record.value = cursor.take(static_cast<size_t>(value_size));
  record.header_count = cursor.varint();
  if (!cursor.ok()) return "a field reaches beyond the record's end";
  record.raw_headers = {};
  if (record.header_count == 0) return nullptr;
  if (record.header_count < 0 || static_cast<size_t>(record.header_count) > cursor.left() / 2) {
    return "the count of headers cannot be right";
  }
  const uint8_t* headers = cursor.position();
  for (int32_t i = 0; i < record.header_count; ++i) {
    int32_t size = cursor.varint();
    if (!cursor.ok() || size < 0) return "the length of a header's key cannot be right";
    cursor.take(static_cast<size_t>(size));
    int32_t header_value_size = cursor.varint();
    if (header_value_size > 0) cursor.take(static_cast<size_t>(header_value_size));
    if (!cursor.ok()) return "a header reaches beyond the record's end";
  }
  record.raw_headers = {headers, cursor.position()};
  return nullptr;
}

/// base + delta as Kafka computes it: wrapping.
inline int64_t wrapping_add(int64_t base, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base) + static_cast<uint64_t>(delta));
}

}  // namespace longhaul::records
