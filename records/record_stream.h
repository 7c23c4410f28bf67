// Inside of records/: checks the records of a batch one by one, be they in memory or still
// compressed, in memory of a fixed size; on the way they can be written anew.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "records/compression.h"
#include "records/cursor.h"

namespace longhaul::records {

class RecordStream {
 public:
  /// Records that are not compressed.
  explicit RecordStream(ByteView plain) : at_(plain.data()), end_(plain.data() + plain.size()) {}
  /// Records behind a decoder that has been started. Fails with kTooLarge beyond `max_plain` bytes.
  RecordStream(Decoder& decoder, size_t max_plain);

  /// From here on every record read is also written to `encoder`, with its index as offset delta.
  void copy_to(Encoder* encoder) { encoder_ = encoder; }

  /// Reads and checks the record with this index. Fills neither offset nor timestamp; key, value
  /// and headers may be empty views and tell only whether they are there. Fails with kCorrupt,
  /// with kTooLarge, or with what the encoder says.
  base::Result<void> next(int32_t index, Record& record) {
    if (decoder_ != nullptr) LH_TRY(fill(kMaxLengthSize));
    FlatCursor cursor(at_, end_);
    int32_t size = cursor.varint();
    if (!cursor.ok() || size < 0 || size > kMaxBody)
      return corrupt(index, "its length cannot be right");
    record.size_bytes = size + static_cast<int32_t>(cursor.position() - at_);
    at_ = cursor.position();
    if (static_cast<size_t>(size) > left()) return next_across_windows(index, size, record);
    return next_in_window(index, size, record);
  }

  /// Fails unless nothing is left behind the last record.
  base::Result<void> finish();

 private:
  friend class PiecewiseCursor;

  static constexpr size_t kMaxLengthSize = 5;
  static constexpr int32_t kMaxBody = std::numeric_limits<int32_t>::max() - kMaxLengthSize;
  /// The longest that stands in a record before its key.
  static constexpr size_t kMaxHeadSize = 1 + 10 + 5;

  size_t left() const { return static_cast<size_t>(end_ - at_); }
  /// Makes `size` bytes available at at_ if the stream has as many.
  base::Result<void> fill(size_t size) {
    return left() >= size ? base::Result<void>() : refill(size);
  }
  base::Result<void> refill(size_t size);

  base::Result<void> next_in_window(int32_t index, int32_t size, Record& record) {
    FlatCursor body(at_, at_ + size);
    if (const char* why = parse_body(body, record)) return corrupt(index, why);
    if (body.left() != 0) return corrupt(index, "it is longer than its fields");
    if (encoder_ != nullptr) LH_TRY(copy_in_window(index, size));
    at_ += size;
    return {};
  }
  base::Result<void> next_across_windows(int32_t index, int32_t size, Record& record);
  base::Result<void> copy_in_window(int32_t index, int32_t size);
  /// Writes length, attributes, timestamp delta and offset delta of the record whose body of `size`
  /// bytes begins at at_, and returns how many bytes of it they replace.
  base::Result<size_t> copy_head(int32_t index, int32_t size);
  static base::Result<void> corrupt(int32_t index, const char* why);

  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  Decoder* decoder_ = nullptr;  // null: everything is between at_ and end_
  Encoder* encoder_ = nullptr;
  std::unique_ptr<uint8_t[]> window_;
  size_t plain_left_ = 0;  // how much more may come out of the decoder
  bool ended_ = false;
};

}  // namespace longhaul::records
