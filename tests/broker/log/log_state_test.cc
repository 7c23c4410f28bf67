// Retention, look-up by timestamp, epochs, truncation, producers, transactions.
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

using protocol::ErrorCode;

class LogStateTest : public LogFixture {
 protected:
  BatchSpec from_producer(int32_t sequence, int count = 1, int16_t epoch = 0) {
    return {.count = count,
            .timestamp = clock_.now_ms,
            .producer_id = 5,
            .producer_epoch = epoch,
            .sequence = sequence};
  }
  ErrorCode code(const BatchSpec& spec) {
    auto result = append(spec);
    return result ? ErrorCode::kNone : result.error().code;
  }
  void append_marker(int64_t producer, int16_t epoch, bool commit) {
    base::Bytes marker = make_marker(producer, epoch, commit);
    EXPECT_TRUE(log_->append_as_leader(marker, {0, AppendOrigin::kCoordinator}));
  }
  void restart(bool orderly) {
    if (orderly) {
      close();
    } else {
      crash(base::CrashMode::kKeepAll);
    }
    open();
  }
};

TEST_F(LogStateTest, AProducersFirstBatchStaysFirstAfterAFullDisk) {
  open();
  append_ok({.value_size = 500});
  uint64_t used = files_->used_bytes();
  BatchSpec large = from_producer(0, 5);
  large.value_size = 500;
  files_->set_capacity(used + 300);
  EXPECT_EQ(ErrorCode::kKafkaStorageError, append(large).error().code);
  // What its producer had sent behind it would fit.
  EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, append(from_producer(5)).error().code);
  files_->set_capacity(UINT64_MAX);
  EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, append(from_producer(5)).error().code);
  EXPECT_EQ(1, append_ok(large));
  EXPECT_EQ(6, append_ok(from_producer(5)));
}

TEST_F(LogStateTest, RetentionByTime) {
  config_.segment_bytes = 300;
  config_.retention_ms = 10'000;
  open();
  for (int i = 0; i < 10; ++i) append_ok({.timestamp = 1000 * i, .value_size = 200});
  EXPECT_EQ(0u, *log_->delete_old_segments(15'000));  // all above the high watermark
  log_->set_high_watermark(8);
  EXPECT_EQ(5u, *log_->delete_old_segments(14'001));
  EXPECT_EQ(5, log_->log_start_offset());
  EXPECT_EQ(3u, *log_->delete_old_segments(1'000'000));
  log_->set_high_watermark(10);
  EXPECT_EQ(2u, *log_->delete_old_segments(1'000'000));
  EXPECT_EQ(10, log_->log_start_offset());
  EXPECT_EQ(1u, log_->segment_count());
  EXPECT_EQ(0u, *log_->delete_old_segments(2'000'000));
  EXPECT_EQ(10, append_ok({.timestamp = 5}));
}

TEST_F(LogStateTest, RetentionBySize) {
  config_.segment_bytes = 300;
  config_.retention_bytes = 1000;
  config_.retention_ms = -1;
  open();
  for (int i = 0; i < 10; ++i) append_ok({.value_size = 200});
  log_->set_high_watermark(10);
  EXPECT_GT(*log_->delete_old_segments(0), 0u);
  EXPECT_GE(log_->size_bytes(), 1000u);
  EXPECT_LT(log_->size_bytes(), 1300u);
  EXPECT_EQ(0u, *log_->delete_old_segments(0));
  int64_t start = log_->log_start_offset();
  restart(false);
  EXPECT_EQ(start, log_->log_start_offset());
}

TEST_F(LogStateTest, RetentionByStartOffset) {
  config_.segment_bytes = 300;
  config_.cleanup_delete = false;
  config_.cleanup_compact = true;
  config_.retention_ms = 0;
  open();
  for (int i = 0; i < 10; ++i) append_ok({.value_size = 200});
  log_->set_high_watermark(6);
  EXPECT_FALSE(log_->advance_log_start_offset(7));
  ASSERT_TRUE(log_->advance_log_start_offset(5));
  ASSERT_TRUE(log_->advance_log_start_offset(3));
  EXPECT_EQ(5, log_->log_start_offset());
  EXPECT_EQ(ErrorCode::kOffsetOutOfRange, log_->read({4, 1, 10, true}).error().code);
  EXPECT_EQ(5u, *log_->delete_old_segments(clock_.now_ms * 2));
  restart(true);
  EXPECT_EQ(5, log_->log_start_offset());
}

TEST_F(LogStateTest, FindsRecordsByTimestamp) {
  config_.segment_bytes = 4000;
  config_.index_interval_bytes = 200;
  open();
  for (int i = 0; i < 60; ++i) {
    auto codec = static_cast<records::Codec>(i % 5);
    append_ok({.count = 5, .timestamp = 1000 + i * 50, .timestamp_step = 10, .codec = codec});
  }
  EXPECT_GT(log_->segment_count(), 2u);
  for (bool orderly : {true, false}) {
    for (int64_t wanted = 900; wanted <= 3990; wanted += 7) {
      auto found = log_->offset_for_timestamp(wanted);
      ASSERT_TRUE(found);
      ASSERT_TRUE(*found);
      int64_t offset = wanted <= 1000 ? 0 : (wanted - 1000 + 9) / 10;
      EXPECT_EQ(offset, (*found)->offset);
      EXPECT_EQ(1000 + offset * 10, (*found)->timestamp);
      EXPECT_EQ(0, (*found)->leader_epoch);
    }
    EXPECT_FALSE(*log_->offset_for_timestamp(3991));
    EXPECT_EQ(299, (*log_->offset_of_max_timestamp())->offset);
    EXPECT_EQ(3990, (*log_->offset_of_max_timestamp())->timestamp);
    restart(orderly);
  }
}

TEST_F(LogStateTest, NoTimestampIsReadFromWhatHasRotted) {
  open();
  for (int i = 0; i < 3; ++i) append_ok({.timestamp = 1000 + i});
  size_t size = file("00000000000000000000.log").size();
  ASSERT_TRUE(files_->flip_bit("/data/t-0/00000000000000000000.log", size / 2, 3));
  EXPECT_TRUE(log_->offset_for_timestamp(1000));
  auto found = log_->offset_for_timestamp(1001);
  ASSERT_FALSE(found);
  EXPECT_EQ(base::Errc::kCorrupt, found.error().code);
  EXPECT_FALSE(log_->is_offline());
}

TEST_F(LogStateTest, TimestampsOutOfOrder) {
  open();
  EXPECT_FALSE(*log_->offset_of_max_timestamp());
  EXPECT_FALSE(*log_->offset_for_timestamp(0));
  for (int64_t timestamp : {500, 900, 100, 900, 700}) append_ok({.timestamp = timestamp});
  EXPECT_EQ(1, (*log_->offset_of_max_timestamp())->offset);
  EXPECT_EQ(1, (*log_->offset_for_timestamp(600))->offset);
  EXPECT_EQ(0, (*log_->offset_for_timestamp(50))->offset);
  log_->set_high_watermark(5);
  ASSERT_TRUE(log_->advance_log_start_offset(2));
  EXPECT_EQ(2, (*log_->offset_for_timestamp(50))->offset);
  EXPECT_EQ(3, (*log_->offset_for_timestamp(101))->offset);
}

TEST_F(LogStateTest, EpochsSurviveRestarts) {
  open();
  EXPECT_FALSE(log_->latest_epoch());
  EXPECT_EQ((EpochEnd{-1, -1}), log_->end_offset_for_epoch(0));
  append_ok({.epoch = 2});
  append_ok({.epoch = 2});
  append_ok({.epoch = 5});
  log_->begin_epoch(6);
  log_->begin_epoch(7);  // 6 wrote nothing
  for (bool orderly : {false, true, true}) {
    EXPECT_EQ((EpochEnd{1, 0}), log_->end_offset_for_epoch(1));
    EXPECT_EQ((EpochEnd{2, 2}), log_->end_offset_for_epoch(2));
    EXPECT_EQ((EpochEnd{2, 2}), log_->end_offset_for_epoch(4));
    EXPECT_EQ((EpochEnd{5, 3}), log_->end_offset_for_epoch(5));
    EXPECT_EQ(2, log_->epoch_of_offset(1));
    EXPECT_EQ(5, log_->epoch_of_offset(2));
    restart(orderly);
  }
  EXPECT_EQ("0\n2\n2 0\n5 2\n", base::as_text(file("leader-epoch-checkpoint")));
}

TEST_F(LogStateTest, TruncationForgetsAll) {
  config_.segment_bytes = 800;
  config_.index_interval_bytes = 100;
  open();
  for (int i = 0; i < 30; ++i) {
    BatchSpec spec = from_producer(i * 2, 2);
    spec.timestamp = 1000 + i;
    spec.epoch = i / 10;
    spec.value_size = 50;
    append_ok(spec);
  }
  log_->set_high_watermark(60);
  ASSERT_TRUE(log_->flush());
  recovery_point_ = log_->recovery_point();
  for (int64_t offset : {60, 59, 42, 31, 20, 1}) {
    ASSERT_TRUE(log_->truncate_to(offset));
    int64_t end = offset / 2 * 2;  // a batch of two goes as a whole
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(end, log_->log_end_offset());
      EXPECT_EQ(static_cast<size_t>(end / 2), headers_of(read_all(0)).size());
      auto epoch = end == 0 ? std::nullopt : std::optional<int32_t>((end - 1) / 20);
      EXPECT_EQ(epoch, log_->latest_epoch()) << end;
      auto newest = *log_->offset_of_max_timestamp();
      EXPECT_EQ(end == 0 ? -1 : 1000 + (end - 1) / 2, newest ? newest->timestamp : -1);
      EXPECT_LE(log_->high_watermark(), end);
      EXPECT_LE(recovery_point_, end);
      auto producers = log_->producers();
      EXPECT_EQ(end == 0 ? 0u : 1u, producers.size());
      if (!producers.empty()) {
        EXPECT_EQ(end - 1, producers[0].last_sequence());
      }
      crash(base::CrashMode::kLoseUnsynced);
      open();
    }
  }
  EXPECT_EQ(0, append_ok({.epoch = 9}));
}

TEST_F(LogStateTest, TruncationAtTheEndForgetsAnEpochWithoutRecords) {
  open();
  append_ok({.epoch = 1});
  log_->begin_epoch(2);
  ASSERT_EQ(2, log_->latest_epoch());
  ASSERT_TRUE(log_->truncate_to(log_->log_end_offset()));
  EXPECT_EQ(1, log_->latest_epoch());
  restart(false);
  EXPECT_EQ(1, log_->latest_epoch());
  EXPECT_EQ(1, log_->log_end_offset());
}

TEST_F(LogStateTest, ALogThatStartsOverKnowsNoProducers) {
  config_.segment_bytes = 300;
  open();
  for (int i = 0; i < 10; ++i) append_ok(from_producer(i, 1));
  restart(true);  // with a snapshot at its end
  append_ok(from_producer(10, 1));
  ASSERT_EQ(1u, log_->producers().size());
  ASSERT_TRUE(log_->truncate_fully_and_start_at(50));
  for (bool orderly : {false, true}) {
    EXPECT_TRUE(log_->producers().empty());
    restart(orderly);
  }
  EXPECT_EQ(50, log_->log_end_offset());
}

TEST_F(LogStateTest, StartsOver) {
  config_.segment_bytes = 300;
  open();
  for (int i = 0; i < 10; ++i) append_ok({.value_size = 200, .epoch = 3});
  ASSERT_TRUE(log_->truncate_fully_and_start_at(1000));
  EXPECT_EQ(1000, log_->log_start_offset());
  EXPECT_EQ(1000, log_->log_end_offset());
  EXPECT_FALSE(log_->latest_epoch());
  EXPECT_EQ(1000, append_ok({.epoch = 4}));
  restart(false);
  EXPECT_EQ(1000, log_->log_start_offset());
  EXPECT_EQ(1001, log_->log_end_offset());
  ASSERT_TRUE(log_->truncate_to(500));
  EXPECT_EQ(500, log_->log_start_offset());
  EXPECT_EQ(500, append_ok({.epoch = 5}));
}

TEST_F(LogStateTest, DuplicatesAndGaps) {
  open();
  append_ok({.count = 10});
  EXPECT_EQ(10, append_ok(from_producer(0, 3)));
  EXPECT_EQ(13, append_ok(from_producer(3, 2)));
  for (int restarts = 0; restarts < 3; ++restarts) {
    auto again = append(from_producer(3, 2));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(13, again->first_offset);
    EXPECT_EQ(14, again->last_offset);
    EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, code(from_producer(6)));
    EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, code(from_producer(4)));
    EXPECT_EQ(15, log_->log_end_offset());
    restart(restarts == 0);
  }
  EXPECT_EQ(15, append_ok(from_producer(5)));
}

TEST_F(LogStateTest, FiveBatchesAreRemembered) {
  open();
  for (int i = 0; i < 6; ++i) append_ok(from_producer(i));
  EXPECT_TRUE(append(from_producer(1))->duplicate);
  EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, code(from_producer(0)));
}

TEST_F(LogStateTest, EpochsOfProducers) {
  open();
  append_ok(from_producer(41, 1, 3));  // never seen: may begin anywhere
  EXPECT_EQ(ErrorCode::kInvalidProducerEpoch, code(from_producer(42, 1, 2)));
  EXPECT_EQ(ErrorCode::kOutOfOrderSequenceNumber, code(from_producer(42, 1, 4)));
  EXPECT_EQ(ErrorCode::kNone, code(from_producer(0, 1, 4)));
  EXPECT_EQ(ErrorCode::kInvalidProducerEpoch, code(from_producer(42, 1, 3)));
}

TEST_F(LogStateTest, SequencesWrapAround) {
  open();
  int32_t last = std::numeric_limits<int32_t>::max();
  append_ok(from_producer(last - 1, 3));  // last-1, last, 0
  EXPECT_TRUE(append(from_producer(last - 1, 3))->duplicate);
  EXPECT_EQ(3, append_ok(from_producer(1)));
}

TEST_F(LogStateTest, ProducersExpire) {
  open();
  append_ok(from_producer(7));
  log_->expire_producers(clock_.now_ms + 86'399'999);
  EXPECT_EQ(1u, log_->producers().size());
  log_->expire_producers(clock_.now_ms + 86'400'000);
  EXPECT_EQ(0u, log_->producers().size());
  EXPECT_EQ(ErrorCode::kNone, code(from_producer(100)));
}

TEST_F(LogStateTest, TransactionsHoldBackReaders) {
  config_.segment_bytes = 500;
  open();
  auto transactional = [&](int64_t producer, int32_t sequence) {
    return BatchSpec{.value_size = 100,
                     .producer_id = producer,
                     .producer_epoch = 0,
                     .sequence = sequence,
                     .transactional = true};
  };
  append_ok({});
  append_ok(transactional(1, 0));  // 1
  append_ok(transactional(2, 0));  // 2
  append_ok({.value_size = 100});  // 3
  log_->set_high_watermark(4);
  EXPECT_EQ(1, log_->last_stable_offset());
  append_marker(1, 0, true);  // 4
  EXPECT_EQ(1, log_->last_stable_offset());
  log_->set_high_watermark(5);
  EXPECT_EQ(2, log_->last_stable_offset());
  restart(true);
  log_->set_high_watermark(5);
  EXPECT_EQ(2, log_->last_stable_offset());
  append_marker(2, 0, false);  // 5
  append_ok(transactional(2, 1));
  log_->set_high_watermark(7);
  EXPECT_EQ(6, log_->last_stable_offset());
  for (int restarts = 0; restarts < 3; ++restarts) {
    auto aborted = log_->aborted_transactions(0, 6);
    ASSERT_TRUE(aborted);
    ASSERT_EQ(1u, aborted->size());
    EXPECT_EQ((AbortedTransaction{2, 2, 5, 6}), aborted->at(0));
    EXPECT_TRUE(log_->aborted_transactions(6, 7)->empty());
    restart(restarts == 0);
  }
  log_->set_high_watermark(7);
  EXPECT_EQ(6, log_->last_stable_offset());
  ASSERT_TRUE(log_->truncate_to(5));
  EXPECT_TRUE(log_->aborted_transactions(0, 5)->empty());
  EXPECT_EQ(2, log_->last_stable_offset());
}

TEST_F(LogStateTest, KnowsItsTopic) {
  open();
  base::SeededRandom random(3);
  base::Uuid id = base::Uuid::random(random);
  EXPECT_TRUE(log_->topic_id().is_zero());
  ASSERT_TRUE(log_->set_topic_id(id));
  EXPECT_EQ("version: 0\ntopic_id: " + id.to_string(), base::as_text(file("partition.metadata")));
  append_ok();
  ASSERT_TRUE(log_->flush());
  crash(base::CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(id, log_->topic_id());
  EXPECT_EQ(base::Errc::kConflict, log_->set_topic_id(base::Uuid::random(random)).error().code);
}

TEST_F(LogStateTest, FlushesWhenDue) {
  config_.flush_messages = 3;
  config_.flush_ms = 1000;
  open();
  append_ok({.count = 2});
  EXPECT_FALSE(log_->flush_is_due());
  append_ok();
  EXPECT_TRUE(log_->flush_is_due());
  ASSERT_TRUE(log_->flush_if_due(clock_.now_ms + 999));
  EXPECT_EQ(0, log_->recovery_point());
  ASSERT_TRUE(log_->flush_if_due(clock_.now_ms + 1000));
  EXPECT_EQ(3, log_->recovery_point());
  append_ok();
  ASSERT_TRUE(log_->roll());
  ASSERT_TRUE(log_->flush_if_due(clock_.now_ms));
  EXPECT_EQ(4, log_->recovery_point());
}

}  // namespace
}  // namespace longhaul::broker::log
