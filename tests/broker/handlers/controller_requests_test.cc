// What the controller decides, as its callers ask for it: every version, on the listener it is for.
#include "broker/metadata/features.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/controller_registration.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class ControllerRequests : public NodeFixture {
 protected:
  void on_controller(bool controller = true) {
    connection_->listener = controller ? "CONTROLLER" : "PLAINTEXT";
    connection_->controller_listener = controller;
  }

  /// Asks with every stable version; `check(response, version)`.
  template <class Response, class Request, class Check>
  void each_version(const Request& request, Check check) {
    const protocol::ApiInfo& api = *protocol::find_api(Request::kApiKey);
    for (int16_t version = api.min_version; version <= api.max_stable_version(); ++version) {
      SCOPED_TRACE(version);
      check(ask<Response>(request, version), version);
    }
  }
  template <class Request>
  void only_for_controllers(const Request& request) {
    on_controller(false);
    uint64_t sequence = send(request, Request::kMaxVersion);
    run();
    EXPECT_NE(closed(sequence), "") << Request::kName;
    on_controller();
  }

  protocol::BrokerRegistrationRequest registration(int32_t id) {
    protocol::BrokerRegistrationRequest request;
    request.broker_id = id;
    request.cluster_id = node_->identity().cluster_id;
    request.incarnation_id = base::Uuid::random(random_);
    request.listeners.push_back({"PLAINTEXT", "127.0.0.2", 9092, 0});
    for (const auto& [name, range] : metadata::supported_features())
      request.features.push_back({name, range.min, range.max});
    request.rack = std::nullopt;
    request.log_dirs = {base::Uuid::random(random_)};
    return request;
  }
  protocol::BrokerHeartbeatRequest heartbeat(int32_t id, int64_t epoch) {
    protocol::BrokerHeartbeatRequest request;
    request.broker_id = id;
    request.broker_epoch = epoch;
    request.current_metadata_offset = 1'000'000;
    return request;
  }
  /// By ID, whether each registered broker is fenced.
  std::map<int32_t, bool> fenced_brokers() {
    on_controller(false);
    protocol::DescribeClusterRequest request;
    request.endpoint_type = 1;
    request.include_fenced_brokers = true;
    std::map<int32_t, bool> fenced;
    auto response = ask<protocol::DescribeClusterResponse>(request, 2);
    for (const auto& broker : response.brokers) fenced[broker.broker_id] = broker.is_fenced;
    on_controller();
    return fenced;
  }
  protocol::MetadataResponse::MetadataResponsePartition partition(const std::string& topic) {
    on_controller(false);
    protocol::MetadataRequest request;
    request.topics.emplace().push_back({.name = topic});
    auto response = ask<protocol::MetadataResponse>(request, 12);
    on_controller();
    return response.topics.at(0).partitions.at(0);
  }
};

TEST_F(ControllerRequests, BrokersThatComeAndFallSilent) {
  start();
  on_controller();
  int64_t epoch = -1;
  int32_t id = 2000;
  each_version<protocol::BrokerRegistrationResponse>(
      registration(id), [&](const auto& response, int16_t version) {
        // Older brokers name no directories.
        EXPECT_EQ(response.error_code,
                  version < 2 ? ErrorCode::kInvalidRegistration : ErrorCode::kNone);
        epoch = response.broker_epoch;
      });
  EXPECT_GE(epoch, 0);
  each_version<protocol::BrokerHeartbeatResponse>(
      heartbeat(id, epoch - 1), [&](const auto& response, int16_t) {
        EXPECT_EQ(response.error_code, ErrorCode::kStaleBrokerEpoch);
      });
  EXPECT_TRUE(fenced_brokers().at(id));
  each_version<protocol::BrokerHeartbeatResponse>(
      heartbeat(id, epoch), [&](const auto& response, int16_t) {
        EXPECT_EQ(response.error_code, ErrorCode::kNone);
        EXPECT_FALSE(response.is_fenced);
      });
  EXPECT_EQ(fenced_brokers(), (std::map<int32_t, bool>{{1000, false}, {id, false}}));
  advance(std::chrono::milliseconds(9'100));
  EXPECT_EQ(fenced_brokers(), (std::map<int32_t, bool>{{1000, false}, {id, true}}))
      << "our own broker's heartbeats go on";
  protocol::UnregisterBrokerRequest forget;
  forget.broker_id = id;
  EXPECT_EQ(ask<protocol::UnregisterBrokerResponse>(forget, 0).error_code, ErrorCode::kNone);
  EXPECT_EQ(ask<protocol::UnregisterBrokerResponse>(forget, 0).error_code,
            ErrorCode::kBrokerIdNotRegistered);
  EXPECT_FALSE(fenced_brokers().contains(id));
  only_for_controllers(registration(id));
  only_for_controllers(heartbeat(id, epoch));
}

TEST_F(ControllerRequests, NothingWaitsForAControllerForDays) {
  start();
  protocol::CreateTopicsRequest request;
  request.topics.push_back({.name = "t", .num_partitions = 1, .replication_factor = 1});
  request.timeout_ms = INT32_MAX;
  workers_.hold();
  uint64_t sequence = send(request, 7);
  advance(std::chrono::milliseconds(59'000));
  EXPECT_FALSE(answered(sequence));
  advance(std::chrono::milliseconds(1'100));
  EXPECT_EQ(answer<protocol::CreateTopicsResponse>(sequence, 7).topics.at(0).error_code,
            ErrorCode::kRequestTimedOut);
  workers_.resume();
  run();
}

TEST_F(ControllerRequests, LeadersElectedOnRequest) {
  start();
  create_topic("t");
  protocol::ElectLeadersRequest request;
  request.timeout_ms = 10'000;
  request.topic_partitions.emplace().push_back({.topic = "t", .partitions = {0, 9}});
  for (bool controller : {false, true}) {
    on_controller(controller);
    each_version<protocol::ElectLeadersResponse>(request, [&](const auto& response, int16_t) {
      EXPECT_EQ(response.error_code, ErrorCode::kNone);
      const auto& partitions = response.replica_election_results.at(0).partition_result;
      EXPECT_EQ(partitions.at(0).error_code, ErrorCode::kElectionNotNeeded);
      EXPECT_EQ(partitions.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
    });
  }
  request.topic_partitions.reset();
  each_version<protocol::ElectLeadersResponse>(request, [&](const auto& response, int16_t) {
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_TRUE(response.replica_election_results.empty());
  });
}

TEST_F(ControllerRequests, ClientsTakeTheBrokerThatAnswersForTheController) {
  start();
  on_controller();
  auto registered = ask<protocol::BrokerRegistrationResponse>(registration(5), 4);
  ask<protocol::BrokerHeartbeatResponse>(heartbeat(5, registered.broker_epoch), 2);
  EXPECT_EQ(fenced_brokers(), (std::map<int32_t, bool>{{5, false}, {1000, false}}));
  on_controller(false);
  each_version<protocol::MetadataResponse>(
      protocol::MetadataRequest{}, [](const auto& response, int16_t version) {
        EXPECT_EQ(response.controller_id, version > 0 ? 1000 : -1);
      });
  protocol::DescribeClusterRequest request;
  request.endpoint_type = 1;
  EXPECT_EQ(ask<protocol::DescribeClusterResponse>(request, 1).controller_id, 1000);
}

TEST_F(ControllerRequests, ReplicasReassigned) {
  start();
  create_topic("t");
  on_controller();
  auto registered = ask<protocol::BrokerRegistrationResponse>(registration(2000), 4);
  ask<protocol::BrokerHeartbeatResponse>(heartbeat(2000, registered.broker_epoch), 2);

  on_controller(false);
  protocol::AlterPartitionReassignmentsRequest request;
  request.timeout_ms = 10'000;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  auto code_of = [](const protocol::AlterPartitionReassignmentsResponse& response) {
    return response.responses.at(0).partitions.at(0).error_code;
  };
  topic.partitions.push_back({.partition_index = 0, .replicas = std::vector<int32_t>{4711}});
  each_version<protocol::AlterPartitionReassignmentsResponse>(
      request, [&](const auto& response, int16_t) {
        EXPECT_EQ(code_of(response), ErrorCode::kInvalidReplicaAssignment);
      });
  protocol::ListPartitionReassignmentsRequest all;
  all.timeout_ms = 10'000;
  all.topics.reset();
  auto reassign = [&](std::optional<std::vector<int32_t>> replicas, int16_t version) {
    topic.partitions[0].replicas = std::move(replicas);
    return code_of(ask<protocol::AlterPartitionReassignmentsResponse>(request, version));
  };
  EXPECT_EQ(reassign(std::vector<int32_t>{2000}, 0), ErrorCode::kNone);
  auto under_way = ask<protocol::ListPartitionReassignmentsResponse>(all, 0);
  ASSERT_EQ(under_way.topics.size(), 1u);
  EXPECT_EQ(under_way.topics[0].partitions.at(0).adding_replicas, std::vector<int32_t>{2000});
  EXPECT_EQ(under_way.topics[0].partitions.at(0).removing_replicas, std::vector<int32_t>{1000});
  EXPECT_EQ(reassign(std::nullopt, 1), ErrorCode::kNone);
  EXPECT_TRUE(ask<protocol::ListPartitionReassignmentsResponse>(all, 0).topics.empty());
  EXPECT_EQ(reassign(std::nullopt, 1), ErrorCode::kNoReassignmentInProgress);
}

TEST_F(ControllerRequests, LeadersTellTheirIsrAndDirectories) {
  start();
  on_controller();
  auto disks = registration(2000);
  disks.log_dirs.push_back(base::Uuid::random(random_));
  auto registered = ask<protocol::BrokerRegistrationResponse>(disks, 4);
  ask<protocol::BrokerHeartbeatResponse>(heartbeat(2000, registered.broker_epoch), 1);
  on_controller(false);
  protocol::CreateTopicsRequest create;
  create.topics.push_back({.name = "t", .num_partitions = -1, .replication_factor = -1});
  create.topics[0].assignments.push_back({.partition_index = 0, .broker_ids = {2000}});
  base::Uuid id = ask<protocol::CreateTopicsResponse>(create, 7).topics.at(0).topic_id;
  on_controller();
  protocol::AlterPartitionRequest request;
  request.broker_id = 2000;
  request.broker_epoch = -1;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = id;
  auto& wanted = topic.partitions.emplace_back();
  EXPECT_EQ(ask<protocol::AlterPartitionResponse>(request, 2).error_code,
            ErrorCode::kStaleBrokerEpoch);
  request.broker_epoch = registered.broker_epoch;
  for (int16_t version : {int16_t{2}, int16_t{3}}) {
    wanted.new_isr.clear();
    if (version == 2) wanted.new_isr = {2000};
    if (version == 3) wanted.new_isr_with_epochs = {{2000, registered.broker_epoch}};
    auto response = ask<protocol::AlterPartitionResponse>(request, version);
    const auto& answer = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.isr, (std::vector<int32_t>{2000}));
  }
  only_for_controllers(request);

  protocol::AssignReplicasToDirsRequest directories;
  directories.broker_id = 2000;
  directories.broker_epoch = registered.broker_epoch;
  directories.directories.push_back({disks.log_dirs.at(1), {{id, {{0}}}}});
  auto assigned = ask<protocol::AssignReplicasToDirsResponse>(directories, 0);
  EXPECT_EQ(assigned.directories.at(0).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
}

TEST_F(ControllerRequests, WhatBrokersAndControllersAskForThemselves) {
  start();
  on_controller();
  protocol::AssignReplicasToDirsRequest directories;
  directories.broker_id = 1000;
  directories.broker_epoch = -1;
  EXPECT_EQ(ask<protocol::AssignReplicasToDirsResponse>(directories, 0).error_code,
            ErrorCode::kStaleBrokerEpoch);
  only_for_controllers(directories);

  protocol::AllocateProducerIdsRequest ids;
  ids.broker_id = 1000;
  ids.broker_epoch = -1;
  EXPECT_EQ(ask<protocol::AllocateProducerIdsResponse>(ids, 0).error_code,
            ErrorCode::kStaleBrokerEpoch);
  only_for_controllers(ids);

  protocol::ControllerRegistrationRequest controller;
  controller.controller_id = 1001;
  controller.incarnation_id = base::Uuid::random(random_);
  EXPECT_EQ(ask<protocol::ControllerRegistrationResponse>(controller, 0).error_code,
            ErrorCode::kNone);
  only_for_controllers(controller);

  protocol::UpdateFeaturesRequest features;
  features.timeout_ms = 10'000;
  features.feature_updates.push_back({.feature = "no.such.feature", .max_version_level = 1});
  each_version<protocol::UpdateFeaturesResponse>(features, [](const auto& response, int16_t) {
    EXPECT_EQ(response.error_code, ErrorCode::kInvalidUpdateVersion);
  });
}

TEST_F(ControllerRequests, ANodeResignsBeforeItStops) {
  start();
  create_topic("t");
  EXPECT_EQ(partition("t").leader_id, 1000);
  bool resigned = false;
  node_->resign([&] { resigned = true; });
  run();
  EXPECT_FALSE(node_->is_ready());
  advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(resigned);
  auto after = partition("t");
  EXPECT_EQ(after.leader_id, -1);
  EXPECT_TRUE(after.isr_nodes.empty());
  on_controller(false);
  protocol::DescribeTopicPartitionsRequest describe;
  describe.topics.push_back({"t"});
  auto described = ask<protocol::DescribeTopicPartitionsResponse>(describe, 0);
  EXPECT_EQ(described.topics.at(0).partitions.at(0).eligible_leader_replicas,
            (std::vector<int32_t>{1000}))
      << "nobody else has its records";
}

TEST_F(ControllerRequests, WithoutControlledShutdownItJustStops) {
  start("controlled.shutdown.enable=false\n");
  create_topic("t");
  bool resigned = false;
  node_->resign([&] { resigned = true; });
  run();
  EXPECT_TRUE(resigned);
  EXPECT_EQ(partition("t").leader_id, 1000);
}

}  // namespace
}  // namespace longhaul::broker::handlers
