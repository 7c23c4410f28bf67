// Fencing, controlled shutdown, unregistration, and what they do to partitions.
#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class BrokerStates : public ReplicaFixture {};

TEST_F(BrokerStates, AFencedBrokerLeadsNothingAndIsInNoIsr) {
  make_topic("t", {{1, 2, 3}, {2, 3, 1}, {3, 1, 2}});
  make_topic("alone", {{1}});
  fence(1);
  EXPECT_TRUE(image_->broker(1)->fenced);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 0), (Ids{2, 3}));
  EXPECT_EQ(isr("t", 1), (Ids{2, 3}));
  EXPECT_EQ(leader("t", 2), 3);
  EXPECT_EQ(leader("alone", 0), kNoLeader);
  EXPECT_EQ(isr("alone", 0), (Ids{1})) << "it alone has everything";
  EXPECT_EQ(records_.size(), 5u);
  EXPECT_TRUE(fence_records(1).empty()) << "fenced already";
  // Only what waits for it comes back to it; the rest it must first catch up with.
  unfence(1);
  EXPECT_EQ(leader("alone", 0), 1);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 0), (Ids{2, 3}));
  EXPECT_EQ(records_.size(), 2u);
}

TEST_F(BrokerStates, AnEarlierRunIsNotFenced) {
  ControllerInput input = this->input();
  EXPECT_TRUE(fence_broker(input, 1, image_->broker(1)->epoch - 1).empty());
  EXPECT_TRUE(fence_broker(input, 77, 1).empty());
}

TEST_F(BrokerStates, ControlledShutdownEndsWhenItLeadsNothing) {
  make_topic("t", {{1, 2}, {2, 1}});
  auto request = heartbeat(1);
  request.want_shut_down = true;
  auto response = run(&broker_heartbeat, request);
  EXPECT_FALSE(response.should_shut_down);
  EXPECT_FALSE(response.is_fenced);
  EXPECT_TRUE(image_->broker(1)->in_controlled_shutdown);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 1), (Ids{2}));
  response = run(&broker_heartbeat, request);
  EXPECT_TRUE(response.should_shut_down);
  EXPECT_TRUE(response.is_fenced);
  EXPECT_TRUE(image_->broker(1)->fenced);
}

TEST_F(BrokerStates, ControlledShutdownWaitsForTheOthers) {
  make_topic("t", {{1, 2}});
  BrokerHeartbeatTracker tracker{std::chrono::milliseconds(9'000)};
  tracker.follow(*image_, {});
  heartbeats_ = &tracker;
  auto request = heartbeat(1);
  request.want_shut_down = true;
  run(&broker_heartbeat, request);
  tracker.follow(*image_, {});
  EXPECT_FALSE(run(&broker_heartbeat, request).should_shut_down) << "2 does not know yet";
  for (int32_t id : {2, 3, 4, 5, 6}) tracker.heard(id, image_->broker(id)->epoch, offset_, {});
  EXPECT_TRUE(run(&broker_heartbeat, request).should_shut_down);
}

TEST_F(BrokerStates, WhoLeadsNothingShutsDownAtOnce) {
  make_topic("t", {{1, 2}});
  auto request = heartbeat(2);
  request.want_shut_down = true;
  EXPECT_TRUE(run(&broker_heartbeat, request).should_shut_down);
  EXPECT_TRUE(image_->broker(2)->fenced);
  EXPECT_EQ(isr("t", 0), (Ids{1}));
  // A fenced one too.
  fence(3);
  request = heartbeat(3);
  request.want_shut_down = true;
  EXPECT_TRUE(run(&broker_heartbeat, request).should_shut_down);
  // One that only wants to be fenced is not told to go.
  request = heartbeat(4);
  request.want_fence = true;
  auto response = run(&broker_heartbeat, request);
  EXPECT_TRUE(response.is_fenced);
  EXPECT_FALSE(response.should_shut_down);
}

TEST_F(BrokerStates, ANewRunBeginsWithNothing) {
  make_topic("t", {{1, 2}});
  make_topic("alone", {{1}});
  auto registered = run(&register_broker, registration(1));
  EXPECT_EQ(registered.error_code, ErrorCode::kNone);
  EXPECT_EQ(registered.broker_epoch, image_->broker(1)->epoch);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 0), (Ids{2}));
  EXPECT_EQ(leader("alone", 0), kNoLeader);
  unfence(1);
  EXPECT_EQ(leader("alone", 0), 1);
}

TEST_F(BrokerStates, TheSameRunStaysWhatItIs) {
  make_topic("t", {{1, 2}});
  auto request = registration(1);
  request.incarnation_id = image_->broker(1)->incarnation;
  int64_t epoch = image_->broker(1)->epoch;
  EXPECT_EQ(run(&register_broker, request).broker_epoch, epoch);
  EXPECT_FALSE(image_->broker(1)->fenced);
  EXPECT_EQ(leader("t", 0), 1);
}

TEST_F(BrokerStates, NoSecondProcessWhileTheFirstLives) {
  BrokerHeartbeatTracker tracker{std::chrono::milliseconds(9'000)};
  tracker.follow(*image_, {});
  heartbeats_ = &tracker;
  now_ = std::chrono::seconds(8);
  EXPECT_EQ(run(&register_broker, registration(1)).error_code,
            ErrorCode::kDuplicateBrokerRegistration);
  now_ = std::chrono::seconds(9);
  EXPECT_EQ(run(&register_broker, registration(1)).error_code, ErrorCode::kNone);
}

TEST_F(BrokerStates, AnUncleanEndCostsEligibility) {
  enable_elr();
  make_topic("t", {{1, 2, 3}}, {{"min.insync.replicas", "3"}});
  fence(1);
  EXPECT_EQ(image_->partition("t", 0)->elr, (Ids{1}));
  auto in_order = registration(1);
  in_order.previous_broker_epoch = image_->broker(1)->epoch;
  run(&register_broker, in_order);
  EXPECT_EQ(image_->partition("t", 0)->elr, (Ids{1}));
  run(&register_broker, registration(1));
  EXPECT_EQ(image_->partition("t", 0)->elr, Ids{});
}

/// Nobody says what a disk still had when it failed, or what becomes of one whose broker is gone.
TEST_F(BrokerStates, WhatIsLostIsNotEligible) {
  enable_elr();
  auto two = registration(6);
  two.log_dirs = {disk(6), disk(16)};
  run(&register_broker, two);
  unfence(6);
  make_topic("t", {{1, 6}, {6, 1}}, {{"min.insync.replicas", "2"}});
  make_topic("alone", {{6}});
  assign(6, disk(16), "t", {0});
  assign(6, disk(6), "t", {1});
  assign(6, disk(16), "alone", {0});
  auto partition = [&](int32_t index) { return *image_->partition("t", index); };
  auto failed = heartbeat(6);
  failed.offline_log_dirs = {disk(16)};
  run(&broker_heartbeat, failed);
  EXPECT_EQ(partition(0).isr, Ids{1});
  EXPECT_EQ(partition(0).elr, Ids{}) << "it lay there";
  EXPECT_EQ(image_->partition("alone", 0)->leader, kNoLeader);
  EXPECT_EQ(image_->partition("alone", 0)->isr, Ids{});
  EXPECT_EQ(image_->partition("alone", 0)->elr, Ids{});
  EXPECT_EQ(image_->partition("alone", 0)->last_known_elr, Ids{6});
  fence(6);
  EXPECT_EQ(partition(1).elr, Ids{6}) << "of that one nothing is lost";
  protocol::UnregisterBrokerRequest gone;
  gone.broker_id = 6;
  run(&unregister_broker, gone);
  EXPECT_EQ(partition(1).isr, Ids{1});
  EXPECT_EQ(partition(1).elr, Ids{});
}

TEST_F(BrokerStates, ADirectoryThatARestartLeavesOutIsNotEligible) {
  enable_elr();
  make_topic("t", {{1, 2}}, {{"min.insync.replicas", "2"}});
  fence(2);
  EXPECT_EQ(image_->partition("t", 0)->elr, Ids{2});
  auto without_it = registration(2);
  without_it.previous_broker_epoch = image_->broker(2)->epoch;
  without_it.log_dirs = {disk(12)};
  run(&register_broker, without_it);
  EXPECT_EQ(image_->partition("t", 0)->elr, Ids{});
  // A log begun anew there has nothing.
  unfence(2);
  fence(1);
  assign(2, disk(12), "t", {0});
  EXPECT_EQ(leader("t", 0), kNoLeader);
}

TEST_F(BrokerStates, ALastLeaderWhoseLogBeginsAnewIsNone) {
  enable_elr();
  make_topic("t", {{1, 2}});
  make_topic("u", {{1, 2}});
  fence(2);
  auto anew = registration(1);
  anew.log_dirs = {disk(11)};
  run(&register_broker, anew);
  unfence(1);
  EXPECT_EQ(image_->partition("t", 0)->last_known_elr, Ids{1});
  assign(1, disk(11), "t", {0});
  EXPECT_EQ(leader("t", 0), kNoLeader) << "it would cut 2 down to nothing";
  EXPECT_EQ(image_->partition("t", 0)->last_known_elr, Ids{});
  unfence(2);
  EXPECT_EQ(leader("t", 0), kNoLeader) << "who has the most may be chosen by somebody who knows";
  // The disk is back.
  auto repaired = registration(1);
  repaired.log_dirs = {disk(1), disk(11)};
  run(&register_broker, repaired);
  unfence(1);
  EXPECT_EQ(leader("u", 0), 1);
}

TEST_F(BrokerStates, UnregistrationForgetsTheBrokerNotItsReplicas) {
  make_topic("t", {{1, 2}});
  protocol::UnregisterBrokerRequest request;
  request.broker_id = 1;
  EXPECT_EQ(run(&unregister_broker, request).error_code, ErrorCode::kNone);
  EXPECT_EQ(image_->broker(1), nullptr);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(replicas("t", 0), (Ids{1, 2}));
  auto again = run(&unregister_broker, request);
  EXPECT_EQ(again.error_code, ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(again.error_message, "Broker ID 1 is not currently registered");
}

TEST_F(BrokerStates, AnOfflineDirectoryTakesItsReplicas) {
  auto two = registration(7);
  two.log_dirs = {disk(7), disk(17)};
  run(&register_broker, two);
  unfence(7);
  make_topic("t", {{7, 1}, {7, 1}, {7, 1}});
  assign(7, disk(7), "t", {0});
  assign(7, disk(17), "t", {1});
  EXPECT_EQ(image_->partition("t", 0)->directories, (std::vector<base::Uuid>{disk(7), disk(1)}));
  auto request = heartbeat(7);
  request.offline_log_dirs = {disk(17)};
  EXPECT_FALSE(run(&broker_heartbeat, request).is_fenced);
  EXPECT_EQ(image_->broker(7)->directories, (std::vector<base::Uuid>{disk(7)}));
  EXPECT_EQ(leader("t", 0), 7);
  EXPECT_EQ(leader("t", 1), 1);
  EXPECT_EQ(isr("t", 1), (Ids{1}));
  EXPECT_EQ(leader("t", 2), 7) << "it has not said where that one is";
  run(&broker_heartbeat, request);
  EXPECT_TRUE(records_.empty());
  assign(7, disk(17), "t", {2});
  EXPECT_EQ(leader("t", 2), 1);
  // Another process with the directory repaired.
  auto repaired = registration(7);
  repaired.log_dirs = {disk(7), disk(17)};
  run(&register_broker, repaired);
  unfence(7);
  EXPECT_EQ(image_->broker(7)->directories.size(), 2u);
}

TEST_F(BrokerStates, WithoutAnyDirectoryItIsFenced) {
  make_topic("t", {{1, 2}});
  auto request = heartbeat(1);
  request.offline_log_dirs = {disk(1)};
  EXPECT_TRUE(run(&broker_heartbeat, request).is_fenced);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_TRUE(run(&broker_heartbeat, request).is_fenced);
  EXPECT_TRUE(records_.empty());
}

TEST_F(BrokerStates, WithoutAnyDirectoryItIsNotEligible) {
  enable_elr();
  make_topic("t", {{1, 2}}, {{"min.insync.replicas", "2"}});
  auto request = heartbeat(1);
  request.offline_log_dirs = {disk(1)};
  run(&broker_heartbeat, request);
  EXPECT_EQ(isr("t", 0), Ids{2});
  EXPECT_EQ(image_->partition("t", 0)->elr, Ids{});
  run(&broker_heartbeat, request);
  EXPECT_TRUE(records_.empty());
}

TEST_F(BrokerStates, ARepairedDirectoryOfTheSameRun) {
  make_topic("t", {{1}});
  assign(1, disk(99), "t", {0});
  EXPECT_EQ(leader("t", 0), kNoLeader);
  auto request = registration(1);
  request.incarnation_id = image_->broker(1)->incarnation;
  request.log_dirs.push_back(disk(99));
  run(&register_broker, request);
  EXPECT_EQ(leader("t", 0), 1);
}

TEST_F(BrokerStates, MoreThanABatchHolds) {
  // Two topics: no batch may make so many partitions at once.
  std::vector<Ids> some(6'000, Ids{1, 2});
  make_topic("a", some);
  make_topic("b", some);
  fence(1);
  EXPECT_EQ(records_.size(), kMaxRecordsPerRequest);
  auto unsettled = [&] { return led_by("a", 1) + led_by("b", 1); };
  EXPECT_EQ(unsettled(), 12'000u - (kMaxRecordsPerRequest - 1));
  MetadataRecords rest = left_over(input());
  EXPECT_EQ(rest.size(), unsettled());
  apply(rest);
  EXPECT_EQ(unsettled(), 0u);
  EXPECT_TRUE(left_over(input()).empty());
  EXPECT_FALSE(leads_any(*image_, 1));

  // A new run is registered with the last batch.
  auto request = registration(2);
  EXPECT_EQ(run(&register_broker, request).error_code, ErrorCode::kRequestTimedOut);
  EXPECT_NE(image_->broker(2)->incarnation, request.incarnation_id);
  EXPECT_EQ(run(&register_broker, request).error_code, ErrorCode::kNone);
  EXPECT_EQ(image_->broker(2)->incarnation, request.incarnation_id);
  EXPECT_FALSE(leads_any(*image_, 2));
}

TEST_F(BrokerStates, RolesAreCounted) {
  make_topic("t", {{1, 2}, {2, 1}, {1, 2}});
  base::Uuid id = image_->topic("t")->id;
  auto roles = [&](int32_t broker) {
    const BrokerRoles* known = image_->roles.find(BrokerTopic{broker, id});
    return known == nullptr ? BrokerRoles{} : *known;
  };
  EXPECT_EQ(roles(1), (BrokerRoles{2, 3, 0}));
  EXPECT_EQ(roles(2), (BrokerRoles{1, 3, 0}));
  fence(1);
  EXPECT_EQ(roles(1), (BrokerRoles{}));
  EXPECT_EQ(roles(2), (BrokerRoles{3, 3, 0}));
  fence(2);
  EXPECT_EQ(roles(2), (BrokerRoles{0, 3, 0})) << "it alone has everything";
  EXPECT_EQ(roles(kNoLeader), (BrokerRoles{3, 0, 0}));
  protocol::DeleteTopicsRequest request;
  request.topic_names = {"t"};
  run(&delete_topics, request);
  EXPECT_TRUE(image_->roles.empty());
}

}  // namespace
}  // namespace longhaul::broker::metadata
