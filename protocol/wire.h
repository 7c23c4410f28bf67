// The primitives of Kafka's wire format, for the generated codecs only. Everybody else uses the
// messages. Formats: https://kafka.apache.org/protocol and KIP-482 (tagged fields).
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>

#include "protocol/message.h"

namespace longhaul::protocol::wire {

/// Kafka's longest string, in bytes.
inline constexpr size_t kMaxString = 0x7fff;
/// Memory reserved for an array on the word of its count alone; beyond, it grows as it is read.
inline constexpr size_t kMaxReserve = 64 * 1024;

/// The most that an element of an array takes in memory for each byte it takes on the wire. The
/// generated codecs assert it; a hostile frame can make us allocate about this many times its size.
inline constexpr size_t kMaxGrowth = 48;

/// A reader that remembers what was wrong and in which field. `flex` chooses between the compact
/// encodings and the older ones; `null_ok` says whether this version may carry null here.
class Input : public base::Reader {
 public:
  explicit Input(base::ByteView bytes) : base::Reader(bytes), begin_(bytes.data()) {}

  bool boolean() { return int8() != 0; }
  base::Uuid uuid();

  void string(std::string& out, bool flex, const char* field);
  void string(std::optional<std::string>& out, bool flex, bool null_ok, const char* field);
  void bytes(base::Bytes& out, bool flex, const char* field);
  void bytes(std::optional<base::Bytes>& out, bool flex, bool null_ok, const char* field);
  void records(Records& out, bool flex, const char* field);
  void records(std::optional<Records>& out, bool flex, bool null_ok, const char* field);

  /// Arrays of simple values; defined for the kinds that the schema has.
  template <class T>
  void values(std::vector<T>& out, bool flex, const char* field);
  template <class T>
  void values(std::optional<std::vector<T>>& out, bool flex, bool null_ok, const char* field);

  /// Arrays of structs, whose elements take at least `min_size` bytes each; `read` is the
  /// generated function for one.
  template <class T>
  void array(std::vector<T>& out, bool flex, size_t min_size, const char* field,
             void (*read)(Input&, T&, int16_t), int16_t version) {
    elements(out, count(flex, false, min_size, field), read, version);
  }
  template <class T>
  void array(std::optional<std::vector<T>>& out, bool flex, bool null_ok, size_t min_size,
             const char* field, void (*read)(Input&, T&, int16_t), int16_t version) {
    int64_t n = count(flex, null_ok, min_size, field);
    if (n < 0)
      out.reset();
    else
      elements(out.emplace(), n, read, version);
  }

  /// How many tagged fields follow.
  uint32_t tag_count();
  /// Passes over tagged fields none of which is known here.
  void skip_tags() {
    for (uint32_t n = tag_count(); n > 0 && ok(); --n) {
      unsigned_varint();
      skip(unsigned_varint());
    }
  }
  /// The content of the next tagged field, whose number has been read.
  Input tagged() { return Input(view(unsigned_varint())); }
  /// Ends a tagged field: it must have been read to its end.
  void close(const Input& content, const char* field);

  void reject(const char* field, const char* why);
  /// What was wrong, for `!ok()`: "topics: count is more than the bytes left could hold".
  std::string problem() const;

 private:
  /// Grows as it reads, at first by no more than kMaxReserve, so that a count alone costs little.
  template <class T>
  [[gnu::always_inline]] void elements(std::vector<T>& out, int64_t count,
                                       void (*read)(Input&, T&, int16_t), int16_t version) {
    out.clear();
    auto n = static_cast<size_t>(std::max<int64_t>(count, 0));
    for (size_t i = 0; i < n && ok(); ++i) {
      if (i == out.size()) out.resize(std::min(n, i == 0 ? kMaxReserve / sizeof(T) + 1 : 2 * i));
      read(*this, out[i], version);
    }
  }
  template <class T>
  void read_values(std::vector<T>& out, int64_t count, bool flex, const char* field);
  /// The count of an array whose elements take at least `min_size` bytes; -1 is null.
  int64_t count(bool flex, bool null_ok, size_t min_size, const char* field);
  int64_t length(bool flex, bool wide, const char* field);
  base::ByteView blob(bool flex, bool wide, bool null_ok, bool& is_null, const char* field);

  const uint8_t* begin_;
  const char* field_ = nullptr;
  const char* why_ = nullptr;
};

inline size_t varint_size(uint32_t value) {
  return value < 0x80 ? 1 : base::unsigned_varlong_size(value);
}
/// Bytes taken by a length or count in front of something.
inline size_t length_size(size_t value, bool flex, size_t wide) {
  return flex ? varint_size(static_cast<uint32_t>(value + 1)) : wide;
}
inline size_t size_of(const std::string& value, bool flex) {
  return length_size(value.size(), flex, 2) + value.size();
}
inline size_t size_of(const base::Bytes& value, bool flex) {
  return length_size(value.size(), flex, 4) + value.size();
}
inline size_t size_of(const Records& value, bool flex) {
  return length_size(value.size(), flex, 4) + value.bytes.size();
}
/// An array of simple values: T is an integer, Uuid or string.
template <class T>
size_t size_of(const std::vector<T>& value, bool flex) {
  size_t n = length_size(value.size(), flex, 4);
  if constexpr (std::is_same_v<T, std::string>) {
    for (const T& e : value) n += size_of(e, flex);
  } else {
    n += value.size() * sizeof(T);
  }
  return n;
}
inline size_t size_of(const std::optional<std::string>& value, bool flex) {
  return value ? size_of(*value, flex) : (flex ? 1 : 2);
}
template <class T>
size_t size_of(const std::optional<T>& value, bool flex) {
  return value ? size_of(*value, flex) : (flex ? 1 : 4);
}
/// Bytes taken by the count of an array.
template <class T>
size_t count_size(const std::vector<T>& value, bool flex) {
  return length_size(value.size(), flex, 4);
}
/// Bytes taken by a tagged field with `content` bytes.
inline size_t tagged_size(uint32_t tag, size_t content) {
  return varint_size(tag) + varint_size(static_cast<uint32_t>(content)) + content;
}

/// Writes into room that was measured before. What a version cannot carry is remembered, and the
/// caller then drops everything written.
class Output {
 public:
  /// Grows the encoder by `size` bytes, which are then written.
  Output(Encoder& encoder, size_t size)
      : encoder_(encoder),
        position_(encoder.size()),
        splice_count_(encoder.splices().size()),
        begin_(encoder.extend(size)),
        end_(begin_ + size),
        at_(begin_) {}

  void boolean(bool value) { fixed<int8_t>(value ? 1 : 0); }
  void int8(int8_t value) { fixed(value); }
  void int16(int16_t value) { fixed(value); }
  void uint16(uint16_t value) { fixed(value); }
  void int32(int32_t value) { fixed(value); }
  void uint32(uint32_t value) { fixed(value); }
  void int64(int64_t value) { fixed(value); }
  void float64(double value) { fixed(std::bit_cast<int64_t>(value)); }
  void uuid(const base::Uuid& value) { raw(value.bytes); }
  void varint(uint32_t value) {
    while (value >= 0x80) {
      *at_++ = static_cast<uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<uint8_t>(value);
  }

  void string(const std::string& value, bool flex, const char* field);
  void string(const std::optional<std::string>& value, bool flex, bool null_ok, const char* field);
  void bytes(const base::Bytes& value, bool flex, const char* field);
  void bytes(const std::optional<base::Bytes>& value, bool flex, bool null_ok, const char* field);
  void records(const Records& value, bool flex, const char* field);
  void records(const std::optional<Records>& value, bool flex, bool null_ok, const char* field);

  template <class T>
  void values(const std::vector<T>& value, bool flex, const char* field);
  template <class T>
  void values(const std::optional<std::vector<T>>& value, bool flex, bool null_ok,
              const char* field);

  template <class T>
  void array(const std::vector<T>& value, bool flex, const char* field,
             void (*write)(Output&, const T&, int16_t), int16_t version) {
    length(value.size(), flex, field);
    for (const T& element : value) write(*this, element, version);
  }
  template <class T>
  void array(const std::optional<std::vector<T>>& value, bool flex, bool null_ok, const char* field,
             void (*write)(Output&, const T&, int16_t), int16_t version) {
    if (value)
      array(*value, flex, field, write, version);
    else
      null(flex, null_ok, field);
  }

  /// The head of a tagged field; `size` bytes of content follow.
  void tag(uint32_t number, size_t size) {
    varint(number);
    varint(static_cast<uint32_t>(size));
  }

  void reject(const char* field, const char* why);
  /// For a value other than the default in a version that cannot carry it.
  void reject_version(const char* field);
  /// Ends the writing. Where something was rejected, cuts the encoder back to what it was.
  base::Result<void> finish(const char* message, int16_t version);

 private:
  template <class T>
  void fixed(T value) {
    base::store_big_endian(at_, value);
    at_ += sizeof(T);
  }
  void raw(base::ByteView view) {
    if (!view.empty()) std::memcpy(at_, view.data(), view.size());
    at_ += view.size();
  }
  /// A length or count of 32 bits.
  void length(uint64_t value, bool flex, const char* field);
  void null(bool flex, bool null_ok, const char* field);

  Encoder& encoder_;
  size_t position_;
  size_t splice_count_;
  uint8_t* begin_;
  uint8_t* end_;
  uint8_t* at_;
  const char* field_ = nullptr;
  const char* why_ = nullptr;
};

/// The errors of the generated entry points.
tl::unexpected<base::Error> no_version(const char* message, int16_t version, int16_t min,
                                       int16_t max);
/// Makes `reader` fail too.
tl::unexpected<base::Error> bad_input(const char* message, int16_t version, const Input& in,
                                      base::Reader& reader);

}  // namespace longhaul::protocol::wire
