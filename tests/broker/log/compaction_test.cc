// What compaction leaves of a log.
#include "tests/broker/log/compaction_fixture.h"

namespace longhaul::broker::log {
namespace {

using CompactionTest = CompactionFixture;
using Offsets = std::vector<int64_t>;

constexpr int64_t kDay = 86'400'000;

records::BatchOptions of_producer(int64_t id, int32_t sequence, bool transactional = false) {
  records::BatchOptions options;
  options.producer_id = id;
  options.producer_epoch = 0;
  options.base_sequence = sequence;
  options.transactional = transactional;
  return options;
}

TEST_F(CompactionTest, OfEachKeyTheLastRecordStaysAtItsOffset) {
  open();
  put({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  put({{"a", "2"}});
  roll();
  put({{"b", "2"}, {"d", "1"}});
  roll();
  put({{"c", "2"}});  // in the active segment: not compacted, and not in the map
  Compacted done = compact();
  EXPECT_EQ(done.clean_to, 6);
  EXPECT_EQ(done.segments_before, 2u);
  EXPECT_EQ(done.segments_after, 1u);
  EXPECT_EQ(offsets(), (Offsets{2, 3, 4, 5, 6}));
  EXPECT_EQ(log_->log_end_offset(), 7);
  EXPECT_EQ(log_->log_start_offset(), 0);
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_EQ(table(),
            (std::map<std::string, std::string>{{"a", "2"}, {"b", "2"}, {"c", "2"}, {"d", "1"}}));
  EXPECT_TRUE(leftovers().empty());
  EXPECT_EQ(log_->cleanable(clock_.now_ms).dirty_bytes, 0u);
}

TEST_F(CompactionTest, ASecondRoundTakesWhatTheFirstLeftSuperseded) {
  open();
  put({{"a", "1"}, {"b", "1"}});
  roll();
  compact();
  put({{"a", "2"}});
  roll();
  Compacted done = compact();
  EXPECT_EQ(done.clean_to, 3);
  EXPECT_EQ(offsets(), (Offsets{1, 2}));
}

TEST_F(CompactionTest, ReadersFindTheirWayOverTheGaps) {
  open();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) put({{"k" + std::to_string(i), std::string(50, 'x')}});
  }
  roll();
  compact();
  ASSERT_EQ(offsets().size(), 30u);
  for (int64_t offset = 0; offset < 90; ++offset) {
    auto read = log_->read({offset, 1, 90, true});
    ASSERT_TRUE(read);
    auto bytes = base::read_slice(read->slice);
    auto batch = records::parse_header(*bytes);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->last_offset(), std::max<int64_t>(offset, 60));
  }
  // A reader that began before keeps what it had.
  auto found = log_->offset_for_timestamp(clock_.now_ms);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->offset, 60);
}

TEST_F(CompactionTest, WhoReadsGoesOnReadingTheOldSegments) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  auto before = log_->read({0, 1 << 20, 2, true});
  compact();
  ASSERT_TRUE(before);
  auto bytes = base::read_slice(before->slice);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(headers_of(*bytes).size(), 2u);
}

TEST_F(CompactionTest, CompressedBatchesStayCompressedAndKeepTheirSequence) {
  open();
  auto options = of_producer(5, 0);
  options.codec = records::Codec::kZstd;
  put({{"a", "1"}, {"b", "1"}, {"c", "1"}}, options);
  options.base_sequence = 3;
  put({{"b", "2"}}, options);
  roll();
  compact();
  auto headers = headers_of(read_all(0));
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0].codec(), records::Codec::kZstd);
  EXPECT_EQ(headers[0].record_count, 2);
  EXPECT_EQ(headers[0].base_sequence, 0);
  EXPECT_EQ(headers[0].last_sequence(), 2);
  EXPECT_EQ(offsets(), (Offsets{0, 2, 3}));
}

TEST_F(CompactionTest, AProducersLastBatchKeepsItsHeader) {
  open();
  put({{"a", "1"}}, of_producer(5, 0));
  put({{"a", "2"}}, of_producer(5, 1));
  put({{"a", "3"}}, of_producer(6, 0));
  put({{"z", "1"}});
  roll();
  compact();
  auto headers = headers_of(read_all(0));
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0].base_offset, 1);
  EXPECT_EQ(headers[0].record_count, 0);
  EXPECT_EQ(headers[0].producer_id, 5);
  EXPECT_EQ(headers[0].last_sequence(), 1);
  // After a crash without any snapshot, the producer goes on where it was.
  ASSERT_TRUE(log_->flush());
  auto entries = files_->list("/data/t-0");
  for (const auto& entry : *entries) {
    if (entry.name.ends_with(".snapshot")) {
      ASSERT_TRUE(files_->remove("/data/t-0/" + entry.name));
    }
  }
  recovery_point_ = log_->recovery_point();
  reopen();
  put({{"a", "4"}}, of_producer(5, 2));
}

TEST_F(CompactionTest, TombstonesGoOnceTheirHorizonHasPassed) {
  config_.delete_retention_ms = kDay;
  open();
  put({{"a", "1"}, {"b", "1"}});
  put({{"a", std::nullopt}});
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{1, 2}));
  auto headers = headers_of(read_all(0));
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_TRUE(headers[1].has_delete_horizon());
  EXPECT_EQ(headers[1].base_timestamp, clock_.now_ms + kDay);
  EXPECT_EQ(records()[1].timestamp, clock_.now_ms) << "the record's own time is as it was";
  int64_t first_seen = clock_.now_ms;

  clock_.now_ms += kDay - 1;
  put({{"c", "1"}});
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{1, 2, 3}));
  EXPECT_EQ(headers_of(read_all(2))[0].base_timestamp, first_seen + kDay) << "does not move";

  clock_.now_ms += 1;
  put({{"d", "1"}});
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{1, 3, 4}));
}

TEST_F(CompactionTest, TheLastBatchOfARoundKeepsItsHeader) {
  config_.delete_retention_ms = 0;
  open();
  put({{"a", "1"}});
  put({{"a", std::nullopt}});
  roll();
  compact();
  put({{"b", std::nullopt}});
  roll();
  clock_.now_ms += 1;
  compact();  // the tombstone of "a" goes with its header, that of "b" has its time to come
  EXPECT_EQ(offsets(), (Offsets{2}));
  EXPECT_EQ(log_->log_end_offset(), 3);
}

TEST_F(CompactionTest, AbortedRecordsGoAtOnceAndTheirMarkerLater) {
  config_.delete_retention_ms = kDay;
  open();
  put({{"a", "kept"}});
  put({{"a", "aborted"}, {"b", "aborted"}}, of_producer(9, 0, true));
  mark(9, false);
  put({{"c", "1"}}, of_producer(9, 2));
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{0, 4}));
  ASSERT_EQ(log_->aborted_transactions(0, 5)->size(), 1u) << "readers of now may need it";
  EXPECT_EQ(headers_of(read_all(0)).size(), 3u);

  put({{"d", "1"}});
  roll();
  compact();  // nothing is left of the transaction: from here on the marker waits for its horizon
  EXPECT_TRUE(log_->aborted_transactions(0, 6)->empty());
  auto headers = headers_of(read_all(0));
  ASSERT_EQ(headers.size(), 4u);
  EXPECT_TRUE(headers[1].is_control() && headers[1].has_delete_horizon());

  clock_.now_ms += kDay;
  put({{"e", "1"}});
  roll();
  compact();
  headers = headers_of(read_all(0));
  ASSERT_EQ(headers.size(), 4u);
  EXPECT_FALSE(headers[1].is_control());
}

TEST_F(CompactionTest, TheMarkerOfCommittedRecordsStaysAsLongAsTheyDo) {
  config_.delete_retention_ms = 0;
  open();
  put({{"a", "1"}}, of_producer(9, 0, true));
  mark(9, true);
  put({{"b", "1"}}, of_producer(9, 1));
  roll();
  for (int i = 0; i < 3; ++i) {
    compact();
    clock_.now_ms += kDay;
    put({{"x", "1"}});
    roll();
  }
  auto headers = headers_of(read_all(0));
  ASSERT_GE(headers.size(), 2u);
  EXPECT_TRUE(headers[1].is_control());
  EXPECT_FALSE(headers[1].has_delete_horizon());
}

TEST_F(CompactionTest, AnOpenTransactionIsNotTouchedNorWhatFollowsIt) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  put({{"a", "3"}}, of_producer(9, 0, true));
  put({{"a", "4"}});
  roll();
  Compacted done = compact();
  EXPECT_EQ(done.clean_to, 2);
  EXPECT_EQ(offsets(), (Offsets{1, 2, 3}));
  mark(9, false);
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{3}));
}

TEST_F(CompactionTest, NothingAboveTheHighWatermarkIsTouched) {
  open();
  put({{"a", "1"}});
  base::Bytes batch;
  {
    records::BatchBuilder builder({});
    builder.append(clock_.now_ms, base::as_bytes(std::string("a")),
                   base::as_bytes(std::string("2")));
    records::Codecs codecs;
    batch = builder.build(codecs);
  }
  ASSERT_TRUE(log_->append_as_leader(batch, {0}));
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{0, 1}));
}

TEST_F(CompactionTest, AMapThatIsFullEndsTheRoundThere) {
  open();
  for (int i = 0; i < 20; ++i) put({{"k" + std::to_string(i), "1"}});
  for (int i = 0; i < 20; ++i) put({{"k" + std::to_string(i), "2"}});
  roll();
  Compacted done = compact(12);
  EXPECT_EQ(done.clean_to, 10);
  EXPECT_EQ(offsets().size(), 40u);
  EXPECT_EQ(log_->first_dirty_offset(), 10);
  for (int i = 0; i < 10 && log_->cleanable(clock_.now_ms).dirty_bytes > 0; ++i) compact(12);
  EXPECT_EQ(log_->first_dirty_offset(), 40);
  EXPECT_EQ(offsets().size(), 20u);
}

TEST_F(CompactionTest, ABatchWithMoreKeysThanTheMapHoldsIsSaid) {
  open();
  put({{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}, {"e", "1"}});
  roll();
  auto done = try_compact(4);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Errc::kTooLarge);
  EXPECT_NE(done.error().message.find("log.cleaner.dedupe.buffer.size"), std::string::npos);
}

TEST_F(CompactionTest, SegmentsAreMergedUpToTheirSize) {
  open();
  for (int i = 0; i < 40; ++i) {
    put({{"k" + std::to_string(i), std::string(100, 'v')}});
    if (i % 5 == 4) roll();
  }
  ASSERT_EQ(log_->segment_count(), 9u);
  compact();
  // 5 batches of some 175 bytes do not fit a segment of 1000 twice.
  EXPECT_EQ(log_->segment_count(), 9u);
  config_.segment_bytes = 4000;
  log_->set_config(std::make_shared<LogConfig>(config_));
  put({{"k0", "new"}});
  roll();
  compact();
  EXPECT_LT(log_->segment_count(), 5u);
  EXPECT_EQ(offsets().size(), 40u);
}

TEST_F(CompactionTest, RecordsWithoutAKeyGo) {
  open();
  append_ok({.count = 3});
  put({{"a", "1"}});
  roll();
  compact();
  EXPECT_EQ(offsets(), (Offsets{3}));
}

TEST_F(CompactionTest, WhatIsTooYoungIsLeftAlone) {
  config_.min_compaction_lag_ms = 1000;
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  clock_.now_ms += 500;
  put({{"a", "3"}});
  roll();
  EXPECT_EQ(log_->cleanable(clock_.now_ms).dirty_bytes, 0u);
  clock_.now_ms += 500;
  compact();
  EXPECT_EQ(offsets(), (Offsets{1, 2}));
}

TEST_F(CompactionTest, WhatIsTooOldIsOverdue) {
  config_.max_compaction_lag_ms = 1000;
  open();
  put({{"a", "1"}});
  roll();
  clock_.now_ms += 1000;
  EXPECT_FALSE(log_->cleanable(clock_.now_ms).is_overdue);
  clock_.now_ms += 1;
  EXPECT_TRUE(log_->cleanable(clock_.now_ms).is_overdue);
  put({{"b", "1"}});
  clock_.now_ms += 1001;
  put({{"c", "1"}});
  EXPECT_EQ(log_->segment_count(), 3u)
      << "the active segment is rolled so that it can be compacted";
}

TEST_F(CompactionTest, ARottenBatchIsReported) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  ASSERT_TRUE(files_->flip_bit("/data/t-0/00000000000000000000.log", 66, 0));
  auto done = try_compact();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Errc::kCorrupt);
  EXPECT_NE(done.error().message.find("wrong CRC at offset 0"), std::string::npos);
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(CompactionTest, ALogThatChangedMeanwhileIsLeftAlone) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  put({{"a", "3"}});
  Cleanable what = log_->cleanable(clock_.now_ms);
  ASSERT_TRUE(log_->truncate_to(1));
  put({{"b", "1"}});
  roll();
  Throttle throttle(clock_, 1e9, {});
  base::SeededRandom random(7);
  LogCompaction compaction(*log_, what, {.map_slots = 100}, throttle, random, clock_.now_ms);
  auto done = compaction.run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Errc::kConflict);
  EXPECT_TRUE(leftovers().empty());
  EXPECT_EQ(offsets(), (Offsets{0, 1}));
}

TEST_F(CompactionTest, ATruncationMakesWhatWasCompactedDirtyAgain) {
  open();
  put({{"a", "1"}});
  put({{"b", "1"}});
  roll();
  compact();
  EXPECT_EQ(log_->first_dirty_offset(), 2);
  ASSERT_TRUE(log_->truncate_to(1));
  EXPECT_EQ(log_->first_dirty_offset(), 1);
}

TEST_F(CompactionTest, RetentionTakesCompactedSegmentsToo) {
  config_.cleanup_delete = true;
  config_.retention_ms = kDay;
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  compact();
  put({{"b", "1"}});
  clock_.now_ms += kDay + 1;
  put({{"c", "1"}});
  auto deleted = log_->delete_old_segments(clock_.now_ms);
  ASSERT_TRUE(deleted);
  EXPECT_EQ(*deleted, 1u);
  EXPECT_EQ(log_->log_start_offset(), 2);
}

}  // namespace
}  // namespace longhaul::broker::log
