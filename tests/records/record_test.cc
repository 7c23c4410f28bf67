#include "records/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using testing::HasSubstr;

/// The error of a batch with one record whose body is `body`, behind a length of `length`.
std::string error_of(const Bytes& body, std::optional<int32_t> length = {}) {
  base::Writer payload;
  payload.varint(length.value_or(static_cast<int32_t>(body.size())));
  payload.bytes(body);
  BatchHeader header;
  header.record_count = 1;
  RecordReader reader(header, payload.view());
  while (reader.next() != nullptr) {
  }
  return reader.error() ? reader.error()->message : "";
}

TEST(RecordReader, TakesTheSmallestRecord) {
  // attributes, timestamp delta, offset delta, null key, null value, no headers
  EXPECT_EQ(error_of({0, 0, 0, 1, 1, 0}), "");
  EXPECT_EQ(error_of({0, 0, 0, 0, 0, 0}), "");  // empty instead of null
  EXPECT_EQ(error_of({0, 0, 0, 9, 9, 0}), "");  // any negative size is null, as in Kafka
}

TEST(RecordReader, RefusesEveryFieldThatLies) {
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 0}, 7), HasSubstr("length"));
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 0}, -1), HasSubstr("length"));
  EXPECT_THAT(error_of({0, 0, 0, 1, 1}), HasSubstr("beyond"));
  EXPECT_THAT(error_of({}), HasSubstr("beyond"));
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 0, 0}), HasSubstr("longer"));
  EXPECT_THAT(error_of({0, 0, 0, 4, 'k', 1, 0}), HasSubstr("beyond"));   // key
  EXPECT_THAT(error_of({0, 0, 0, 1, 40, 'v', 0}), HasSubstr("beyond"));  // value
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 1}), HasSubstr("headers"));       // -1 headers
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 4, 0, 0}), HasSubstr("headers"));
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 2, 1, 0}), HasSubstr("key"));     // null header key
  EXPECT_THAT(error_of({0, 0, 0, 1, 1, 2, 0, 4}), HasSubstr("header"));  // its value
  EXPECT_THAT(error_of({0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 1}),
              HasSubstr("beyond"));  // a varint of eleven bytes
}

TEST(RecordReader, CountAndPayloadHaveToAgree) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {});
  for (int32_t count : {0, 4, 6}) {
    auto header = *parse_header(batch);
    header.record_count = count;
    RecordReader reader(header, ByteView(batch).subspan(kHeaderSize));
    int32_t seen = 0;
    while (reader.next() != nullptr) ++seen;
    EXPECT_EQ(reader.error().has_value(), count != 0);
    EXPECT_LE(seen, 5);
  }
}

TEST(RecordReader, ViewsPointIntoThePayload) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {});
  RecordReader reader(*parse_header(batch), ByteView(batch).subspan(kHeaderSize));
  while (const Record* record = reader.next()) {
    if (!record->key || record->key->empty()) continue;
    EXPECT_GE(record->key->data(), batch.data());
    EXPECT_LT(record->key->data(), batch.data() + batch.size());
  }
  EXPECT_FALSE(reader.error());
}

}  // namespace
}  // namespace longhaul::records
