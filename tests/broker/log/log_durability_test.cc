// What a log has on stable storage once it says so, whatever ended before.
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

using base::CrashMode;

class LogDurabilityTest : public LogFixture {
 protected:
  void flush() {
    ASSERT_TRUE(log_->flush());
    recovery_point_ = log_->recovery_point();
  }
  void tear_topic_id() {
    auto file = files_->open("/data/t-0/partition.metadata", base::OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->truncate(20));
  }

  base::SeededRandom random_{3};
  const base::Uuid id_ = base::Uuid::random(random_);
};

TEST_F(LogDurabilityTest, AFlushMakesDurableWhatAKilledProcessMade) {
  open();
  ASSERT_TRUE(log_->set_topic_id(id_));
  crash(CrashMode::kKeepAll);
  open();
  append_ok();
  flush();
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(1, log_->log_end_offset());
  EXPECT_EQ(id_, log_->topic_id());
}

TEST_F(LogDurabilityTest, AFlushMakesDurableWhatWasStoppedEmpty) {
  open();
  ASSERT_TRUE(log_->set_topic_id(id_));
  close();
  open();
  append_ok();
  flush();
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(1, log_->log_end_offset());
  EXPECT_EQ(id_, log_->topic_id());
}

TEST_F(LogDurabilityTest, WhatAFailedSyncLeftBehindIsWrittenAgain) {
  for (std::string victim : {".log", "partition.metadata"}) {
    SCOPED_TRACE(victim);
    ASSERT_TRUE(files_->remove_all("/data/t-0"));
    recovery_point_ = 0;
    open();
    ASSERT_TRUE(log_->set_topic_id(id_));
    append_ok();
    files_->set_fault_hook([&](base::DiskOperation operation, std::string_view path) {
      bool fails = operation == base::DiskOperation::kSync && path.ends_with(victim);
      return fails ? std::optional(base::Fault{{base::Errc::kIo, "injected"}}) : std::nullopt;
    });
    ASSERT_FALSE(log_->flush());
    files_->set_fault_hook({});
    crash(CrashMode::kKeepAll);  // the process ends, the machine goes on
    open();
    flush();  // a sync that works: the kernel takes what failed before for written
    crash(CrashMode::kLoseUnsynced);
    open();
    EXPECT_EQ(1, log_->log_end_offset());
    EXPECT_EQ(id_, log_->topic_id());
  }
}

TEST_F(LogDurabilityTest, ATornTopicIdBeginsAnew) {
  open();
  ASSERT_TRUE(log_->set_topic_id(id_));
  append_ok();
  tear_topic_id();
  crash(CrashMode::kKeepAll);
  open();
  EXPECT_EQ(0, log_->log_end_offset());
  EXPECT_TRUE(log_->topic_id().is_zero());
  EXPECT_TRUE(log_->set_topic_id(id_));
}

TEST_F(LogDurabilityTest, ATornTopicIdDoesNotComeBackAfterACleanStop) {
  open();
  ASSERT_TRUE(log_->set_topic_id(id_));
  append_ok();
  flush();
  recovery_point_ = 0;  // as if it had never been: a torn write can reach the disk in any order
  tear_topic_id();
  auto file = files_->open("/data/t-0/partition.metadata", base::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->sync());
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(0, log_->log_end_offset());
  close();
  crash(CrashMode::kLoseUnsynced);  // the machine loses its power after the broker's clean stop
  clean_ = true;
  open();
  EXPECT_EQ(0, log_->log_end_offset());
}

TEST_F(LogDurabilityTest, SegmentsBehindACutDoNotComeBackAfterACleanStop) {
  open();
  append_ok();
  ASSERT_TRUE(log_->roll());
  append_ok();
  flush();
  recovery_point_ = 0;
  auto file = files_->open("/data/t-0/00000000000000000000.log", base::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(0));
  ASSERT_TRUE((*file)->sync());
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(0, log_->log_end_offset());
  close();
  crash(CrashMode::kLoseUnsynced);
  clean_ = true;
  open();
  EXPECT_EQ(0, log_->log_end_offset());
  EXPECT_FALSE(has("00000000000000000001.log"));
}

TEST_F(LogDurabilityTest, BeginningAnewMayBeInterrupted) {
  for (int done = 0; done < 8; ++done) {
    open();
    ASSERT_TRUE(log_->set_topic_id(id_));
    append_ok();
    ASSERT_TRUE(log_->roll());
    append_ok();
    tear_topic_id();
    crash(CrashMode::kKeepAll);
    files_->set_fault_hook([left = done](base::DiskOperation operation, std::string_view) mutable {
      bool fails = operation == base::DiskOperation::kRemove && left-- <= 0;
      return fails ? std::optional(base::Fault{{base::Errc::kIo, "killed"}}) : std::nullopt;
    });
    log_.reset();
    static_cast<void>(Log::open(params()));
    files_->set_fault_hook({});
    crash(CrashMode::kKeepAll);
    open();
    EXPECT_EQ(0, log_->log_start_offset());
    EXPECT_EQ(0, log_->log_end_offset());
    EXPECT_TRUE(log_->topic_id().is_zero());
  }
}

TEST_F(LogDurabilityTest, ATopicIdThatWasDurableIsNotGivenUp) {
  open();
  ASSERT_TRUE(log_->set_topic_id(id_));
  append_ok();
  flush();
  tear_topic_id();
  crash(CrashMode::kKeepAll);
  auto opened = Log::open(params());
  ASSERT_FALSE(opened);
  EXPECT_EQ(base::Errc::kCorrupt, opened.error().code);
  EXPECT_TRUE(has("00000000000000000000.log"));
}

TEST_F(LogDurabilityTest, TheTopicIdOfALogThatStartsOverIsDurable) {
  recovery_point_ = log_start_ = 32;  // DeleteRecords was durable, and what it left was not
  open();
  EXPECT_EQ(32, log_->log_end_offset());
  ASSERT_TRUE(log_->set_topic_id(id_));
  append_ok();
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(id_, log_->topic_id());
}

TEST_F(LogDurabilityTest, RetentionForgetsNoProducer) {
  config_.retention_ms = 1000;
  open();
  append_ok({.producer_id = 7, .producer_epoch = 0, .sequence = 0});
  ASSERT_TRUE(log_->roll());
  flush();
  append_ok({.producer_id = 7, .producer_epoch = 0, .sequence = 1});
  log_->set_high_watermark(2);
  EXPECT_EQ(2u, log_->delete_old_segments(clock_.now_ms + 2000));
  crash(CrashMode::kLoseUnsynced);
  open();
  EXPECT_EQ(2, log_->log_end_offset());
  ASSERT_EQ(1u, log_->producers().size());
  EXPECT_EQ(1, log_->producers()[0].last_sequence());
}

}  // namespace
}  // namespace longhaul::broker::log
