#include "records/record_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace longhaul::records {

using base::Errc;

namespace {

constexpr size_t kWindowSize = 64 * 1024;

uint8_t* put_varlong(uint8_t* at, int64_t value) {
  uint64_t raw = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; raw >= 0x80; raw >>= 7) *at++ = static_cast<uint8_t>(raw | 0x80);
  *at++ = static_cast<uint8_t>(raw);
  return at;
}

}  // namespace

/// Reads one record's body that does not fit into the window: what FlatCursor does, but fetching
/// more as it goes and copying what it has passed, if that is asked for.
class PiecewiseCursor {
 public:
  /// The first `already_copied` bytes are not copied any more.
  PiecewiseCursor(RecordStream& stream, size_t size, size_t already_copied)
      : stream_(stream), left_(size), already_copied_(already_copied) {}

  bool ok() const { return !failed_; }
  size_t left() const { return left_; }
  const uint8_t* position() const { return nullptr; }
  base::Result<void> take_error() { return std::move(error_); }

  uint8_t byte() {
    return read<uint8_t>([](FlatCursor& cursor) { return cursor.byte(); });
  }
  int32_t varint() {
    return read<int32_t>([](FlatCursor& cursor) { return cursor.varint(); });
  }
  int64_t varlong() {
    return read<int64_t>([](FlatCursor& cursor) { return cursor.varlong(); });
  }
  ByteView take(size_t size) {
    if (size > left_) fail();
    while (size != 0 && ok()) {
      fetch(1);
      size_t step = std::min(size, stream_.left());
      if (step == 0) fail();
      pass(step);
      size -= step;
    }
    return {};
  }

 private:
  static constexpr size_t kMaxVarint = 10;

  template <class T, class Read>
  T read(Read what) {
    fetch(kMaxVarint);
    FlatCursor cursor(stream_.at_, stream_.at_ + std::min(left_, stream_.left()));
    T value = what(cursor);
    if (!cursor.ok()) {
      fail();
      return 0;
    }
    pass(static_cast<size_t>(cursor.position() - stream_.at_));
    return value;
  }

  void fetch(size_t size) {
    if (auto filled = stream_.fill(std::min(size, left_)); !filled) fail_with(std::move(filled));
  }

  void pass(size_t size) {
    size_t skip = std::min(size, already_copied_);
    already_copied_ -= skip;
    if (stream_.encoder_ != nullptr && skip < size) {
      auto written = stream_.encoder_->write({stream_.at_ + skip, size - skip});
      if (!written) fail_with(std::move(written));
    }
    stream_.at_ += size;
    left_ -= size;
  }

  void fail() {
    failed_ = true;
    left_ = 0;
  }
  void fail_with(base::Result<void> error) {
    if (error_) error_ = std::move(error);
    fail();
  }

  RecordStream& stream_;
  size_t left_;  // of the body
  size_t already_copied_;
  bool failed_ = false;
  base::Result<void> error_;
};

RecordStream::RecordStream(Decoder& decoder, size_t max_plain)
    : decoder_(&decoder), window_(new uint8_t[kWindowSize]), plain_left_(max_plain) {
  at_ = end_ = window_.get();
}

base::Result<void> RecordStream::corrupt(int32_t index, const char* why) {
  return base::fail(Errc::kCorrupt, fmt::format("record {}: {}", index, why));
}

base::Result<void> RecordStream::refill(size_t size) {
  if (decoder_ == nullptr || ended_) return {};
  size_t kept = left();
  std::memmove(window_.get(), at_, kept);
  at_ = window_.get();
  while (kept < size) {
    auto got = decoder_->read({window_.get() + kept, kWindowSize - kept});
    end_ = window_.get() + kept + got.value_or(0);
    if (!got) return tl::unexpected(std::move(got).error());
    if (*got == 0) {
      ended_ = true;
      break;
    }
    if (*got > plain_left_) {
      return base::fail(Errc::kTooLarge, "the batch decompresses to too many bytes");
    }
    plain_left_ -= *got;
    kept += *got;
  }
  return {};
}

base::Result<void> RecordStream::next_across_windows(int32_t index, int32_t size, Record& record) {
  auto wanted = static_cast<size_t>(size);
  LH_TRY(fill(std::min(wanted, kWindowSize)));
  if (wanted <= left()) return next_in_window(index, size, record);
  if (decoder_ == nullptr || ended_) return corrupt(index, "its length reaches beyond the batch");

  size_t head = 0;
  if (encoder_ != nullptr) {
    LH_ASSIGN(head, copy_head(index, size));
  }
  PiecewiseCursor body(*this, wanted, head);
  const char* why = parse_body(body, record);
  LH_TRY(body.take_error());
  if (why != nullptr) return corrupt(index, why);
  if (body.left() != 0) return corrupt(index, "it is longer than its fields");
  return {};
}

base::Result<size_t> RecordStream::copy_head(int32_t index, int32_t size) {
  FlatCursor cursor(at_, at_ + std::min({kMaxHeadSize, static_cast<size_t>(size), left()}));
  cursor.byte();
  cursor.varlong();
  const uint8_t* offset_delta = cursor.position();
  cursor.varint();
  if (!cursor.ok()) return tl::unexpected(corrupt(index, "it is cut off").error());
  auto old_size = static_cast<int32_t>(cursor.position() - offset_delta);
  auto new_size = static_cast<int32_t>(base::varlong_size(index));

  uint8_t head[kMaxLengthSize + kMaxHeadSize];
  uint8_t* to = put_varlong(head, int64_t{size} - old_size + new_size);
  to = std::copy(at_, offset_delta, to);
  to = put_varlong(to, index);
  LH_TRY(encoder_->write({head, to}));
  return static_cast<size_t>(cursor.position() - at_);
}

base::Result<void> RecordStream::copy_in_window(int32_t index, int32_t size) {
  LH_ASSIGN(size_t head, copy_head(index, size));
  return encoder_->write({at_ + head, static_cast<size_t>(size) - head});
}

base::Result<void> RecordStream::finish() {
  LH_TRY(fill(1));
  if (left() == 0) return {};
  return base::fail(Errc::kCorrupt, "bytes are left over behind the last record");
}

}  // namespace longhaul::records
