// Batches that other implementations wrote; tests/records/vectors/README.md says which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "records/validate.h"
#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using testing::ElementsAreArray;

Bytes read_vector(const std::string& name) {
  std::ifstream file("tests/records/vectors/" + name + ".hex");
  EXPECT_TRUE(file) << name;
  Bytes bytes;
  std::string line;
  while (std::getline(file, line)) {
    for (size_t i = 0; i + 1 < line.size(); i += 2) {
      bytes.push_back(static_cast<uint8_t>(std::stoi(line.substr(i, 2), nullptr, 16)));
    }
  }
  return bytes;
}

std::vector<std::string> five_records(int64_t base_offset) {
  const std::string rest[] = {
      "@1700000000000 'key-0'='value-0'",
      "@1700000000005 null='" + std::string(700, 'v') + "'",
      "@1699999999997 'key-2'=null",
      "@1700000070000 'key-3'='value-3' trace:'abc' empty:null",
      "@1700000000000 ''=''",
  };
  std::vector<std::string> lines;
  for (const std::string& text : rest) lines.push_back(std::to_string(base_offset++) + text);
  return lines;
}

TEST(Vectors, EveryCodecOfEveryWriterIsRead) {
  Codecs codecs;
  for (const char* name :
       {"java-none", "java-gzip", "java-snappy", "java-snappy-raw", "java-lz4", "java-zstd",
        "java-none-transactional", "kafka-python-none", "kafka-python-gzip", "kafka-python-snappy",
        "kafka-python-lz4", "kafka-python-zstd"}) {
    SCOPED_TRACE(name);
    Bytes batch = read_vector(name);
    EXPECT_TRUE(crc_matches(batch));
    int64_t base = std::string_view(name).starts_with("java") ? 1000 : 0;
    EXPECT_THAT(describe_all(codecs, batch), ElementsAreArray(five_records(base)));
  }
}

TEST(Vectors, SeveralBlocksAreRead) {
  Codecs codecs;
  for (auto [name, count] : {std::pair("java-snappy-blocks", 505u), {"java-lz4-blocks", 805u}}) {
    auto lines = describe_all(codecs, read_vector(name));
    ASSERT_EQ(lines.size(), count);
    EXPECT_EQ(lines[504],
              "1504@1700000000499 'k499'='line 499 of a text that is rather long and not quite "
              "always the same 3951581'");
  }
}

TEST(Vectors, HeadersAreUnderstood) {
  Codecs codecs;
  auto transactional = parse_header(read_vector("java-none-transactional"));
  EXPECT_TRUE(transactional->is_transactional());
  EXPECT_EQ(transactional->producer_id, 4711);
  EXPECT_EQ(transactional->producer_epoch, 3);
  EXPECT_EQ(transactional->base_sequence, 77);
  EXPECT_EQ(transactional->last_sequence(), 81);
  EXPECT_EQ(transactional->partition_leader_epoch, 5);
  EXPECT_EQ(transactional->max_timestamp, 1700000070000);

  Bytes appended = read_vector("java-zstd-log-append-time");
  EXPECT_EQ(parse_header(appended)->timestamp_type(), TimestampType::kLogAppendTime);
  auto lines = describe_all(codecs, appended);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2], "1002@1700000099000 'key-2'=null");

  Bytes commit = read_vector("java-control-commit");
  EXPECT_TRUE(parse_header(commit)->is_control());
  EXPECT_TRUE(parse_header(commit)->is_transactional());
}

// Apache Kafka's own bytes come out of our builder where the codec leaves no choice.
TEST(Vectors, OurBuilderWritesTheSameBytes) {
  Codecs codecs;
  BatchOptions options{.base_offset = 1000, .partition_leader_epoch = 5};
  EXPECT_EQ(sample_batch(codecs, options), read_vector("java-none"));
  options.producer_id = 4711;
  options.producer_epoch = 3;
  options.base_sequence = 77;
  options.transactional = true;
  EXPECT_EQ(sample_batch(codecs, options), read_vector("java-none-transactional"));
}

TEST(Vectors, ValidateTakesThem) {
  Codecs codecs;
  for (const char* name : {"java-none", "java-gzip", "java-snappy", "java-snappy-raw", "java-lz4",
                           "java-zstd", "java-snappy-blocks", "java-lz4-blocks"}) {
    Bytes batch = read_vector(name);
    set_base_offset(batch, 0);
    auto result = validate(batch, {}, kNow, codecs);
    ASSERT_TRUE(result) << name << ": " << result.error().message;
    EXPECT_FALSE(result->rebuilt);
  }
}

}  // namespace
}  // namespace longhaul::records
