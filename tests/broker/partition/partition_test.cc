#include "broker/partition/partition.h"

#include <atomic>
#include <thread>

#include "tests/broker/partition/counter.h"
#include "tests/broker/partition/partition_fixture.h"

namespace longhaul::broker::partition {
namespace {

TEST_F(PartitionTest, ServesOnlyWhileItLeads) {
  EXPECT_EQ(append({}).error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(fetch({}).error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(become(kUs, 3, {kUs}), Partition::RoleChange::kBecameLeader);
  EXPECT_TRUE(append({}));
  EXPECT_TRUE(fetch({}));
  EXPECT_EQ(become(kUs, 3, {kUs, kOther}), Partition::RoleChange::kNone);
  EXPECT_EQ(become(kUs, 4, {kUs}), Partition::RoleChange::kBecameLeader) << "anew, in a new epoch";
  EXPECT_EQ(become(kOther, 5, {kOther}), Partition::RoleChange::kResigned);
  EXPECT_EQ(append({}).error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(log_->log_end_offset(), 1);
}

TEST_F(PartitionTest, AnOlderRoleChangesNothing) {
  become(kUs, 3, {kUs});
  metadata::Partition old;
  old.leader = kOther;
  old.leader_epoch = 2;
  old.partition_epoch = 0;
  EXPECT_EQ(partition_->apply(old), Partition::RoleChange::kNone);
  EXPECT_TRUE(partition_->is_leader());
  EXPECT_EQ(partition_->leader_epoch(), 3);
}

TEST_F(PartitionTest, BatchesBearTheLeadersEpoch) {
  become(kUs, 7, {kUs});
  ASSERT_TRUE(append({.count = 2, .epoch = 99}));
  auto read = fetch({});
  ASSERT_TRUE(read);
  auto headers = log::headers_of(*base::read_slice(read->slice));
  EXPECT_EQ(headers.at(0).partition_leader_epoch, 7);
  EXPECT_EQ(partition_->end_offset_for_epoch(7, -1)->end_offset, 2);
}

TEST_F(PartitionTest, AloneInTheIsrItCommitsAtOnce) {
  become(kUs, 0, {kUs});
  auto result = append({.count = 3}, true);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->base_offset, 0);
  EXPECT_EQ(result->next_offset, 3);
  EXPECT_EQ(log_->high_watermark(), 3);
  EXPECT_EQ(*await(3), ErrorCode::kNone);
}

TEST_F(PartitionTest, WithAnotherInTheIsrNothingIsCommittedUntilThatIsOut) {
  become(kUs, 0, {kUs, kOther});
  ASSERT_TRUE(append({.count = 3}, true));
  EXPECT_EQ(log_->high_watermark(), 0);
  auto first = await(2), second = await(3);
  EXPECT_FALSE(*first);
  EXPECT_TRUE(fetch({})->slice.empty()) << "consumers see what is committed";
  EXPECT_FALSE(fetch({.isolation = Isolation::kLogEnd})->slice.empty()) << "followers see all";
  become(kUs, 0, {kUs});
  EXPECT_EQ(*first, ErrorCode::kNone);
  EXPECT_EQ(*second, ErrorCode::kNone);
  EXPECT_FALSE(fetch({})->slice.empty());
}

TEST_F(PartitionTest, WhatIsCommittedStaysSoWhoeverComesBackWithLess) {
  auto follower_has = [&](int64_t offset) {
    EXPECT_TRUE(fetch({.offset = offset,
                       .isolation = Isolation::kLogEnd,
                       .follower = Follower{kOther, 10 * kOther, 0}}));
    return log_->high_watermark();
  };
  become(kUs, 0, {kUs, kOther});
  ASSERT_TRUE(append({.count = 3}));
  EXPECT_EQ(follower_has(3), 3);
  EXPECT_EQ(follower_has(1), 3) << "it lost some";
  become(kUs, 0, {kUs});
  become(kUs, 0, {kUs, kOther});
  EXPECT_EQ(follower_has(0), 3);
  become(kUs, 1, {kUs, kOther});
  EXPECT_EQ(follower_has(0), 3) << "in an epoch of which no follower was heard yet";
}

TEST_F(PartitionTest, WhoWaitsIsToldWhenTheLeadOrThePartitionIsGone) {
  become(kUs, 0, {kUs, kOther});
  ASSERT_TRUE(append({}));
  auto resigned = await(1);
  become(kOther, 1, {kOther});
  EXPECT_EQ(*resigned, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(*await(1), ErrorCode::kNotLeaderOrFollower) << "nobody leads here";
  become(kUs, 2, {kUs, kOther});
  auto stopped = await(1);
  EXPECT_FALSE(*stopped);
  partition_->stop();
  EXPECT_EQ(*stopped, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(become(kUs, 3, {kUs}), Partition::RoleChange::kNone) << "it is over";
  EXPECT_EQ(append({}).error().code, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, WhatWasWrittenBeforeTheLeadWasLostIsNotTakenForWhatIsThereNow) {
  become(kUs, 0, {kUs, kOther});
  auto written = append({});
  ASSERT_TRUE(written);
  become(kOther, 1, {kUs, kOther});
  become(kUs, 2, {kUs});
  std::optional<ErrorCode> told;
  partition_->await_commit(*written, [&](ErrorCode code) { told = code; });
  EXPECT_EQ(told, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(*await(1), ErrorCode::kNone);
}

TEST_F(PartitionTest, ANewLeaderSaysWhetherItKnowsAllThatIsCommitted) {
  become(kUs, 0, {kUs});
  ASSERT_TRUE(append({}));
  EXPECT_FALSE(partition_->is_catching_up(Isolation::kHighWatermark));
  ASSERT_TRUE(append({}));
  become(kOther, 1, {kUs, kOther});
  partition_->log()->set_high_watermark(1);
  become(kUs, 2, {kUs, kOther});
  EXPECT_EQ(partition_->is_catching_up(Isolation::kHighWatermark),
            partition_->upper_bound(Isolation::kHighWatermark) < 2);
  EXPECT_FALSE(partition_->is_catching_up(Isolation::kLogEnd));
  become(kUs, 2, {kUs});
  EXPECT_FALSE(partition_->is_catching_up(Isolation::kHighWatermark));
}

// DeleteRecords may leave a leader's log beginning within a batch.
TEST_F(PartitionTest, AFollowerThatBeginsWithinABatchTakesItWhole) {
  become(kOther, 3, {kOther});
  ASSERT_TRUE(partition_->start_over(3, 14));
  base::Bytes batches = log::make_batch({.count = 10, .base_offset = 10, .epoch = 3});
  auto replicate = [&](int64_t log_start_offset) {
    return partition_->replicate({.leader_epoch = 3,
                                  .batches = batches,
                                  .high_watermark = 20,
                                  .log_start_offset = log_start_offset});
  };
  ASSERT_TRUE(replicate(14));
  EXPECT_EQ(log_->first_base_offset(), 10);
  EXPECT_EQ(log_->log_start_offset(), 14);
  EXPECT_EQ(log_->log_end_offset(), 20);
  EXPECT_EQ(log_->high_watermark(), 20);

  ASSERT_TRUE(partition_->start_over(3, 15));
  ASSERT_TRUE(replicate(0)) << "a leader that has more than we asked for";
  EXPECT_EQ(log_->log_start_offset(), 15);
  ASSERT_TRUE(partition_->truncate(3, 10));
  ASSERT_TRUE(partition_->start_over(3, 20));
  ASSERT_TRUE(replicate(20)) << "nothing new";
  EXPECT_EQ(log_->first_base_offset(), 20);
}

TEST_F(PartitionTest, WithoutRoomTheLeadGoesToAnotherOnceInAWhile) {
  become(kUs, 0, {kUs, kOther});
  files_->set_capacity(0);
  EXPECT_EQ(append({}).error().code, ErrorCode::kKafkaStorageError);
  ASSERT_EQ(surroundings_.proposed, (std::vector<std::vector<int32_t>>{{kOther}}));
  become(kOther, 1, {kOther});
  become(kUs, 2, {kUs, kOther});
  EXPECT_FALSE(append({}));
  EXPECT_EQ(surroundings_.proposed.size(), 1u) << "it was not long ago";
  clock_.now_ms += 30'000;
  EXPECT_FALSE(append({}));
  EXPECT_EQ(surroundings_.proposed.size(), 2u);
}

TEST_F(PartitionTest, WithALogThatIsOfflineTheLeadGoesToAnyOther) {
  settings_.min_insync_replicas = 2;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs, kOther});
  log_->take_offline();
  clock_.now_ms += 60'000;
  partition_->shrink_isr();
  EXPECT_EQ(surroundings_.proposed, (std::vector<std::vector<int32_t>>{{kOther}}))
      << "and not that they are slow who cannot read it";
  become(kOther, 1, {kOther});
  become(kUs, 2, {kUs, kOther});
  clock_.now_ms += 60'000;
  EXPECT_EQ(append({}).error().code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(surroundings_.proposed.size(), 2u);
}

TEST_F(PartitionTest, OnDiskMeansThatNothingIsCommittedBeforeAFlush) {
  settings_.on_disk = true;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs});
  ASSERT_TRUE(append({.count = 3}, true));
  auto first = await(3);
  EXPECT_EQ(log_->high_watermark(), 0);
  ASSERT_TRUE(append({.count = 2}, true));
  auto second = await(5);
  EXPECT_EQ(surroundings_.workers.size(), 1) << "one flush for both";
  EXPECT_FALSE(*first);
  surroundings_.workers.run();
  EXPECT_EQ(*first, ErrorCode::kNone);
  EXPECT_EQ(*second, ErrorCode::kNone);
  EXPECT_EQ(log_->high_watermark(), 5);
  EXPECT_EQ(log_->recovery_point(), 5);
}

TEST_F(PartitionTest, OnDiskTellsWhoWaitsThatTheDiskHasFailed) {
  settings_.on_disk = true;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs});
  ASSERT_TRUE(append({}, true));
  auto told = await(1);
  files_->set_fault_hook([](base::DiskOperation operation, auto) -> std::optional<base::Fault> {
    if (operation != base::DiskOperation::kSync) return std::nullopt;
    return base::Fault{{base::Errc::kIo, "the disk is gone"}};
  });
  surroundings_.workers.run();
  EXPECT_EQ(*told, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(log_->high_watermark(), 0);
}

TEST_F(PartitionTest, OnDiskBegunLaterFlushesWhatIsThere) {
  become(kUs, 0, {kUs, kOther});
  ASSERT_TRUE(append({}, true));
  EXPECT_EQ(surroundings_.workers.size(), 0);
  EXPECT_FALSE(partition_->must_flush());
  settings_.on_disk = true;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  EXPECT_TRUE(partition_->must_flush());
  surroundings_.workers.run();
  EXPECT_FALSE(partition_->must_flush());
  EXPECT_EQ(log_->high_watermark(), 0) << "the other may not have it";
}

TEST_F(PartitionTest, WhoWaitsIsToldWhenItIsDestroyed) {
  become(kUs, 0, {kUs, kOther});
  ASSERT_TRUE(append({}));
  auto told = await(1);
  partition_.reset();
  EXPECT_EQ(*told, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, WatchersAreToldOfAppendsRolesAndTheEnd) {
  auto watcher = std::make_shared<Counter>();
  auto told = [&](auto&& act) {
    int before = watcher->told;
    partition_->watch(watcher, Isolation::kHighWatermark);
    act();
    return watcher->told - before == 1;
  };
  EXPECT_TRUE(told([&] { become(kUs, 0, {kUs}); }));
  EXPECT_TRUE(told([&] { ASSERT_TRUE(append({})); }));
  EXPECT_TRUE(told([&] { become(kOther, 1, {kOther}); }));
  EXPECT_TRUE(told([&] { partition_->stop(); }));
}

TEST_F(PartitionTest, MinInsyncReplicasCountsForAcksAll) {
  settings_.min_insync_replicas = 2;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs});
  EXPECT_EQ(append({}, true).error().code, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(log_->log_end_offset(), 0);
  EXPECT_TRUE(append({}, false));
  become(kUs, 0, {kUs, kOther});
  EXPECT_TRUE(append({}, true));
}

TEST_F(PartitionTest, ARetryOfAnIdempotentProducerGetsTheFirstOffsets) {
  become(kUs, 0, {kUs});
  log::BatchSpec spec{.count = 2, .producer_id = 9, .producer_epoch = 0, .sequence = 0};
  EXPECT_EQ(append(spec)->base_offset, 0);
  spec.sequence = 2;
  EXPECT_EQ(append(spec)->base_offset, 2);
  spec.sequence = 0;
  EXPECT_EQ(append(spec)->base_offset, 0);
  EXPECT_EQ(append(spec)->next_offset, 2);
  spec.sequence = 7;
  EXPECT_EQ(append(spec).error().code, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log_->log_end_offset(), 4);
}

// Kafka lets a producer it has never seen begin anywhere.
TEST_F(PartitionTest, WhatANewProducerSentBehindARefusedBatchDoesNotOvertakeIt) {
  settings_.min_insync_replicas = 2;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  auto send = [&](int32_t sequence, int16_t epoch = 0) {
    auto sent =
        append({.count = 5, .producer_id = 7, .producer_epoch = epoch, .sequence = sequence}, true);
    return sent ? ErrorCode::kNone : sent.error().code;
  };
  EXPECT_EQ(send(5), ErrorCode::kNotLeaderOrFollower) << "and the one before was lost on its way";
  become(kUs, 0, {kUs});
  EXPECT_EQ(send(0), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(send(5), ErrorCode::kNotEnoughReplicas);
  become(kUs, 0, {kUs, kOther});
  EXPECT_EQ(send(10), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(5), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0), ErrorCode::kNone);
  EXPECT_EQ(send(5), ErrorCode::kNone);
  EXPECT_EQ(send(10), ErrorCode::kNone);
}

TEST_F(PartitionTest, AProducerThatGaveUpARefusedBatchGoesOn) {
  settings_.min_insync_replicas = 2;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  auto send = [&](int32_t sequence, int16_t epoch) {
    auto sent =
        append({.count = 5, .producer_id = 7, .producer_epoch = epoch, .sequence = sequence}, true);
    return sent ? ErrorCode::kNone : sent.error().code;
  };
  become(kUs, 0, {kUs});
  EXPECT_EQ(send(0, 0), ErrorCode::kNotEnoughReplicas);
  become(kUs, 0, {kUs, kOther});
  EXPECT_EQ(send(5, 0), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0, 1), ErrorCode::kNone) << "in a new epoch";

  auto other = [&] {
    return append({.producer_id = 8, .producer_epoch = 0, .sequence = 5}, true).has_value();
  };
  log::BatchSpec first{.producer_id = 8, .producer_epoch = 0, .sequence = 0};
  become(kUs, 0, {kUs});
  EXPECT_FALSE(append(first, true));
  become(kUs, 0, {kUs, kOther});
  EXPECT_FALSE(other());
  clock_.now_ms += 86'400'000;
  log_->expire_producers(clock_.now_ms);
  EXPECT_TRUE(other()) << "after as long as any producer is remembered";
}

TEST_F(PartitionTest, TheTopicsTimeAndCodecAreGivenToTheBatch) {
  settings_.log.message_timestamp_type = records::TimestampType::kLogAppendTime;
  settings_.codec = records::Codec::kGzip;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs});
  auto result = append({.count = 2, .timestamp = clock_.now_ms - 5000});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->log_append_time_ms, clock_.now_ms);
  auto stored = log::headers_of(*base::read_slice(fetch({})->slice)).at(0);
  EXPECT_EQ(stored.max_timestamp, clock_.now_ms);
  EXPECT_EQ(stored.codec(), records::Codec::kGzip);
}

TEST_F(PartitionTest, EpochsOfFetchersAreChecked) {
  become(kUs, 2, {kUs});
  ASSERT_TRUE(append({.count = 2}));
  become(kUs, 5, {kUs});
  ASSERT_TRUE(append({.count = 2}));
  EXPECT_EQ(fetch({.current_leader_epoch = 4}).error().code, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(fetch({.current_leader_epoch = 6}).error().code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_TRUE(fetch({.current_leader_epoch = 5}));
  EXPECT_FALSE(fetch({.offset = 2, .last_fetched_epoch = 2})->diverging);
  auto too_far = fetch({.offset = 3, .last_fetched_epoch = 2});
  ASSERT_TRUE(too_far->diverging) << "its offset 2 is of another epoch";
  EXPECT_EQ(too_far->diverging->epoch, 2);
  EXPECT_EQ(too_far->diverging->end_offset, 2);
  EXPECT_TRUE(too_far->slice.empty());
  auto unknown = fetch({.offset = 2, .last_fetched_epoch = 4});
  ASSERT_TRUE(unknown->diverging) << "there was no epoch 4 here";
  EXPECT_EQ(unknown->diverging->epoch, 2);
}

TEST_F(PartitionTest, OffsetsOutsideTheLogAreOutOfRange) {
  become(kUs, 0, {kUs});
  ASSERT_TRUE(append({.count = 2}));
  for (int64_t offset : {int64_t{-1}, int64_t{3}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(fetch({.offset = offset}).error().code, ErrorCode::kOffsetOutOfRange) << offset;
  }
  EXPECT_TRUE(fetch({.offset = 2})->slice.empty());
}

TEST_F(PartitionTest, OnlyWhatDecompressesOrFlushesIsHeavy) {
  base::Bytes plain = log::make_batch({}),
              packed = log::make_batch({.codec = records::Codec::kLz4});
  EXPECT_FALSE(partition_->is_heavy(plain));
  EXPECT_TRUE(partition_->is_heavy(packed));
  EXPECT_FALSE(partition_->is_heavy(base::ByteView(packed).first(10))) << "no batch at all";
  settings_.log.flush_messages = 1'000'000;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  EXPECT_TRUE(partition_->is_heavy(plain));
}

TEST_F(PartitionTest, FlushMessagesMakesAnAppendDurable) {
  settings_.log.flush_messages = 2;
  partition_->set_settings(std::make_shared<TopicSettings>(settings_));
  become(kUs, 0, {kUs});
  ASSERT_TRUE(append({}));
  EXPECT_EQ(log_->recovery_point(), 0);
  ASSERT_TRUE(append({}));
  EXPECT_EQ(log_->recovery_point(), 2);
}

TEST_F(PartitionTest, TheRoleChangesUnderManyProducers) {
  become(kUs, 0, {kUs});
  std::atomic<bool> done{false};
  std::atomic<int64_t> written{0};
  std::vector<std::thread> producers;
  for (int i = 0; i < 4; ++i) {
    producers.emplace_back([&] {
      records::Codecs codecs;
      while (!done) {
        base::Bytes batch = log::make_batch({});
        auto appended = partition_->append(batch, {.now_ms = clock_.now_ms}, codecs);
        if (appended) ++written;
        ErrorCode outcome = appended ? ErrorCode::kNotLeaderOrFollower : appended.error().code;
        EXPECT_EQ(outcome, ErrorCode::kNotLeaderOrFollower);
      }
    });
  }
  for (int32_t epoch = 1; epoch < 100; epoch += 2) {
    become(kOther, epoch, {kOther});
    int64_t end = log_->log_end_offset();
    EXPECT_TRUE(partition_->truncate(epoch, end));
    EXPECT_EQ(log_->log_end_offset(), end) << "nothing is appended by who leads no more";
    become(kUs, epoch + 1, {kUs});
  }
  done = true;
  for (std::thread& each : producers) each.join();
  EXPECT_EQ(log_->log_end_offset(), written);
  EXPECT_EQ(log_->high_watermark(), written);
}

}  // namespace
}  // namespace longhaul::broker::partition
