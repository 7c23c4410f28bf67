#include "broker/metadata/record.h"

#include <gtest/gtest.h>

namespace longhaul::broker::metadata {
namespace {

const base::Uuid kTopic = base::Uuid::parse("pelkutXRStqoG5RQnQx1_A").value();
const base::Uuid kDisk = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();

template <class Record>
Record again(const Record& record) {
  auto decoded = decode_record(encode_record(record));
  EXPECT_TRUE(decoded) << decoded.error().message;
  return std::get<Record>(*decoded);
}

TEST(MetadataRecord, BytesAreKafkas) {
  // From a bootstrap.checkpoint that Apache Kafka 4.3.1 wrote.
  protocol::FeatureLevelRecord record;
  record.name = "metadata.version";
  record.feature_level = 30;
  EXPECT_EQ(base::to_hex(encode_record(record)), "010c00116d657461646174612e76657273696f6e001e00");
}

TEST(MetadataRecord, VersionsAreKafkas) {
  protocol::BrokerRegistrationChangeRecord change;
  change.fenced = -1;
  EXPECT_EQ(encode_record(change)[2], 0);
  change.in_controlled_shutdown = 1;
  EXPECT_EQ(encode_record(change)[2], 1);
  change.log_dirs = {kDisk};
  EXPECT_EQ(encode_record(change)[2], 2);
  change.cordoned_log_dirs.emplace();
  EXPECT_EQ(encode_record(change)[2], 3);
  EXPECT_EQ(again(change), change);
  EXPECT_EQ(encode_record(protocol::PartitionRecord{})[2], 2);
  EXPECT_EQ(encode_record(protocol::RegisterBrokerRecord{})[2], 4);
}

TEST(MetadataRecord, RoundTrip) {
  protocol::PartitionRecord partition;
  partition.partition_id = 3;
  partition.topic_id = kTopic;
  partition.replicas = {1, 2};
  partition.isr = {2};
  partition.leader = 2;
  partition.leader_epoch = 7;
  partition.partition_epoch = 9;
  partition.directories = {kDisk, {}};
  EXPECT_EQ(again(partition), partition);
  protocol::RegisterBrokerRecord broker;
  broker.broker_id = 1000;
  broker.rack = std::nullopt;
  broker.end_points.push_back({"PLAINTEXT", "localhost", 9092, 0});
  broker.log_dirs = {kDisk};
  EXPECT_EQ(again(broker), broker);
}

TEST(MetadataRecord, RefusesWhatItDoesNotKnow) {
  auto error = [](std::vector<uint8_t> bytes) {
    auto decoded = decode_record(bytes);
    return decoded ? base::Errc::kInvalidArgument : decoded.error().code;
  };
  EXPECT_EQ(error({}), base::Errc::kCorrupt);
  EXPECT_EQ(error({1, 2}), base::Errc::kCorrupt);
  EXPECT_EQ(error({2, 2, 0}), base::Errc::kUnsupported);      // frame
  EXPECT_EQ(error({1, 120, 0}), base::Errc::kUnsupported);    // type
  EXPECT_EQ(error({1, 2, 9, 0}), base::Errc::kUnsupported);   // version
  EXPECT_EQ(error({1, 2, 0, 5, 'a'}), base::Errc::kCorrupt);  // cut off
  protocol::NoOpRecord no_op;
  base::Bytes trailing = encode_record(no_op);
  trailing.push_back(0);
  EXPECT_FALSE(decode_record(trailing));
}

}  // namespace
}  // namespace longhaul::broker::metadata
