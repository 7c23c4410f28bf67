#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "broker/partition/partition.h"
#include "tests/broker/log/log_fixture.h"
#include "tests/broker/partition/surroundings.h"

namespace longhaul::broker::partition {

/// A partition over a log in memory, on broker 1 of two.
class PartitionTest : public log::LogFixture {
 protected:
  static constexpr int32_t kUs = 1, kOther = 2;

  void SetUp() override {
    open();
    partition_ = std::make_shared<Partition>(surroundings_.shared, log_,
                                             std::make_shared<TopicSettings>(settings_));
  }

  Partition::RoleChange become(int32_t leader, int32_t epoch, std::vector<int32_t> isr) {
    metadata::Partition state;
    state.replicas = {kUs, kOther};
    state.isr = std::move(isr);
    state.leader = leader;
    state.leader_epoch = epoch;
    state.partition_epoch = ++partition_epoch_;
    return partition_->apply(state);
  }
  tl::expected<ProduceResult, AppendFailure> append(const log::BatchSpec& spec,
                                                    bool acks_all = false) {
    base::Bytes batch = log::make_batch(spec);
    return partition_->append(batch, {.acks_all = acks_all, .now_ms = clock_.now_ms}, codecs_);
  }
  /// What a waiter was told; it is told at most once.
  std::shared_ptr<std::optional<ErrorCode>> await(int64_t offset) {
    auto told = std::make_shared<std::optional<ErrorCode>>();
    ProduceResult written{.next_offset = offset, .leader_epoch = partition_->leader_epoch()};
    partition_->await_commit(written, [told](ErrorCode code) {
      EXPECT_FALSE(*told);
      *told = code;
    });
    return told;
  }
  KafkaResult<FetchResult> fetch(FetchOptions options) {
    options.max_bytes = 1 << 20;
    return partition_->fetch(options);
  }

  TestSurroundings surroundings_{kUs, clock_};
  TopicSettings settings_;
  records::Codecs codecs_;
  int32_t partition_epoch_ = 0;
  std::shared_ptr<Partition> partition_;
};

}  // namespace longhaul::broker::partition
