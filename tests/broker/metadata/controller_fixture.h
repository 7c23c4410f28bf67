// An image and a controller over it, without log or loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "broker/metadata/controller.h"
#include "broker/metadata/delta.h"
#include "tests/broker/metadata/test_config_rules.h"

namespace longhaul::broker::metadata {

inline base::Uuid disk(int32_t broker) {
  base::Uuid id;
  id.bytes[0] = 0xd1;
  id.bytes[15] = static_cast<uint8_t>(broker);
  return id;
}

class ControllerFixture : public ::testing::Test {
 protected:
  /// The image after these records, as if they had been committed.
  void apply(const MetadataRecords& records) {
    MetadataDelta delta(image_);
    for (const MetadataRecord& record : records) {
      auto applied = delta.apply(record, offset_++);
      ASSERT_TRUE(applied) << applied.error().message;
    }
    auto next = delta.finish({offset_, 1}, 0);
    ASSERT_TRUE(next) << next.error().message;
    image_ = *next;
  }

  ControllerInput input() {
    return {*image_, offset_, settings_, rules_, random_, heartbeats_, now_};
  }
  /// Decides, and applies what was decided.
  template <class Request, class Response>
  Response run(Decision<Response> (*decide)(const ControllerInput&, const Request&),
               const Request& request) {
    Decision<Response> decision = decide(input(), request);
    records_ = decision.records;
    apply(decision.records);
    return decision.response;
  }

  protocol::BrokerRegistrationRequest registration(int32_t id) {
    protocol::BrokerRegistrationRequest request;
    request.broker_id = id;
    request.cluster_id = "C";
    request.incarnation_id = base::Uuid::random(random_);
    request.listeners.push_back({"PLAINTEXT", "localhost", 9092, 0});
    request.features.push_back({"metadata.version", 30, 30});
    request.rack = std::nullopt;
    request.log_dirs = {disk(id)};
    return request;
  }
  /// Registers a broker and, unless it shall stay fenced, unfences it.
  void add_broker(int32_t id, bool unfence = true) {
    auto registered = run(&register_broker, registration(id));
    ASSERT_EQ(registered.error_code, protocol::ErrorCode::kNone);
    if (!unfence) return;
    protocol::BrokerHeartbeatRequest heartbeat;
    heartbeat.broker_id = id;
    heartbeat.broker_epoch = registered.broker_epoch;
    heartbeat.current_metadata_offset = offset_;
    ASSERT_FALSE(run(&broker_heartbeat, heartbeat).is_fenced);
  }

  protocol::CreateTopicsRequest topic(const std::string& name, int32_t partitions = 1,
                                      int16_t replication_factor = 1) {
    protocol::CreateTopicsRequest request;
    auto& wanted = request.topics.emplace_back();
    wanted.name = name;
    wanted.num_partitions = partitions;
    wanted.replication_factor = replication_factor;
    return request;
  }

  void SetUp() override {
    settings_.node_id = 1;
    settings_.cluster_id = "C";
    protocol::FeatureLevelRecord feature;
    feature.name = "metadata.version";
    feature.feature_level = 30;
    apply({feature});
  }

  Shared<MetadataImage> image_ = std::make_shared<const MetadataImage>();
  int64_t offset_ = 0;
  MetadataRecords records_;  // of the last decision
  ControllerSettings settings_;
  TestConfigRules rules_;
  base::SeededRandom random_{7};
  const BrokerHeartbeatTracker* heartbeats_ = nullptr;
  base::Clock::Monotonic now_{};
};

}  // namespace longhaul::broker::metadata
