#include <algorithm>

#include "broker/handlers/dispatcher.h"
#include "broker/metadata/features.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/metadata.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class Admin : public NodeFixture {
 protected:
  void on_controller() {
    connection_->listener = "CONTROLLER";
    connection_->controller_listener = true;
  }
};

TEST_F(Admin, BadTopicsAreRefusedEachForItself) {
  start();
  protocol::CreateTopicsRequest request;
  request.timeout_ms = 10'000;
  auto want = [&](std::string name, int32_t partitions, int16_t replicas) {
    auto& topic = request.topics.emplace_back();
    topic.name = std::move(name);
    topic.num_partitions = partitions;
    topic.replication_factor = replicas;
  };
  want("good", 1, 1);
  want("twice", 1, 1);
  want("twice", 2, 1);
  want(std::string(250, 'x'), 1, 1);
  want(std::string(249, 'x'), 1, 1);
  want("a/b", 1, 1);
  want("", 1, 1);
  want("..", 1, 1);
  want("none", 0, 1);
  want("negative", -7, 1);
  want("defaults", -1, -1);
  want("replicas", 1, 2);
  auto response = ask<protocol::CreateTopicsResponse>(request, 7);
  std::map<std::string, ErrorCode> errors;
  for (const auto& topic : response.topics) errors[topic.name] = topic.error_code;
  EXPECT_EQ(errors["good"], ErrorCode::kNone);
  EXPECT_EQ(errors["twice"], ErrorCode::kInvalidRequest);
  EXPECT_EQ(errors[std::string(250, 'x')], ErrorCode::kInvalidTopicException);
  EXPECT_EQ(errors[std::string(249, 'x')], ErrorCode::kNone);
  EXPECT_EQ(errors["a/b"], ErrorCode::kInvalidTopicException);
  EXPECT_EQ(errors[""], ErrorCode::kInvalidTopicException);
  EXPECT_EQ(errors[".."], ErrorCode::kInvalidTopicException);
  EXPECT_EQ(errors["none"], ErrorCode::kInvalidPartitions);
  EXPECT_EQ(errors["negative"], ErrorCode::kInvalidPartitions);
  EXPECT_EQ(errors["defaults"], ErrorCode::kNone);
  EXPECT_EQ(errors["replicas"], ErrorCode::kInvalidReplicationFactor);
  EXPECT_TRUE(node_->logs().get("good", 0));
  EXPECT_FALSE(node_->logs().get("twice", 0));
}

TEST_F(Admin, MorePartitionsThanARequestMayMakeAreRefusedTogether) {
  start();
  for (int32_t count : {10'001, INT32_MAX}) {
    protocol::CreateTopicsRequest request;
    request.timeout_ms = 10'000;
    for (int32_t partitions : {1, count}) {
      auto& topic = request.topics.emplace_back();
      topic.name = "t" + std::to_string(partitions);
      topic.num_partitions = partitions;
      topic.replication_factor = 1;
    }
    auto response = ask<protocol::CreateTopicsResponse>(request, 7);
    for (const auto& topic : response.topics) {
      EXPECT_EQ(topic.error_code, ErrorCode::kPolicyViolation) << topic.name;
    }
  }
}

TEST_F(Admin, DeletingByNameByIdTwiceAndInVain) {
  start();
  base::Uuid a = create_topic("a");
  create_topic("b");
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = 10'000;
  base::Uuid stranger = a;
  stranger.bytes[0] ^= 1;
  request.topics.push_back({.name = std::nullopt, .topic_id = a});
  request.topics.push_back({.name = "b"});
  request.topics.push_back({.name = "b"});
  request.topics.push_back({.name = "none"});
  request.topics.push_back({.name = std::nullopt, .topic_id = stranger});
  request.topics.push_back({.name = std::nullopt});
  auto response = ask<protocol::DeleteTopicsResponse>(request, 6);
  std::multiset<ErrorCode> errors;
  for (const auto& each : response.responses) errors.insert(each.error_code);
  EXPECT_EQ(errors.count(ErrorCode::kNone), 1u);
  EXPECT_EQ(errors.count(ErrorCode::kUnknownTopicId), 1u);
  EXPECT_EQ(errors.count(ErrorCode::kUnknownTopicOrPartition), 1u);
  EXPECT_GE(errors.count(ErrorCode::kInvalidRequest), 2u) << "b twice, and neither name nor ID";
  EXPECT_FALSE(node_->logs().get("a", 0));
  EXPECT_TRUE(node_->logs().get("b", 0));
}

TEST_F(Admin, PartitionsOnlyBecomeMore) {
  start();
  create_topic("t", 2);
  auto grow = [&](const std::string& name, int32_t count) {
    protocol::CreatePartitionsRequest request;
    request.timeout_ms = 10'000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    topic.assignments = std::nullopt;
    return ask<protocol::CreatePartitionsResponse>(request, 3).results.at(0).error_code;
  };
  for (int32_t bad : {1, 0, -1, INT32_MIN, 2}) {
    EXPECT_EQ(grow("t", bad), ErrorCode::kInvalidPartitions) << bad;
  }
  EXPECT_EQ(grow("none", 3), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(grow("t", 3), ErrorCode::kNone);
  EXPECT_TRUE(node_->logs().get("t", 2));
}

// ---- configs

TEST_F(Admin, AnOptionsValueComesWithWhereItCouldComeFrom) {
  start("log.retention.hours=5\n");
  create_topic("t", 1, {{"retention.ms", "1234"}});
  protocol::DescribeConfigsRequest request;
  request.include_synonyms = true;
  request.resources.push_back({.resource_type = 2,
                               .resource_name = "t",
                               .configuration_keys = std::vector<std::string>{"retention.ms"}});
  auto response = ask<protocol::DescribeConfigsResponse>(request, 4);
  ASSERT_EQ(response.results.at(0).configs.size(), 1u) << "only what was asked for";
  const auto& shown = response.results[0].configs[0];
  EXPECT_EQ(shown.value, "1234");
  EXPECT_EQ(shown.config_source, 1) << "DYNAMIC_TOPIC_CONFIG";
  std::vector<std::string> synonyms;
  for (const auto& each : shown.synonyms) {
    synonyms.push_back(each.name + "=" + each.value.value_or("null") + "@" +
                       std::to_string(each.source));
  }
  EXPECT_EQ(synonyms, (std::vector<std::string>{"retention.ms=1234@1", "log.retention.hours=5@4",
                                                "log.retention.hours=168@5"}));
  request.include_synonyms = false;
  auto bare = ask<protocol::DescribeConfigsResponse>(request, 4);
  EXPECT_TRUE(bare.results.at(0).configs.at(0).synonyms.empty());
}

TEST_F(Admin, ResourcesWithoutOptionsAreRefused) {
  start();
  protocol::DescribeConfigsRequest request;
  auto want = [&](int8_t type, const char* name) {
    request.resources.push_back(
        {.resource_type = type, .resource_name = name, .configuration_keys = std::nullopt});
  };
  want(2, "none");
  want(4, "1001");
  want(4, "x");
  want(99, "t");
  want(-1, "");
  want(4, "1000");
  want(4, "");
  auto response = ask<protocol::DescribeConfigsResponse>(request, 4);
  std::vector<ErrorCode> errors;
  for (const auto& each : response.results) errors.push_back(each.error_code);
  EXPECT_EQ(errors, (std::vector{ErrorCode::kUnknownTopicOrPartition, ErrorCode::kInvalidRequest,
                                 ErrorCode::kInvalidRequest, ErrorCode::kInvalidRequest,
                                 ErrorCode::kInvalidRequest, ErrorCode::kNone, ErrorCode::kNone}));
  EXPECT_GT(response.results[5].configs.size(), 100u);
  ASSERT_EQ(response.results[6].configs.size(), 1u) << "all that is set for all brokers";
  EXPECT_EQ(response.results[6].configs[0].name, "min.insync.replicas");
}

// ---- producer IDs

TEST_F(Admin, ProducerIdsAreNeverGivenTwice) {
  start();
  auto send_init = [&] {
    protocol::InitProducerIdRequest request;
    request.transactional_id = std::nullopt;
    return send(request, 4);
  };
  // All of these come before the first block is there.
  std::vector<uint64_t> early;
  for (int i = 0; i < 3; ++i) early.push_back(send_init());
  EXPECT_FALSE(answered(early[0]));
  run();
  std::set<int64_t> ids;
  auto take = [&](uint64_t sequence) {
    auto response = answer<protocol::InitProducerIdResponse>(sequence, 4);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_EQ(response.producer_epoch, 0);
    EXPECT_TRUE(ids.insert(response.producer_id).second) << response.producer_id;
  };
  for (uint64_t each : early) take(each);
  for (int i = 0; i < 1100; ++i) {  // into the second block
    uint64_t next = send_init();
    run();
    take(next);
  }
  EXPECT_EQ(*ids.rbegin() - *ids.begin(), 1102) << "blocks follow each other";
}

TEST_F(Admin, MoreWhoWaitThanABlockHolds) {
  start();
  std::vector<uint64_t> waiting;
  protocol::InitProducerIdRequest request;
  request.transactional_id = std::nullopt;
  for (int i = 0; i < 1500; ++i) waiting.push_back(send(request, 4));
  run();
  int given = 0;
  for (uint64_t each : waiting) {
    auto response = answer<protocol::InitProducerIdResponse>(each, 4);
    if (response.error_code == ErrorCode::kNone) {
      ++given;
    } else {
      EXPECT_TRUE(protocol::is_retriable(response.error_code));
    }
  }
  EXPECT_GE(given, 1000);
}

TEST_F(Admin, TransactionalIdsAreRefused) {
  start();
  protocol::InitProducerIdRequest request;
  request.transactional_id = "me";
  EXPECT_EQ(ask<protocol::InitProducerIdResponse>(request, 4).error_code,
            ErrorCode::kUnsupportedVersion);
  request.transactional_id = "";
  EXPECT_EQ(ask<protocol::InitProducerIdResponse>(request, 4).error_code,
            ErrorCode::kInvalidRequest);
}

// ---- what is served where

TEST_F(Admin, WhatIsNotAdvertisedClosesTheConnection) {
  start();
  auto frame = [](int16_t key, int16_t version) {
    base::Writer writer;
    writer.int16(key);
    writer.int16(version);
    writer.int32(kCorrelation);
    writer.int16(-1);
    writer.uint8(0);
    return writer.take();
  };
  for (auto [key, version] : {std::pair<int16_t, int16_t>{1, 3}, {1, 99}, {3, -1}, {52, 0}}) {
    EXPECT_NE(closed(send_frame(frame(key, version))), "") << key << " version " << version;
  }
  on_controller();
  EXPECT_NE(closed(send_frame(frame(0, 9))), "") << "no Produce on a controller's listener";
}

TEST_F(Admin, AnApiVersionsOfTheFutureIsToldWhichThereAre) {
  start();
  protocol::Encoder encoder;
  ASSERT_TRUE(
      protocol::encode_request(encoder, protocol::ApiVersionsRequest{}, 3, kCorrelation, "test"));
  base::Bytes frame = encoder.take();
  frame[7] = 120;  // the version, behind the length and the key
  uint64_t sequence = send_frame(base::ByteView(frame).subspan(4));
  auto response = answer<protocol::ApiVersionsResponse>(sequence, 0);
  EXPECT_EQ(response.error_code, ErrorCode::kUnsupportedVersion);
  auto served = std::ranges::count_if(api_handlers(), &ApiHandler::on_broker);
  EXPECT_EQ(response.api_keys.size(), static_cast<size_t>(served));
}

TEST_F(Admin, FinalizedFeaturesWithThatOfTheQuorum) {
  start();
  protocol::ApiVersionsRequest request;
  request.client_software_name = "test";
  request.client_software_version = "1.0";
  auto response = ask<protocol::ApiVersionsResponse>(request, 4);
  std::map<std::string, int16_t> finalized;
  for (const auto& each : response.finalized_features)
    finalized[each.name] = each.max_version_level;
  EXPECT_EQ(finalized, (std::map<std::string, int16_t>{
                           {metadata::kElrFeature, metadata::kElrLevel},
                           {metadata::kKraftVersion, 1},
                           {metadata::kMetadataVersion, metadata::kMetadataVersionLevel}}));
}

TEST_F(Admin, SoftwareNamesAreOfLettersAndDigits) {
  start();
  protocol::ApiVersionsRequest request;
  request.client_software_version = "1.0";
  for (const char* bad : {"", "-x", "x-", "a b", "a\nb", "a/b"}) {
    request.client_software_name = bad;
    EXPECT_EQ(ask<protocol::ApiVersionsResponse>(request, 3).error_code, ErrorCode::kInvalidRequest)
        << bad;
  }
  EXPECT_EQ(connection_->client_software_name, "unknown");
  request.client_software_name = "apache-kafka-java";
  EXPECT_EQ(ask<protocol::ApiVersionsResponse>(request, 3).error_code, ErrorCode::kNone);
  EXPECT_EQ(connection_->client_software_name, "apache-kafka-java");
}

// ---- metadata

TEST_F(Admin, MetadataByIdByNameAndInVain) {
  start("auto.create.topics.enable=false\n");
  base::Uuid id = create_topic("t");
  base::Uuid stranger = id;
  stranger.bytes[0] ^= 1;
  protocol::MetadataRequest request;
  auto& wanted = request.topics.emplace();
  wanted.push_back({.topic_id = id, .name = std::nullopt});
  wanted.push_back({.topic_id = stranger, .name = std::nullopt});
  wanted.push_back({.name = "t"});  // answered already
  wanted.push_back({.name = "none"});
  wanted.push_back({.name = std::string(300, 'x')});
  wanted.push_back({.name = std::nullopt});
  auto response = ask<protocol::MetadataResponse>(request, 12);
  std::vector<ErrorCode> errors;
  for (const auto& topic : response.topics) errors.push_back(topic.error_code);
  EXPECT_EQ(errors,
            (std::vector{ErrorCode::kNone, ErrorCode::kUnknownTopicId,
                         ErrorCode::kUnknownTopicOrPartition, ErrorCode::kInvalidTopicException,
                         ErrorCode::kInvalidTopicException}));
  EXPECT_EQ(response.topics[0].name, "t");
  EXPECT_EQ(response.topics[0].partitions.at(0).leader_id, 1000);
  request.topics = std::nullopt;
  EXPECT_EQ(ask<protocol::MetadataResponse>(request, 12).topics.size(), 1u) << "null: all";
  request.topics.emplace();
  EXPECT_TRUE(ask<protocol::MetadataResponse>(request, 12).topics.empty()) << "empty: none";
}

TEST_F(Admin, AClusterIsDescribedToEachListenerWithItsOwnEndpoints) {
  start();
  protocol::DescribeClusterRequest request;
  request.endpoint_type = 1;
  auto brokers = ask<protocol::DescribeClusterResponse>(request, 1);
  EXPECT_EQ(brokers.error_code, ErrorCode::kNone);
  ASSERT_EQ(brokers.brokers.size(), 1u);
  EXPECT_EQ(brokers.brokers[0].port, 9092);
  request.endpoint_type = 2;
  EXPECT_EQ(ask<protocol::DescribeClusterResponse>(request, 1).error_code,
            ErrorCode::kMismatchedEndpointType);
  request.endpoint_type = 7;
  EXPECT_EQ(ask<protocol::DescribeClusterResponse>(request, 1).error_code,
            ErrorCode::kUnsupportedEndpointType);
  on_controller();
  request.endpoint_type = 2;
  auto controllers = ask<protocol::DescribeClusterResponse>(request, 1);
  EXPECT_EQ(controllers.error_code, ErrorCode::kNone);
  ASSERT_EQ(controllers.brokers.size(), 1u);
  EXPECT_EQ(controllers.brokers[0].broker_id, 1000);
  EXPECT_EQ(controllers.brokers[0].port, 9093);
  EXPECT_EQ(controllers.controller_id, 1000);
}

}  // namespace
}  // namespace longhaul::broker::handlers
