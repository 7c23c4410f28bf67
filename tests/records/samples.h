// Batches that several tests here need.
#pragma once

#include <string>
#include <vector>

#include "records/batch.h"
#include "records/builder.h"
#include "records/compression.h"

namespace longhaul::records {

inline constexpr Codec kAllCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4,
                                       Codec::kZstd};
inline constexpr int64_t kNow = 1'700'000'000'000;

/// Five records: plain, null key, null value, headers (one of them null), and an empty one.
inline Bytes sample_batch(Codecs& codecs, BatchOptions options) {
  BatchBuilder builder(options);
  const RecordHeader headers[] = {{"trace", base::as_bytes("abc")}, {"empty", std::nullopt}};
  std::string large(700, 'v');
  builder.append(kNow, base::as_bytes("key-0"), base::as_bytes("value-0"));
  builder.append(kNow + 5, std::nullopt, base::as_bytes(large));
  builder.append(kNow - 3, base::as_bytes("key-2"), std::nullopt);
  builder.append(kNow + 70'000, base::as_bytes("key-3"), base::as_bytes("value-3"), headers);
  builder.append(kNow, base::as_bytes(""), base::as_bytes(""));
  return builder.build(codecs);
}

/// `count` records with a key and a value of `value_size` bytes that compress about to a half.
inline Bytes bulk_batch(Codecs& codecs, BatchOptions options, int count, size_t value_size) {
  BatchBuilder builder(options);
  uint32_t state = 12345;
  std::string value(value_size, 'x');
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < value.size(); k += 2) {
      state = state * 1'664'525 + 1'013'904'223;
      value[k] = static_cast<char>(state >> 24);
    }
    builder.append(kNow + i, base::as_bytes("key-" + std::to_string(i)), base::as_bytes(value));
  }
  return builder.build(codecs);
}

/// Everything about a record as text, to be compared.
inline std::string describe(const Record& record) {
  auto field = [](const std::optional<ByteView>& bytes) {
    return bytes ? "'" + std::string(base::as_text(*bytes)) + "'" : std::string("null");
  };
  std::string text = std::to_string(record.offset) + "@" + std::to_string(record.timestamp) + " " +
                     field(record.key) + "=" + field(record.value);
  HeaderReader reader(record);
  while (auto header = reader.next()) {
    text += " " + std::string(header->key) + ":" + field(header->value);
  }
  return text;
}

/// The records of one whole batch described, or "error: ..." as the last line.
inline std::vector<std::string> describe_all(Codecs& codecs, ByteView batch) {
  std::vector<std::string> lines;
  auto header = parse_header(batch);
  if (!header) return {"error: " + header.error().message};
  Bytes scratch;
  auto plain = plain_payload(codecs, *header, batch.subspan(kHeaderSize), 1 << 26, scratch);
  if (!plain) return {"error: " + plain.error().message};
  RecordReader reader(*header, *plain);
  while (const Record* record = reader.next()) lines.push_back(describe(*record));
  if (reader.error()) lines.push_back("error: " + reader.error()->message);
  return lines;
}

}  // namespace longhaul::records
