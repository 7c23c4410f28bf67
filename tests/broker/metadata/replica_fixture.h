// Six brokers, and topics with replicas where a test wants them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker/metadata/features.h"
#include "broker/metadata/heartbeat_tracker.h"
#include "broker/metadata/partition_updates.h"
#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {

class ReplicaFixture : public ControllerFixture {
 protected:
  using Ids = std::vector<int32_t>;

  void SetUp() override {
    ControllerFixture::SetUp();
    for (int32_t id = 1; id <= 6; ++id) add_broker(id);
  }

  void make_topic(const std::string& name, const std::vector<Ids>& assignment,
                  const std::vector<std::pair<std::string, std::string>>& configs = {}) {
    auto request = topic(name, -1, -1);
    for (const Ids& replicas : assignment) {
      auto& partition = request.topics[0].assignments.emplace_back();
      partition.partition_index = static_cast<int32_t>(request.topics[0].assignments.size()) - 1;
      partition.broker_ids = replicas;
    }
    for (const auto& [key, value] : configs) request.topics[0].configs.push_back({key, value});
    auto response = run(&create_topics, request);
    ASSERT_EQ(response.topics[0].error_code, protocol::ErrorCode::kNone)
        << response.topics[0].error_message.value_or("");
  }

  MetadataRecords fence_records(int32_t id) {
    return fence_broker(input(), id, image_->broker(id)->epoch);
  }
  void fence(int32_t id) { apply(records_ = fence_records(id)); }
  protocol::BrokerHeartbeatRequest heartbeat(int32_t id) {
    protocol::BrokerHeartbeatRequest request;
    request.broker_id = id;
    request.broker_epoch = image_->broker(id)->epoch;
    request.current_metadata_offset = offset_;
    return request;
  }
  void unfence(int32_t id) { EXPECT_FALSE(run(&broker_heartbeat, heartbeat(id)).is_fenced); }

  /// The broker says where its replicas lie; the codes, partition by partition.
  std::vector<protocol::ErrorCode> assign(int32_t broker, const base::Uuid& directory,
                                          const std::string& name, const Ids& partitions) {
    protocol::AssignReplicasToDirsRequest request;
    request.broker_id = broker;
    request.broker_epoch = image_->broker(broker)->epoch;
    auto& topics = request.directories.emplace_back();
    topics.id = directory;
    auto& chosen = topics.topics.emplace_back();
    chosen.topic_id = image_->topic(name)->id;
    for (int32_t index : partitions) chosen.partitions.push_back({index});
    auto response = run(&assign_replicas_to_dirs, request);
    std::vector<protocol::ErrorCode> codes;
    for (const auto& answer : response.directories.at(0).topics.at(0).partitions)
      codes.push_back(answer.error_code);
    return codes;
  }
  void enable_elr() {
    protocol::FeatureLevelRecord record;
    record.name = kElrFeature;
    record.feature_level = 1;
    apply({record});
    elr_ = true;
  }
  /// Brokers that know every feature in use.
  protocol::BrokerRegistrationRequest registration(int32_t id) {
    auto request = ControllerFixture::registration(id);
    if (elr_) request.features.push_back({kElrFeature, 0, 1});
    return request;
  }

  int32_t leader(const std::string& name, int32_t index) {
    return image_->partition(name, index)->leader;
  }
  const Ids& isr(const std::string& name, int32_t index) {
    return image_->partition(name, index)->isr;
  }
  const Ids& replicas(const std::string& name, int32_t index) {
    return image_->partition(name, index)->replicas;
  }
  size_t led_by(const std::string& name, int32_t broker) {
    size_t count = 0;
    for (const auto& partition : image_->topic(name)->partitions)
      count += partition->leader == broker ? 1 : 0;
    return count;
  }

  bool elr_ = false;
};

}  // namespace longhaul::broker::metadata
