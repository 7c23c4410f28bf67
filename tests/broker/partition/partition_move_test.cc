// A partition whose log goes to another directory (KIP-113).
#include <atomic>
#include <thread>

#include "tests/broker/partition/partition_fixture.h"

namespace longhaul::broker::partition {
namespace {

/// A copy of the partition's log, on its way to another directory.
class PartitionOnItsWay : public PartitionTest {
 protected:
  void SetUp() override {
    PartitionTest::SetUp();
    log::Log::Params of_copy = params();
    of_copy.path = "/data/t-0.1234-future";
    of_copy.clean = true;
    of_copy.write_checkpoints = {};
    copy_ = *log::Log::open(of_copy);
    become(kUs, 1, {kUs});
  }
  void begin() { ASSERT_TRUE(partition_->begin_move({copy_, "/data", target_, true}, 0)); }
  bool copy_on(uint64_t bytes = 1 << 20) {
    auto copied = partition_->copy_on(bytes);
    EXPECT_TRUE(copied) << copied.error().message;
    return copied && copied->caught_up;
  }
  KafkaResult<bool> finish() {
    return partition_->finish_move(copy_->log_start_offset(), [this]() -> base::Result<void> {
      ++exchanged_;
      return {};
    });
  }
  void assign(const base::Uuid& directory) {
    metadata::Partition state;
    state.replicas = state.isr = {kUs};
    state.directories = {directory};
    state.leader = kUs;
    state.leader_epoch = 1;
    state.partition_epoch = ++partition_epoch_;
    partition_->apply(state);
  }

  std::shared_ptr<log::Log> copy_;
  base::Uuid target_{{1, 2, 3}};
  int exchanged_ = 0;
};

TEST_F(PartitionOnItsWay, AppendsGoToTheCopyOnceItTookThePlace) {
  begin();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append({}));
  EXPECT_FALSE(copy_on(1));
  while (!copy_on(1)) {
  }
  EXPECT_FALSE(*finish()) << "the metadata do not say so yet";
  assign(target_);
  ASSERT_TRUE(append({}));
  EXPECT_TRUE(*finish()) << "the last one is copied while nobody appends";
  EXPECT_EQ(exchanged_, 1);
  EXPECT_EQ(partition_->log(), copy_);
  EXPECT_EQ(copy_->high_watermark(), 6);
  ASSERT_TRUE(append({}));
  EXPECT_EQ(copy_->log_end_offset(), 7);
  EXPECT_EQ(log_->log_end_offset(), 6);
  EXPECT_EQ(partition_->move(), nullptr);
}

TEST_F(PartitionOnItsWay, NothingThatWasOnTheDiskIsNotAnyMore) {
  settings_.on_disk = true;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  begin();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append({}));
  surroundings_.workers.run();
  ASSERT_EQ(log_->recovery_point(), 5);
  assign(target_);
  ASSERT_TRUE(*finish());
  EXPECT_GE(partition_->log()->recovery_point(), 5);
  auto told = await(6);
  ASSERT_TRUE(append({}));
  surroundings_.workers.run();
  EXPECT_EQ(*told, ErrorCode::kNone) << "a flush is one of the new log";
}

TEST_F(PartitionOnItsWay, WhatIsCutOffTheLogIsCutOffTheCopy) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append({}));
  begin();
  ASSERT_TRUE(copy_on());
  become(kOther, 2, {kUs, kOther});
  ASSERT_TRUE(partition_->truncate(2, 3));
  EXPECT_EQ(copy_->log_end_offset(), 3);
  base::Bytes other = log::make_batch({.base_offset = 3, .epoch = 2});
  ASSERT_TRUE(partition_->replicate(
      {.leader_epoch = 2, .batches = other, .high_watermark = 4, .log_start_offset = 0}));
  ASSERT_TRUE(copy_on());
  EXPECT_EQ(copy_->latest_epoch(), 2);
  ASSERT_TRUE(partition_->start_over(2, 50));
  EXPECT_EQ(copy_->log_end_offset(), 50);
  EXPECT_TRUE(copy_on());
}

TEST_F(PartitionOnItsWay, NoAppendMissesTheLogThatStays) {
  assign(target_);
  std::atomic<int64_t> appended{0};
  std::atomic<bool> moved{false};
  std::thread producer([&] {
    records::Codecs codecs;
    while (!moved || appended < 100) {
      base::Bytes batch = log::make_batch({});
      auto done = partition_->append(batch, {.now_ms = clock_.now_ms}, codecs);
      ASSERT_TRUE(done) << done.error().message;
      ASSERT_EQ(done->base_offset, appended++) << "none is lost, and none comes twice";
    }
  });
  for (int times = 0; times < 10; ++times) {
    log::Log::Params of_copy = params();
    of_copy.path = "/data/t-0." + std::to_string(times) + "-future";
    of_copy.clean = true;
    of_copy.write_checkpoints = {};
    copy_ = *log::Log::open(of_copy);
    begin();
    do {
      while (!copy_on()) {
      }
    } while (!*finish());
    EXPECT_EQ(partition_->log(), copy_);
  }
  moved = true;
  producer.join();
  EXPECT_EQ(partition_->log()->log_end_offset(), appended);
  EXPECT_EQ(partition_->log()->high_watermark(), appended);
}

TEST_F(PartitionOnItsWay, NothingHappensToOneThatIsStopped) {
  begin();
  ASSERT_TRUE(append({}));
  assign(target_);
  partition_->stop();
  EXPECT_FALSE(copy_on());
  EXPECT_FALSE(*finish());
  EXPECT_EQ(exchanged_, 0);
}

}  // namespace
}  // namespace longhaul::broker::partition
