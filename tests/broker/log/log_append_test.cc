// Appending, reading, rolling.
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

using protocol::ErrorCode;

class LogAppendTest : public LogFixture {};

TEST_F(LogAppendTest, AssignsOffsetsAndEpochInPlace) {
  open();
  EXPECT_EQ(0, append_ok({.count = 3}));
  base::Bytes batch = make_batch({.count = 2});
  auto result = log_->append_as_leader(batch, {.leader_epoch = 4});
  ASSERT_TRUE(result);
  EXPECT_EQ(3, result->first_offset);
  EXPECT_EQ(4, result->last_offset);
  EXPECT_EQ(5, log_->log_end_offset());
  auto headers = headers_of(read_all(0));
  ASSERT_EQ(2u, headers.size());
  EXPECT_EQ(3, headers[1].base_offset);
  EXPECT_EQ(4, headers[1].partition_leader_epoch);
  EXPECT_EQ(headers_of(batch)[0].base_offset, 3);
  EXPECT_TRUE(has("00000000000000000000.log"));
}

TEST_F(LogAppendTest, TakesSeveralBatchesAtOnce) {
  open();
  base::Bytes two = make_batch({.count = 3});
  base::Bytes second = make_batch({.count = 2});
  two.insert(two.end(), second.begin(), second.end());
  auto result = log_->append_as_leader(two, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(4, result->last_offset);
  EXPECT_EQ(2u, headers_of(read_all(0)).size());
}

TEST_F(LogAppendTest, RefusesWhatIsNoWholeBatch) {
  open();
  base::Bytes batch = make_batch({});
  batch.pop_back();
  EXPECT_EQ(ErrorCode::kCorruptMessage, log_->append_as_leader(batch, {}).error().code);
  base::Bytes none;
  EXPECT_EQ(ErrorCode::kCorruptMessage, log_->append_as_leader(none, {}).error().code);
  config_.segment_bytes = 1000;
  log_->set_config(std::make_shared<LogConfig>(config_));
  EXPECT_EQ(ErrorCode::kRecordListTooLarge, append({.value_size = 2000}).error().code);
  EXPECT_EQ(0, log_->log_end_offset());
}

TEST_F(LogAppendTest, ReadsFromAnyOffsetUpToTheBound) {
  config_.index_interval_bytes = 100;
  config_.segment_bytes = 2000;
  open();
  for (int i = 0; i < 100; ++i) append_ok({.count = 3, .value_size = 30});
  EXPECT_GT(log_->segment_count(), 5u);
  for (int64_t offset = 0; offset < 300; ++offset) {
    for (int64_t bound : {offset, offset + 1, offset + 40, int64_t{300}}) {
      auto result = log_->read({offset, 1 << 20, bound, true});
      ASSERT_TRUE(result);
      auto headers = headers_of(*base::read_slice(result->slice));
      // A batch that reaches over the bound is not given, nor one below the offset.
      int64_t whole = std::min<int64_t>(bound, 300) / 3 * 3;
      ASSERT_EQ(whole <= offset / 3 * 3, headers.empty()) << offset << " " << bound;
      if (headers.empty()) continue;
      EXPECT_EQ(offset / 3 * 3, headers.front().base_offset);
      EXPECT_LE(headers.back().next_offset(), bound);
    }
  }
  EXPECT_EQ(ErrorCode::kOffsetOutOfRange, log_->read({301, 1, 301, true}).error().code);
  EXPECT_EQ(ErrorCode::kOffsetOutOfRange, log_->read({-1, 1, 301, true}).error().code);
}

TEST_F(LogAppendTest, ReadsWhatCameInThePlaceOfWhatWasCutOff) {
  open();
  for (int i = 0; i < 10; ++i) append_ok({.count = 2, .value_size = 30});
  ASSERT_TRUE(log_->truncate_to(9));
  EXPECT_EQ(8, append_ok({.count = 5, .epoch = 1}));
  EXPECT_EQ(13, append_ok({.count = 1, .value_size = 300, .epoch = 1}));
  for (int64_t offset = 0; offset < 14; ++offset) {
    auto headers = headers_of(read_all(offset));
    ASSERT_FALSE(headers.empty()) << offset;
    EXPECT_EQ(offset < 8 ? offset / 2 * 2 : offset < 13 ? 8 : 13, headers.front().base_offset);
    EXPECT_EQ(14, headers.back().next_offset());
  }
}

TEST_F(LogAppendTest, HonoursMaxBytes) {
  open();
  for (int i = 0; i < 10; ++i) append_ok({.value_size = 100});
  uint64_t one = headers_of(read_all(0))[0].size_bytes();
  auto cut = log_->read({0, one * 2 + 5, 10, false});
  EXPECT_EQ(one * 2 + 5, cut->slice.size);
  auto small = log_->read({0, 10, 10, false});
  EXPECT_TRUE(small->slice.empty());
  EXPECT_TRUE(small->first_batch_too_large);
  auto least = log_->read({0, 10, 10, true});
  EXPECT_EQ(one, least->slice.size);
}

TEST_F(LogAppendTest, ASliceOutlivesItsSegment) {
  config_.segment_bytes = 300;
  config_.retention_bytes = 0;
  config_.file_delete_delay_ms = 1000;
  open();
  for (int i = 0; i < 10; ++i) append_ok({.value_size = 100});
  log_->set_high_watermark(10);
  auto slice = log_->read({0, 1 << 20, 10, true})->slice;
  ASSERT_GT(*log_->delete_old_segments(clock_.now_ms), 0u);
  EXPECT_TRUE(has("00000000000000000000.log.deleted"));
  log_->remove_deleted_files(clock_.now_ms + 999);
  EXPECT_TRUE(has("00000000000000000000.log.deleted"));
  log_->remove_deleted_files(clock_.now_ms + 1000);
  EXPECT_FALSE(has("00000000000000000000.log.deleted"));
  EXPECT_EQ(0, headers_of(*base::read_slice(slice))[0].base_offset);
}

TEST_F(LogAppendTest, RollsBySizeTimeAndIndex) {
  config_.segment_bytes = 1000;
  config_.segment_ms = 10'000;
  open();
  append_ok({.timestamp = 1000, .value_size = 600});
  append_ok({.timestamp = 1000, .value_size = 600});
  EXPECT_EQ(2u, log_->segment_count());
  EXPECT_TRUE(has("00000000000000000001.log"));
  append_ok({.timestamp = 11'000});
  EXPECT_EQ(2u, log_->segment_count());
  append_ok({.timestamp = 11'001});
  EXPECT_EQ(3u, log_->segment_count());
  EXPECT_TRUE(has("00000000000000000003.log"));
  config_.index_interval_bytes = 0;
  config_.segment_index_bytes = 8;
  log_->set_config(std::make_shared<LogConfig>(config_));
  append_ok({.timestamp = 11'001});
  append_ok({.timestamp = 11'001});
  EXPECT_EQ(5u, log_->segment_count());
}

TEST_F(LogAppendTest, RollsBeforeAnIndexCannotCountThatFar) {
  open();
  base::Bytes far = make_batch({.base_offset = int64_t{3} << 31, .epoch = 1});
  ASSERT_TRUE(log_->append_as_follower(far));
  EXPECT_EQ(1u, log_->segment_count());
  EXPECT_TRUE(has("00000000006442450944.log"));
  base::Bytes farther = make_batch({.base_offset = int64_t{5} << 31, .epoch = 1});
  ASSERT_TRUE(log_->append_as_follower(farther));
  EXPECT_EQ(2u, log_->segment_count());
  EXPECT_EQ(2u, headers_of(read_all(0)).size());
}

TEST_F(LogAppendTest, FollowsALeader) {
  open();
  base::Bytes bytes;
  for (int64_t offset : {0, 5, 20}) {  // with gaps, as compaction leaves them
    base::Bytes batch =
        make_batch({.count = 5, .base_offset = offset, .epoch = offset > 5 ? 3 : 1});
    bytes.insert(bytes.end(), batch.begin(), batch.end());
  }
  base::Bytes cut_off = make_batch({.base_offset = 25, .epoch = 3});
  bytes.insert(bytes.end(), cut_off.begin(), cut_off.end() - 3);
  auto result = log_->append_as_follower(bytes);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(0, result->first_offset);
  EXPECT_EQ(24, result->last_offset);
  EXPECT_EQ(25, log_->log_end_offset());
  EXPECT_EQ((EpochEnd{1, 20}), log_->end_offset_for_epoch(1));
  EXPECT_EQ((EpochEnd{1, 20}), log_->end_offset_for_epoch(2));
  EXPECT_EQ((EpochEnd{3, 25}), log_->end_offset_for_epoch(3));
  EXPECT_EQ((EpochEnd{-1, -1}), log_->end_offset_for_epoch(4));
  // What it has already is not taken twice; what does not fit is refused.
  ASSERT_TRUE(log_->append_as_follower(bytes));
  EXPECT_EQ(3u, headers_of(read_all(0)).size());
  base::Bytes over = make_batch({.count = 5, .base_offset = 23, .epoch = 3});
  EXPECT_EQ(ErrorCode::kOffsetOutOfRange, log_->append_as_follower(over).error().code);
  base::Bytes wrong = make_batch({.base_offset = 25, .epoch = 3});
  wrong.back() ^= 1;
  EXPECT_EQ(ErrorCode::kCorruptMessage, log_->append_as_follower(wrong).error().code);
  EXPECT_EQ(25, log_->log_end_offset());
}

TEST_F(LogAppendTest, AFullDiskTearsNothing) {
  open();
  append_ok({.value_size = 500});
  ASSERT_TRUE(log_->flush());
  base::Bytes before = file("00000000000000000000.log");
  files_->set_capacity(files_->used_bytes() + 200);
  EXPECT_EQ(ErrorCode::kKafkaStorageError, append({.value_size = 500}).error().code);
  EXPECT_EQ(before, file("00000000000000000000.log"));
  EXPECT_FALSE(log_->is_offline());
  EXPECT_EQ(1, log_->log_end_offset());
  files_->set_capacity(UINT64_MAX);
  EXPECT_EQ(1, append_ok({.value_size = 500}));
  EXPECT_EQ(2u, headers_of(read_all(0)).size());
}

TEST_F(LogAppendTest, WhatFoundNoRoomForANewSegmentIsMissedBeforeWhatFollowsIt) {
  config_.segment_bytes = 700;
  open();
  append_ok({.value_size = 500});
  for (auto why : {base::Errc::kNoSpace, base::Errc::kUnavailable}) {
    files_->set_fault_hook([&](base::DiskOperation operation, std::string_view path) {
      std::optional<base::Fault> fault;
      bool is_new = path.ends_with("1.log") && operation == base::DiskOperation::kOpen;
      if (is_new) fault = {{why, "injected"}, 0};
      return fault;
    });
    BatchSpec spec{.value_size = 500, .producer_id = 7, .producer_epoch = 0, .sequence = 0};
    EXPECT_EQ(ErrorCode::kKafkaStorageError, append(spec).error().code);
    files_->set_fault_hook({});
    EXPECT_FALSE(log_->is_offline());
    spec.sequence = 1;
    EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, append(spec).error().code);
  }
}

TEST_F(LogAppendTest, ABrokenDiskTakesTheLogOffline) {
  open();
  append_ok();
  files_->set_fault_hook([](base::DiskOperation operation, std::string_view) {
    std::optional<base::Fault> fault;
    if (operation == base::DiskOperation::kWrite) fault = {{base::Errc::kIo, "injected"}, 30};
    return fault;
  });
  EXPECT_EQ(ErrorCode::kKafkaStorageError, append({}).error().code);
  files_->set_fault_hook({});
  EXPECT_TRUE(log_->is_offline());
  EXPECT_EQ(1, failures_);
  EXPECT_EQ(ErrorCode::kKafkaStorageError, append({}).error().code);
  EXPECT_FALSE(log_->flush());
  EXPECT_FALSE(log_->close());
  EXPECT_EQ(1u, headers_of(read_all(0)).size());
  open();
  EXPECT_EQ(1, append_ok());
}

TEST_F(LogAppendTest, AFailedSyncIsFinal) {
  open();
  append_ok();
  files_->set_fault_hook([](base::DiskOperation operation, std::string_view) {
    std::optional<base::Fault> fault;
    if (operation == base::DiskOperation::kSync) fault = {{base::Errc::kNoSpace, "injected"}, 0};
    return fault;
  });
  EXPECT_FALSE(log_->flush());
  files_->set_fault_hook({});
  EXPECT_TRUE(log_->is_offline());
  EXPECT_EQ(0, log_->recovery_point());
}

}  // namespace
}  // namespace longhaul::broker::log
