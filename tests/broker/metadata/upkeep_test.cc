// What the controller does as time goes by, in a node of one voter.
#include "broker/metadata/upkeep.h"

#include "broker/metadata/partition_updates.h"
#include "tests/broker/metadata/node_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class Upkeep : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    upkeep_.session_timeout = std::chrono::seconds(9);
    reach_ = [this](const Broker& broker, base::Callback<void(bool)> done) {
      reached_.push_back(broker.id);
      answer_ = std::move(done);
    };
    start();
    run();
  }

  std::shared_ptr<std::optional<protocol::BrokerRegistrationResponse>> ask_to_register(int32_t id) {
    auto request = registration(id);
    request.log_dirs = {base::Uuid::random(random_)};
    auto answer = send(&metadata::register_broker, std::move(request));
    run();
    EXPECT_TRUE(*answer);
    return answer;
  }
  void add_broker(int32_t id) {
    EXPECT_EQ((*ask_to_register(id))->error_code, ErrorCode::kNone);
    beat(id);
    EXPECT_FALSE(image()->broker(id)->fenced);
  }
  void beat(int32_t id) {
    send(&metadata::broker_heartbeat, heartbeat(id));
    run();
  }
  void make_topic(const std::string& name, const std::vector<int32_t>& replicas) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = topic.replication_factor = -1;
    topic.assignments.push_back({.partition_index = 0, .broker_ids = replicas});
    auto answer = send(&metadata::create_topics, std::move(request));
    run();
    EXPECT_EQ((*answer)->topics.at(0).error_code, ErrorCode::kNone);
  }
  /// Broker 1 leads 12,000 partitions and falls silent; the disk then has room for one batch only.
  void fence_with_little_room() {
    add_broker(1);
    for (const char* name : {"a", "b"}) EXPECT_EQ(created(name, 6'000), ErrorCode::kNone);
    files_.set_fault_hook([room = 1](base::DiskOperation operation, std::string_view path) mutable {
      bool log = operation == base::DiskOperation::kWrite && path.ends_with(".log");
      return log && room-- <= 0
                 ? std::optional(base::Fault{{base::Errc::kNoSpace, "the disk is full"}})
                 : std::nullopt;
    });
    advance(12'000);
    EXPECT_TRUE(fenced(1));
    EXPECT_TRUE(leads_any(*image(), 1)) << "a batch holds 10,000 records";
    files_.set_fault_hook({});
  }
  bool fenced(int32_t id) { return image()->broker(id)->fenced; }
  int32_t leader(const std::string& topic) { return image()->partition(topic, 0)->leader; }

  std::vector<int32_t> reached_;
  base::Callback<void(bool)> answer_;
};

TEST_F(Upkeep, SilenceFences) {
  add_broker(1);
  make_topic("t", {1});
  advance(8'900);
  EXPECT_FALSE(fenced(1));
  beat(1);
  advance(8'900);
  EXPECT_FALSE(fenced(1));
  advance(200);
  EXPECT_TRUE(fenced(1));
  EXPECT_EQ(leader("t"), kNoLeader);
  beat(1);
  EXPECT_FALSE(fenced(1));
  EXPECT_EQ(leader("t"), 1);
  advance(9'100);
  EXPECT_TRUE(fenced(1)) << "its second session ends too";
  stop();
}

TEST_F(Upkeep, OnlyTheSilentOneIsFenced) {
  add_broker(1);
  add_broker(2);
  make_topic("t", {1, 2});
  for (int i = 0; i < 10; ++i) {
    advance(2'000);
    beat(2);
  }
  EXPECT_TRUE(fenced(1));
  EXPECT_FALSE(fenced(2));
  EXPECT_EQ(leader("t"), 2);
  stop();
}

TEST_F(Upkeep, AControllerThatStoodStillBlamesNobody) {
  add_broker(1);
  advance(5'000);
  loop_->pause(std::chrono::seconds(20));
  advance(20'100);
  EXPECT_FALSE(fenced(1)) << "what it sent meanwhile may be on its way to this loop";
  advance(8'700);
  EXPECT_FALSE(fenced(1));
  advance(200);
  EXPECT_TRUE(fenced(1));
  stop();
}

TEST_F(Upkeep, AFullDiskPutsFencingOff) {
  add_broker(1);
  files_.set_fault_hook([](base::DiskOperation operation, std::string_view path) {
    bool log = operation == base::DiskOperation::kWrite && path.ends_with(".log");
    return log ? std::optional(base::Fault{{base::Errc::kNoSpace, "the disk is full"}})
               : std::nullopt;
  });
  advance(20'000);
  EXPECT_FALSE(fenced(1));
  files_.set_fault_hook({});
  advance(1'100);
  EXPECT_TRUE(fenced(1));
  EXPECT_EQ(fatal_, "");
  stop();
}

TEST_F(Upkeep, WhatABatchCouldNotHoldWaitsForRoom) {
  fence_with_little_room();
  advance(1'100);
  EXPECT_FALSE(leads_any(*image(), 1));
  EXPECT_EQ(fatal_, "");
  stop();
}

TEST_F(Upkeep, TheNextControllerSettlesWhatIsLeft) {
  fence_with_little_room();
  stop();
  start();
  run();
  EXPECT_FALSE(leads_any(*image(), 1));
  stop();
}

TEST_F(Upkeep, ABrokerWhoseAddressRefusesIsFencedAtOnce) {
  add_broker(1);
  int64_t epoch = image()->broker(1)->epoch;
  node_->heartbeat_connection_closed(1, epoch - 1);
  node_->heartbeat_connection_closed(7, 0);
  run();
  EXPECT_TRUE(reached_.empty());
  node_->heartbeat_connection_closed(1, epoch);
  run();
  ASSERT_EQ(reached_, (std::vector<int32_t>{1}));
  answer_(false);
  run();
  EXPECT_FALSE(fenced(1)) << "somebody answers";
  advance(60);
  EXPECT_EQ(reached_.size(), 2u) << "who may be about to end";
  answer_(true);
  run();
  EXPECT_TRUE(fenced(1));
  EXPECT_EQ((*ask_to_register(1))->error_code, ErrorCode::kNone) << "its next run need not wait";
  stop();
}

TEST_F(Upkeep, ANewControllerLooksForWhoDiedWithItsPredecessor) {
  add_broker(1);
  add_broker(2);
  stop();
  start();
  run();
  EXPECT_EQ(reached_, (std::vector<int32_t>{1, 2}));
  answer_(true);
  run();
  EXPECT_FALSE(fenced(1));
  EXPECT_TRUE(fenced(2));
  stop();
}

TEST_F(Upkeep, PreferredReplicasLeadAgain) {
  stop();
  upkeep_.session_timeout = std::chrono::hours(1);
  upkeep_.balance_interval = std::chrono::seconds(300);
  start();
  run();
  add_broker(1);
  add_broker(2);
  make_topic("t", {1, 2});
  auto beat_leaving = heartbeat(1);
  beat_leaving.want_fence = true;
  send(&metadata::broker_heartbeat, beat_leaving);
  run();
  EXPECT_EQ(leader("t"), 2);
  beat(1);
  protocol::AlterPartitionRequest isr;
  isr.broker_id = 2;
  isr.broker_epoch = image()->broker(2)->epoch;
  auto& topic = isr.topics.emplace_back();
  topic.topic_id = image()->topic("t")->id;
  auto& partition = topic.partitions.emplace_back();
  partition.leader_epoch = image()->partition("t", 0)->leader_epoch;
  partition.partition_epoch = image()->partition("t", 0)->partition_epoch;
  for (int32_t id : {1, 2})
    partition.new_isr_with_epochs.push_back({id, image()->broker(id)->epoch});
  send(&metadata::alter_partition, isr);
  run();
  ASSERT_EQ(image()->partition("t", 0)->isr.size(), 2u);
  EXPECT_EQ(leader("t"), 2);
  advance(301'000);
  EXPECT_EQ(leader("t"), 1);
  stop();
}

TEST_F(Upkeep, AnUncleanElectionThatIsAllowedLater) {
  add_broker(1);
  add_broker(2);
  make_topic("t", {1, 2});
  auto fence = heartbeat(2);
  fence.want_fence = true;
  send(&metadata::broker_heartbeat, fence);
  advance(10'000);
  beat(2);
  EXPECT_TRUE(fenced(1));
  EXPECT_EQ(leader("t"), kNoLeader) << "1 alone was in sync";
  protocol::IncrementalAlterConfigsRequest allow;
  allow.resources.push_back(
      {.resource_type = 2,
       .resource_name = "t",
       .configs = {{.name = "unclean.leader.election.enable", .value = "1"}}});
  auto allowed = send(&metadata::incremental_alter_configs, allow);
  run();
  EXPECT_EQ((*allowed)->responses.at(0).error_code, ErrorCode::kNone);
  for (int i = 0; i < 60; ++i) {
    advance(5'000);
    beat(2);
  }
  EXPECT_EQ(leader("t"), 2);
  EXPECT_EQ(image()->partition("t", 0)->leader_recovery_state, 1);
  stop();
}

TEST_F(Upkeep, ItsOwnBrokerComesBackAtOnceOthersHaveASession) {
  add_broker(1000);
  add_broker(1);
  crash(base::CrashMode::kLoseUnsynced);
  start();
  run();
  EXPECT_EQ((*ask_to_register(1000))->error_code, ErrorCode::kNone);
  EXPECT_EQ((*ask_to_register(1))->error_code, ErrorCode::kDuplicateBrokerRegistration);
  beat(1000);
  EXPECT_EQ((*ask_to_register(1000))->error_code, ErrorCode::kDuplicateBrokerRegistration)
      << "it was heard of";
  advance(9'000);
  EXPECT_EQ((*ask_to_register(1))->error_code, ErrorCode::kNone);
  stop();
}

}  // namespace
}  // namespace longhaul::broker::metadata
