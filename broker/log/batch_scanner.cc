#include "broker/log/batch_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/crc32c.h"

namespace longhaul::broker::log {

using base::Errc;

base::Result<base::ByteView> BatchScanner::view(uint64_t from, size_t size) {
  if (from < buffer_at_ || from + size > buffer_at_ + buffer_.size()) {
    buffer_.resize(std::min<uint64_t>(std::max(size, chunk_), end_ - from));
    buffer_at_ = from;
    auto got = file_.read_at(from, buffer_);
    if (!got || *got < buffer_.size()) {
      buffer_.clear();
      if (!got) return tl::unexpected(got.error());
      return base::fail(Errc::kCorrupt, "the file ends before its size");
    }
  }
  return base::ByteView(buffer_).subspan(from - buffer_at_, size);
}

base::Result<std::optional<records::BatchHeader>> BatchScanner::next() {
  position_ = next_;
  if (next_ >= end_) return std::nullopt;
  size_t size = std::min<uint64_t>(records::kHeaderSize, end_ - next_);
  LH_ASSIGN(base::ByteView bytes, view(next_, size));
  LH_ASSIGN(header_, records::parse_header(bytes));
  if (header_.size_bytes() > end_ - next_) {
    return base::fail(Errc::kCorrupt,
                      fmt::format("the batch at offset {} is cut off: {} of {} bytes",
                                  header_.base_offset, end_ - next_, header_.size_bytes()));
  }
  next_ += header_.size_bytes();
  return header_;
}

base::Result<bool> BatchScanner::crc_matches() {
  uint32_t crc = 0;
  for (uint64_t at = position_ + records::kAttributesAt; at < next_;) {
    size_t size = std::min<uint64_t>(chunk_, next_ - at);
    LH_ASSIGN(base::ByteView bytes, view(at, size));
    crc = base::crc32c_extend(crc, bytes);
    at += size;
  }
  return crc == header_.crc;
}

base::Result<bool> BatchScanner::is_followed_below(int64_t offset) const {
  BatchScanner ahead(file_, next_, end_, chunk_);
  auto header = ahead.next();
  if (!header || !*header || (*header)->base_offset >= offset) return false;
  return ahead.crc_matches();
}

/// Moves next() there if so.
base::Result<bool> BatchScanner::begins_at(uint64_t position, int64_t offset) {
  if (position + records::kHeaderSize > end_) return false;
  LH_ASSIGN(base::ByteView bytes, view(position, records::kHeaderSize));
  auto base_offset = base::load_big_endian<int64_t>(bytes.data());
  bool may_be = bytes[records::kMagicAt] == records::kMagic && base_offset >= offset &&
                base_offset - offset <= std::numeric_limits<int32_t>::max();
  if (!may_be) return false;
  next_ = position;
  auto header = next();
  next_ = position;
  if (!header) return false;
  next_ = position + header_.size_bytes();
  auto intact = crc_matches();
  next_ = position;
  return intact;
}

base::Result<bool> BatchScanner::skip_damage(int64_t offset) {
  const uint64_t damaged = position_;
  // As its header has it, if that is sound; else it may be anywhere.
  bool found = false;
  if (next_ > damaged) {
    LH_ASSIGN(found, begins_at(next_, offset));
  }
  for (uint64_t at = damaged + 1; !found && at < end_; ++at) {
    LH_ASSIGN(found, begins_at(at, offset));
  }
  if (!found) position_ = damaged;
  return found;
}

base::Result<base::Bytes> BatchScanner::load() {
  base::Bytes bytes(next_ - position_);
  LH_ASSIGN(size_t got, file_.read_at(position_, bytes));
  if (got < bytes.size()) return base::fail(Errc::kCorrupt, "the file ends within a batch");
  return bytes;
}

}  // namespace longhaul::broker::log
