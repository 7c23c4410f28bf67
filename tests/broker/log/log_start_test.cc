// Where a log starts: what was deleted does not come back with a loss of power.
#include "broker/log/log_manager.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

using base::CrashMode;
using base::DiskOperation;

class LogStartTest : public testing::Test {
 protected:
  LogStartTest() {
    EXPECT_TRUE(files_.create_directories("/a"));
    EXPECT_TRUE(files_.sync_directory("/"));
    config_.segment_bytes = 500;
    start();
    log_ = *manager_->get_or_create({"t", 0}, {}, Presence::kNew);
    for (int i = 0; i < 10; ++i) {
      base::Bytes batch = make_batch({.value_size = 100});
      EXPECT_TRUE(log_->append_as_leader(batch, {}));
    }
    log_->set_high_watermark(10);
    EXPECT_TRUE(log_->flush());
    manager_->write_checkpoints();
    EXPECT_GT(log_->segment_count(), 3u);
  }
  void start() {
    manager_.reset();
    LogManager::Params params{&files_, &clock_, &random_, base::Logger(base::null_sink(), "log")};
    params.directories = {"/a"};
    params.config_of = [this](const std::string&) { return std::make_shared<LogConfig>(config_); };
    auto manager = LogManager::open(std::move(params));
    ASSERT_TRUE(manager) << manager.error().message;
    manager_ = std::move(*manager);
    manager_->load();
    log_ = manager_->get("t", 0);
  }
  void crash(CrashMode mode) { files_.crash(mode, random_); }
  /// As DeleteRecords does: it is answered once the checkpoint is written.
  void delete_below(int64_t offset) {
    ASSERT_TRUE(log_->advance_log_start_offset(offset));
    ASSERT_TRUE(log_->write_checkpoints());
    ASSERT_TRUE(log_->delete_old_segments(clock_.now_ms));
  }
  void fail_syncs_of_the_log_directory() {
    files_.set_fault_hook([](DiskOperation operation, std::string_view path) {
      bool fails = operation == DiskOperation::kSyncDirectory && path == "/a/t-0";
      return fails ? std::optional(base::Fault{{base::Errc::kUnavailable, "short"}}) : std::nullopt;
    });
  }

  base::MemoryFileSystem files_;
  HandClock clock_;
  base::SeededRandom random_{7};
  LogConfig config_;
  std::unique_ptr<LogManager> manager_;
  std::shared_ptr<Log> log_;
};

TEST_F(LogStartTest, WhatRetentionTookIsGone) {
  config_.retention_ms = 1'000;
  log_->set_config(std::make_shared<LogConfig>(config_));
  clock_.now_ms += 1'000'000'000;
  ASSERT_GT(*log_->delete_old_segments(clock_.now_ms), 0u);
  EXPECT_EQ(10, log_->log_start_offset());
  crash(CrashMode::kLoseUnsynced);
  start();
  EXPECT_EQ(10, log_->log_start_offset());
  EXPECT_EQ(10, log_->log_end_offset());
}

TEST_F(LogStartTest, TheCheckpointSaysItUntilTheFilesAreDurablyGone) {
  const int64_t offset = 6;
  fail_syncs_of_the_log_directory();
  ASSERT_TRUE(log_->advance_log_start_offset(offset));
  ASSERT_TRUE(log_->write_checkpoints());
  static_cast<void>(log_->delete_old_segments(clock_.now_ms));
  EXPECT_FALSE(log_->is_offline());
  EXPECT_EQ(offset, log_->first_base_offset());
  manager_->write_checkpoints();
  files_.set_fault_hook({});
  crash(CrashMode::kLoseUnsynced);
  start();
  EXPECT_EQ(offset, log_->log_start_offset());
}

TEST_F(LogStartTest, SoItDoesAcrossAKilledProcess) {
  const int64_t offset = 6;
  fail_syncs_of_the_log_directory();
  ASSERT_TRUE(log_->advance_log_start_offset(offset));
  ASSERT_TRUE(log_->write_checkpoints());
  static_cast<void>(log_->delete_old_segments(clock_.now_ms));
  files_.set_fault_hook({});
  crash(CrashMode::kKeepAll);
  start();  // writes the checkpoints
  crash(CrashMode::kLoseUnsynced);
  start();
  EXPECT_EQ(offset, log_->log_start_offset());
}

TEST_F(LogStartTest, OnceTheFilesAreGoneTheCheckpointNeedNotSayIt) {
  delete_below(6);
  manager_->write_checkpoints();
  auto starts = read_offset_checkpoint(files_, "/a/log-start-offset-checkpoint");
  ASSERT_TRUE(starts);
  EXPECT_TRUE(starts->empty());
  crash(CrashMode::kLoseUnsynced);
  start();
  EXPECT_EQ(6, log_->log_start_offset());
}

TEST_F(LogStartTest, WithinASegmentTheCheckpointAlwaysSaysIt) {
  delete_below(7);
  manager_->write_checkpoints();
  EXPECT_LT(log_->first_base_offset(), 7);
  for (CrashMode mode : {CrashMode::kLoseUnsynced, CrashMode::kTorn}) {
    crash(mode);
    start();
    EXPECT_EQ(7, log_->log_start_offset());
  }
}

}  // namespace
}  // namespace longhaul::broker::log
