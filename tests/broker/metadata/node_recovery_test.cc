// What a node finds after crashes, torn writes and damage.
#include "broker/metadata/snapshot.h"
#include "tests/broker/metadata/node_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

std::vector<base::Bytes> records_of(const MetadataImage& image) {
  std::vector<base::Bytes> result;
  image_records(image, [&](MetadataRecord record) { result.push_back(encode_record(record)); });
  return result;
}

class Recovery : public NodeFixture {
 protected:
  static constexpr const char* kCommittedPath =
      "/d/__cluster_metadata-0/committed-offset-checkpoint";

  void found_with_topics(int count) {
    start();
    run();
    register_broker();
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(created("topic-" + std::to_string(i), 2), ErrorCode::kNone);
  }
  std::vector<raft::OffsetAndEpoch> snapshots() {
    return list_snapshots(files_, "/d/__cluster_metadata-0").value();
  }
};

TEST_F(Recovery, WhatWasAnsweredSurvivesAnyCrash) {
  for (base::CrashMode mode :
       {base::CrashMode::kLoseUnsynced, base::CrashMode::kKeepAll, base::CrashMode::kTorn}) {
    start();
    run();
    register_broker();
    std::map<std::string, base::Uuid> known;
    image()->topic_ids.for_each([&](const auto& name, const auto& id) { known[name] = id; });
    std::vector<std::shared_ptr<std::optional<protocol::CreateTopicsResponse>>> answers;
    for (int i = 0; i < 40; ++i) {
      std::string name = std::to_string(static_cast<int>(mode)) + "-" + std::to_string(i);
      answers.push_back(create_topic(name));
      // Stop in the middle: some are flushed and answered, some only appended.
      i % 3 == 0 ? io_->resume() : io_->hold();
      for (uint64_t steps = random_.below(5); steps > 0; --steps)
        simulation_.step(simulation_.now());
    }
    for (const auto& answer : answers) {
      if (*answer && (*answer)->topics[0].error_code == ErrorCode::kNone)
        known[(*answer)->topics[0].name] = (*answer)->topics[0].topic_id;
    }
    EXPECT_GT(known.size(), 5u);
    crash(mode);
    start();
    run();
    ASSERT_TRUE(fatal_.empty()) << fatal_;
    for (const auto& [name, id] : known) {
      ASSERT_NE(image()->topic(name), nullptr) << name;
      EXPECT_EQ(image()->topic(name)->id, id);
    }
    stop();
  }
}

TEST_F(Recovery, WhatIsFoundIsMadeDurable) {
  start();
  run();
  register_broker();
  io_->hold();
  create_topic("only-in-the-page-cache");
  run();
  int64_t end = node_->raft().end_offset();
  crash(base::CrashMode::kKeepAll);
  auto log = open_log();
  ASSERT_TRUE(log);
  EXPECT_EQ((*log)->end_offset(), end);
  // From now on others may count on it.
  log->reset();
  files_.crash(base::CrashMode::kLoseUnsynced, random_);
  log = open_log();
  ASSERT_TRUE(log);
  EXPECT_EQ((*log)->end_offset(), end);
}

TEST_F(Recovery, ReplayIsDeterministic) {
  found_with_topics(20);
  auto expected = records_of(*image());
  Shared<MetadataImage> live = image();
  crash(base::CrashMode::kLoseUnsynced);
  for (int i = 0; i < 3; ++i) {
    start();
    run();
    EXPECT_TRUE(records_of(*image()) == expected);
    EXPECT_EQ(image()->partition_count, live->partition_count);
    EXPECT_EQ(image()->topic_collisions.size(), live->topic_collisions.size());
    if (i == 1) {
      node_->snapshot_now();
      run();
      EXPECT_EQ(snapshots().size(), 2u);
    }
    crash(base::CrashMode::kLoseUnsynced);
  }
}

TEST_F(Recovery, ATornTailIsCutOffAtAnyByte) {
  found_with_topics(3);
  int64_t whole_end = node_->raft().end_offset();
  auto at_three = records_of(*image());
  ASSERT_EQ(created("last", 2), ErrorCode::kNone);
  int64_t last_end = node_->raft().end_offset();
  auto at_four = records_of(*image());
  crash(base::CrashMode::kKeepAll);
  base::Bytes log = base::read_file(files_, kLogPath, 1 << 20).value();
  // The last batch begins where the batches of three topics end.
  records::BatchWalker walker(log);
  size_t begin = 0, end = 0;
  while (const records::BatchView* batch = walker.next()) {
    if (batch->header.next_offset() == whole_end) begin = walker.position();
    if (batch->header.next_offset() == last_end) end = walker.position();
  }
  ASSERT_LT(begin, end);
  for (size_t cut = begin; cut <= end; ++cut) {
    base::Bytes torn(log.begin(), log.begin() + static_cast<ptrdiff_t>(cut));
    if (cut % 2 == 1) torn.resize(torn.size() + 100, 0xee);  // what lay on the disk before
    ASSERT_TRUE(base::write_file_atomic(files_, kLogPath, torn));
    ASSERT_TRUE(files_.remove(kCommittedPath));  // of the run before this one
    start();
    run();
    ASSERT_TRUE(fatal_.empty()) << fatal_;
    EXPECT_TRUE(records_of(*image()) == (cut == end ? at_four : at_three)) << "cut at " << cut;
    EXPECT_EQ(created("after"), ErrorCode::kNone);
    drop();
  }
}

TEST_F(Recovery, WhatWasAcknowledgedIsNeverCutOff) {
  found_with_topics(10);
  stop();
  const base::Bytes whole = base::read_file(files_, kLogPath, 1 << 20).value();
  std::vector<uint64_t> begins;
  records::BatchWalker walker(whole);
  while (walker.next() != nullptr) begins.push_back(walker.position());
  ASSERT_GT(begins.size(), 10u);
  auto refused = [&](const std::string& with) {
    auto log = open_log();
    ASSERT_FALSE(log) << with;
    EXPECT_EQ(log.error().code, base::Errc::kCorrupt);
    EXPECT_NE(log.error().message.find(with), std::string::npos) << log.error().message;
    EXPECT_NE(log.error().message.find("Remove this voter"), std::string::npos);
  };
  // In the midst of a batch, its CRC, its length, its magic byte, its offset.
  for (size_t batch : {size_t{0}, begins.size() / 2}) {
    for (uint64_t at : {70, 17, 11, 16, 7}) {
      ASSERT_TRUE(base::write_file_atomic(files_, kLogPath, whole));
      ASSERT_TRUE(files_.flip_bit(kLogPath, begins[batch] + at, 1));
      auto damaged = base::read_file(files_, kLogPath, 1 << 20).value();
      refused(std::to_string(begins[batch]));
      EXPECT_TRUE(base::read_file(files_, kLogPath, 1 << 20).value() == damaged);
    }
  }
  base::Bytes shorter(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(begins.back()) - 1);
  ASSERT_TRUE(base::write_file_atomic(files_, kLogPath, shorter));
  refused("damaged or missing");
  ASSERT_TRUE(files_.remove(kLogPath));
  refused("the log does not go on");
  // A snapshot that holds all of it will do.
  ASSERT_TRUE(base::write_file_atomic(files_, kLogPath, whole));
  start();
  run();
  node_->snapshot_now();
  run();
  crash(base::CrashMode::kLoseUnsynced);
  ASSERT_TRUE(files_.flip_bit(kLogPath, begins[3] + 70, 1));
  start();
  run();
  EXPECT_EQ(image()->topics.size(), 10u);
  stop();
}

TEST_F(Recovery, WhatWasCommittedIsNotedNowAndThen) {
  start();
  run();
  register_broker();
  uint64_t writes = 0;
  files_.set_fault_hook([&](base::DiskOperation operation, std::string_view path) {
    bool notes = operation == base::DiskOperation::kWrite &&
                 path.find("committed-offset-checkpoint") != std::string_view::npos;
    writes += notes ? 1 : 0;
    return std::optional<base::Fault>();
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(created("topic-" + std::to_string(i)), ErrorCode::kNone);
    advance(500);
  }
  EXPECT_GE(writes, 4u);
  EXPECT_LE(writes, 6u);
  files_.set_fault_hook({});
  stop();
}

TEST_F(Recovery, SnapshotsReplaceTheLog) {
  options_.snapshot_after_bytes = 2'000;
  options_.retention_bytes = 6'000;
  found_with_topics(60);
  auto ids = snapshots();
  ASSERT_GE(ids.size(), 1u);
  EXPECT_GT(ids.front().offset, 0);  // the founding one is gone
  EXPECT_EQ(node_->raft().start_offset(), ids.front().offset);
  EXPECT_FALSE(files_.exists(kLogPath));  // the first segment
  auto expected = records_of(*image());
  crash(base::CrashMode::kLoseUnsynced);
  start();
  run();
  ASSERT_TRUE(fatal_.empty()) << fatal_;
  EXPECT_TRUE(records_of(*image()) == expected);
  EXPECT_TRUE(node_->raft().is_leader());
  EXPECT_EQ(node_->raft().voters().latest().size(), 1u);
  stop();
}

TEST_F(Recovery, DownloadsThatAreGivenUpTakeNoSpace) {
  auto log = open_log();
  ASSERT_TRUE(log);
  ASSERT_TRUE((*log)->write_fetched_snapshot(0, base::Bytes(1000)));
  uint64_t used = files_.used_bytes();
  ASSERT_TRUE((*log)->write_fetched_snapshot(0, base::Bytes(10)));  // of another one
  EXPECT_EQ(files_.used_bytes(), used - 990);
  // One that no process goes on with neither.
  log->reset();
  log = open_log();
  ASSERT_TRUE(log);
  EXPECT_FALSE(files_.exists("/d/__cluster_metadata-0/fetched.part"));
}

TEST_F(Recovery, SnapshotsByTheClock) {
  options_.snapshot_after_ms = 10'000;
  found_with_topics(1);
  EXPECT_EQ(snapshots().size(), 1u);
  advance(10'000);
  EXPECT_EQ(snapshots().size(), 2u);
  advance(10'000);  // nothing new
  EXPECT_EQ(snapshots().size(), 2u);
  stop();
}

TEST_F(Recovery, ASnapshotThatFailsLeavesNothingAndIsTriedAgain) {
  found_with_topics(5);
  uint64_t used = files_.used_bytes();
  files_.set_capacity(used + 100);
  node_->snapshot_now();
  run();
  EXPECT_EQ(snapshots().size(), 1u);
  EXPECT_EQ(files_.used_bytes(), used);
  files_.set_capacity(1 << 30);
  node_->snapshot_now();
  run();
  EXPECT_EQ(snapshots().size(), 2u);
  stop();
}

TEST_F(Recovery, ADamagedSnapshotIsPassedOver) {
  found_with_topics(5);
  node_->snapshot_now();
  run();
  ASSERT_EQ(snapshots().size(), 2u);
  auto expected = records_of(*image());
  stop();
  std::string newest = "/d/__cluster_metadata-0/" + snapshot_name(snapshots().back());
  ASSERT_TRUE(files_.flip_bit(newest, 200, 1));
  start();  // the older one and the whole log are still there
  run();
  EXPECT_TRUE(records_of(*image()) == expected);
  stop();
  std::string founding = "/d/__cluster_metadata-0/" + snapshot_name({});
  ASSERT_TRUE(files_.flip_bit(founding, 100, 1));
  auto log = open_log();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, base::Errc::kCorrupt);
}

TEST_F(Recovery, AGapIsNotPapered) {
  options_.snapshot_after_bytes = 2'000;
  options_.retention_bytes = 6'000;
  found_with_topics(60);
  stop();
  for (const auto& id : snapshots())
    ASSERT_TRUE(files_.remove("/d/__cluster_metadata-0/" + snapshot_name(id)));
  auto log = open_log();
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("records are missing"), std::string::npos)
      << log.error().message;
}

TEST_F(Recovery, UnknownRecordsEndTheStart) {
  start();
  run();
  stop();
  auto log = open_log();
  ASSERT_TRUE(log);
  base::Bytes batch =
      data_batch({(*log)->end_offset(), 1, 5}, MetadataRecords{protocol::NoOpRecord{}});
  // The record's type, behind batch header, five one-byte varints and the frame version.
  size_t at = batch.size() - 4;
  ASSERT_EQ(batch[at], 20);
  batch[at] = 99;
  base::store_big_endian(batch.data() + records::kCrcAt, records::compute_crc(batch));
  ASSERT_TRUE((*log)->append(batch, 1));
  ASSERT_TRUE((*log)->close());
  auto again = open_log();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Errc::kUnsupported) << again.error().message;
}

TEST_F(Recovery, TenThousandPartitions) {
  start();
  run();
  register_broker();
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(created("big-" + std::to_string(i), 1000), ErrorCode::kNone);
  EXPECT_EQ(image()->partition_count, 10'000);
  // A change of one partition leaves all other topics where they are, and its topic's neighbours.
  Shared<MetadataImage> before = image();
  EXPECT_EQ(created("small"), ErrorCode::kNone);
  size_t shared = 0;
  before->topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    shared += image()->topic(id) == topic.get() ? 1 : 0;
  });
  EXPECT_EQ(shared, 10u);
  stop();
  start();
  run();
  EXPECT_EQ(image()->partition_count, 10'001);
  stop();
}

}  // namespace
}  // namespace longhaul::broker::metadata
