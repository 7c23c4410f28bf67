// The records inside a batch of version 2, read without copies. docs/formats/records.md has the
// layout; keys, values and headers are views into the payload that was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "records/batch.h"

namespace longhaul::records {

/// A view of one record. An absent key or value is Kafka's null: no key, or a tombstone.
struct Record {
  int64_t offset = 0;
  int64_t timestamp = kNoTimestamp;  // the batch's maximal one if that has LogAppendTime
  int64_t timestamp_delta = 0;       // as stored
  int32_t offset_delta = 0;          // as stored
  int32_t size_bytes = 0;            // with its length field
  int8_t attributes = 0;             // no bit has a meaning yet
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  int32_t header_count = 0;
  ByteView raw_headers;  // for HeaderReader
};

struct RecordHeader {
  std::string_view key;
  std::optional<ByteView> value;
};

/// Walks the headers of a record that a RecordReader gave out (and has checked therefore).
class HeaderReader {
 public:
  explicit HeaderReader(const Record& record)
      : reader_(record.raw_headers), left_(record.header_count) {}
  /// Absent at the end.
  std::optional<RecordHeader> next();

 private:
  base::Reader reader_;
  int32_t left_;
};

/// Walks the records of one batch whose payload is not, or no longer, compressed. Every length is
/// checked; the payload must hold exactly as many records as the batch header says.
///
///     RecordReader reader(header, payload);
///     while (const Record* record = reader.next()) use(*record);
///     if (reader.error()) ...
class RecordReader {
 public:
  RecordReader(const BatchHeader& header, ByteView payload)
      : header_(header), at_(payload.data()), end_(payload.data() + payload.size()) {}

  /// The next record, or null at the end and at the first malformed record. Valid until the next
  /// call; the views in it as long as the payload.
  const Record* next();
  /// kCorrupt; absent after an orderly end.
  const std::optional<base::Error>& error() const { return error_; }

 private:
  const Record* stop(const char* why);

  BatchHeader header_;
  const uint8_t* at_;
  const uint8_t* end_;
  int32_t count_ = 0;
  Record record_;
  std::optional<base::Error> error_;
};

}  // namespace longhaul::records
