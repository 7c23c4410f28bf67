#include "broker/metadata/snapshot.h"

#include <gtest/gtest.h>

#include "base/memory_file_system.h"
#include "broker/metadata/bootstrap.h"
#include "broker/metadata/loader.h"
#include "broker/metadata/log_batch.h"

namespace longhaul::broker::metadata {
namespace {

const base::Uuid kOldDisk = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();

raft::VoterSet voters() {
  return raft::VoterSet(
      {raft::Voter{{1000, kOldDisk}, {{"CONTROLLER", "127.0.0.1", 29093}}, 0, 1}});
}

base::Bytes from_hex(std::string_view hex) {
  base::Bytes bytes;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

/// The founding snapshot that kafka-storage 4.3.1 wrote for node 1000.
constexpr std::string_view kFounding =
    "00000000000000000000009a00000000024b04a1b3002000000002000001a20156a973000001a20156a973ffffffff"
    "ffffffffffffffffffff000000032a00000008000000031600000000 01a20156a96000001e00000208000000050a"
    "00000001000082010000040800000006 6e00000200 0003e82fa13d99af0240798a29413 "
    "6a7d0e012020b434f4e54"
    "524f4c4c45520a3132372e302e302e3171a5000000000100000000000000000000000300 00003f00000000020852"
    "14ef002000000000000001a20156a987000001a20156a987ffffffffffffffffffffffffffff000000011a000000"
    "080000000406000000 00";

MetadataImage rich_image() {
  auto image = std::make_shared<const MetadataImage>();
  MetadataDelta delta(image);
  int64_t offset = 0;
  auto apply = [&](const MetadataRecord& record) {
    auto applied = delta.apply(record, offset++);
    ASSERT_TRUE(applied) << applied.error().message;
  };
  for (const MetadataRecord& record : default_bootstrap()) apply(record);
  protocol::RegisterBrokerRecord broker;
  broker.broker_id = 1000;
  broker.broker_epoch = 1;
  broker.incarnation_id = kOldDisk;
  broker.rack = "z";
  broker.end_points.push_back({"PLAINTEXT", "localhost", 9092, 0});
  broker.features.push_back({"metadata.version", 30, 30});
  broker.log_dirs = {kOldDisk};
  apply(broker);
  protocol::UnfenceBrokerRecord unfence;
  unfence.id = 1000;
  unfence.epoch = 1;
  apply(unfence);
  protocol::RegisterControllerRecord controller;
  controller.controller_id = 1000;
  apply(controller);
  for (uint8_t t = 0; t < 3; ++t) {
    protocol::TopicRecord topic;
    topic.name = "topic." + std::to_string(t);
    topic.topic_id.bytes[0] = static_cast<uint8_t>(t + 1);
    apply(topic);
    for (int32_t p = 0; p < 700; ++p) {
      protocol::PartitionRecord partition;
      partition.partition_id = p;
      partition.topic_id = topic.topic_id;
      partition.replicas = partition.isr = {1000};
      partition.leader = 1000;
      partition.leader_epoch = p;
      partition.partition_epoch = 2 * p;
      partition.directories = {kOldDisk};
      if (p % 2 == 0) partition.eligible_leader_replicas = std::vector<int32_t>{1000};
      apply(partition);
    }
    protocol::ConfigRecord config;
    config.resource_type = 2;
    config.resource_name = topic.name;
    config.name = "retention.ms";
    config.value = "7";
    apply(config);
  }
  protocol::ProducerIdsRecord ids;
  ids.next_producer_id = 4000;
  apply(ids);
  return **delta.finish({offset + 10, 3}, 12345);
}

std::vector<base::Bytes> encoded(const MetadataImage& image) {
  std::vector<base::Bytes> result;
  image_records(image, [&](MetadataRecord record) { result.push_back(encode_record(record)); });
  return result;
}

TEST(Snapshot, NamesAreKafkas) {
  EXPECT_EQ(snapshot_name({0, 0}), "00000000000000000000-0000000000.checkpoint");
  EXPECT_EQ(snapshot_name({1234567, 12}), "00000000000001234567-0000000012.checkpoint");
  EXPECT_EQ(parse_snapshot_name("00000000000001234567-0000000012.checkpoint"),
            (raft::OffsetAndEpoch{1234567, 12}));
  for (const char* name : {"bootstrap.checkpoint", "00000000000000000000.log",
                           "0000000000000000000x-0000000000.checkpoint",
                           "00000000000000000000-0000000000.checkpoint.part"})
    EXPECT_FALSE(parse_snapshot_name(name)) << name;
}

TEST(Snapshot, FoundingSnapshotHasKafkasBytes) {
  std::string hex(kFounding);
  std::erase(hex, ' ');
  base::Bytes kafkas = from_hex(hex);
  base::Writer ours;
  int64_t first = 0x1a20156a973, last = 0x1a20156a987;
  ours.bytes(snapshot_header_batch({0, 0, first}, 0x1a20156a960, voters()));
  ours.bytes(snapshot_footer_batch({3, 0, last}));
  EXPECT_EQ(base::to_hex(ours.view()), base::to_hex(kafkas));

  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/d"));
  ASSERT_TRUE(base::write_file_atomic(files, "/d/" + snapshot_name({0, 0}), kafkas));
  auto snapshot = read_snapshot(files, "/d", {0, 0});
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->voters, voters());
  EXPECT_TRUE(snapshot->image->features.empty());
}

TEST(Snapshot, RoundTrip) {
  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/d"));
  MetadataImage image = rich_image();
  image.last_timestamp_ms = 555;
  ASSERT_TRUE(write_snapshot(files, "/d", image, voters(), 777));
  auto ids = list_snapshots(files, "/d");
  ASSERT_TRUE(ids);
  ASSERT_EQ(*ids, std::vector<raft::OffsetAndEpoch>{image.provenance});
  auto snapshot = read_snapshot(files, "/d", image.provenance);
  EXPECT_EQ(read_snapshot_timestamp(files, "/d", image.provenance).value_or(-1), 555);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->voters, voters());
  EXPECT_EQ(snapshot->image->provenance, image.provenance);
  EXPECT_EQ(snapshot->image->last_timestamp_ms, image.last_timestamp_ms);
  EXPECT_EQ(snapshot->image->partition_count, image.partition_count);
  EXPECT_EQ(snapshot->image->topic_collisions.size(), 3u);
  EXPECT_TRUE(encoded(*snapshot->image) == encoded(image));
}

TEST(Snapshot, AnyDamageIsFound) {
  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/d"));
  MetadataImage image;
  image.features["metadata.version"] = 30;
  image.provenance = {9, 1};
  ASSERT_TRUE(write_snapshot(files, "/d", image, voters(), 777));
  std::string path = "/d/" + snapshot_name({9, 1});
  base::Bytes whole = base::read_file(files, path, 1 << 20).value();
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(base::write_file_atomic(files, path, base::ByteView(whole).first(size)));
    EXPECT_FALSE(read_snapshot(files, "/d", {9, 1})) << "cut to " << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    base::Bytes broken = whole;
    broken[at] ^= 0x10;
    ASSERT_TRUE(base::write_file_atomic(files, path, broken));
    auto snapshot = read_snapshot(files, "/d", {9, 1});
    // Base offset and leader epoch lie outside the checksum and mean nothing in a snapshot.
    if (snapshot) {
      EXPECT_TRUE(encoded(*snapshot->image) == encoded(image)) << "byte " << at;
    }
  }
}

TEST(Bootstrap, WrittenAndReadBack) {
  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/d"));
  auto absent = read_bootstrap(files, "/d");
  ASSERT_TRUE(absent);
  EXPECT_EQ(*absent, default_bootstrap());
  protocol::FeatureLevelRecord other;
  other.name = "group.version";
  other.feature_level = 1;
  ASSERT_TRUE(write_bootstrap(files, "/d", {other}, 5));
  auto read = read_bootstrap(files, "/d");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, MetadataRecords{other});
  ASSERT_TRUE(files.flip_bit("/d/bootstrap.checkpoint", 100, 3));
  EXPECT_FALSE(read_bootstrap(files, "/d"));
}

}  // namespace
}  // namespace longhaul::broker::metadata
