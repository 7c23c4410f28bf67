#include "records/record.h"

#include <fmt/format.h>

#include "records/cursor.h"

namespace longhaul::records {

std::optional<RecordHeader> HeaderReader::next() {
  if (left_ <= 0) return std::nullopt;
  --left_;
  RecordHeader header;
  header.key = base::as_text(reader_.view(static_cast<size_t>(reader_.varint())));
  int32_t size = reader_.varint();
  if (size >= 0) header.value = reader_.view(static_cast<size_t>(size));
  if (!reader_.ok()) return std::nullopt;
  return header;
}

const Record* RecordReader::stop(const char* why) {
  error_ = base::Error{base::Errc::kCorrupt,
                       fmt::format("record {} of {} in the batch at offset {}: {}", count_ + 1,
                                   header_.record_count, header_.base_offset, why)};
  return nullptr;
}

const Record* RecordReader::next() {
  if (count_ >= header_.record_count || error_) return nullptr;
  FlatCursor cursor(at_, end_);
  int32_t size = cursor.varint();
  if (!cursor.ok() || size < 0 || static_cast<size_t>(size) > cursor.left()) {
    return stop("its length reaches beyond the batch");
  }
  const uint8_t* body = cursor.position();
  FlatCursor inner(body, body + size);
  if (const char* why = parse_body(inner, record_)) return stop(why);
  if (inner.left() != 0) return stop("it is longer than its fields");
  record_.size_bytes = static_cast<int32_t>(body + size - at_);
  record_.offset = wrapping_add(header_.base_offset, record_.offset_delta);
  record_.timestamp = header_.timestamp_type() == TimestampType::kLogAppendTime
                          ? header_.max_timestamp
                          : wrapping_add(header_.base_timestamp, record_.timestamp_delta);
  at_ = body + size;
  if (++count_ == header_.record_count && at_ != end_) {
    return stop("bytes are left over behind the last record");
  }
  return &record_;
}

}  // namespace longhaul::records
