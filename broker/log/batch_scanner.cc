#include "broker/log/batch_scanner.h"

#include <fmt/format.h>

#include <algorithm>

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

base::Result<base::Bytes> BatchScanner::load() {
  base::Bytes bytes(next_ - position_);
  LH_ASSIGN(size_t got, file_.read_at(position_, bytes));
  if (got < bytes.size()) return base::fail(Errc::kCorrupt, "the file ends within a batch");
  return bytes;
}

}  // namespace longhaul::broker::log
