// A few options, enough for the controller's tests.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "broker/metadata/config_rules.h"

namespace longhaul::broker::metadata {

/// Knows retention.ms (a number), cleanup.policy (a list) and segment.ms (no more than retention);
/// and for elections min.insync.replicas and unclean.leader.election.enable (if set at all).
class TestConfigRules final : public ConfigRules {
 public:
  protocol::KafkaResult<> alter(const ConfigResource&, ConfigMap& own,
                                const config::Alteration& change) const override {
    using protocol::ErrorCode;
    bool is_list = change.name == "cleanup.policy";
    bool is_number = change.name == "retention.ms" || change.name == "segment.ms" ||
                     change.name == "min.insync.replicas" ||
                     change.name == "unclean.leader.election.enable";
    if (change.operation == config::Operation::kDelete) {
      own.erase(change.name);
      return {};
    }
    if (!is_list && !is_number)
      return protocol::kafka_fail(ErrorCode::kInvalidConfig,
                                  "Unknown topic config name: " + change.name);
    if (change.operation == config::Operation::kSet) {
      if (is_number && change.value->find_first_not_of("-0123456789") != std::string::npos)
        return protocol::kafka_fail(ErrorCode::kInvalidConfig, "Not a number: " + *change.value);
      own[change.name] = *change.value;
      return {};
    }
    if (!is_list)
      return protocol::kafka_fail(ErrorCode::kInvalidConfig, "not a list: " + change.name);
    own[change.name] = change.operation == config::Operation::kAppend
                           ? own[change.name] + "+" + *change.value
                           : own[change.name] + "-" + *change.value;
    return {};
  }
  protocol::KafkaResult<> check(const ConfigResource&, const ConfigMap& own) const override {
    auto retention = own.find("retention.ms"), segment = own.find("segment.ms");
    if (retention != own.end() && segment != own.end() && retention->second < segment->second)
      return protocol::kafka_fail(protocol::ErrorCode::kInvalidConfig, "segment above retention");
    return {};
  }
  std::vector<EffectiveConfig> describe_topic(const ConfigMap& own, const ConfigMap&,
                                              const ConfigMap&) const override {
    std::vector<EffectiveConfig> all;
    for (const char* name : {"cleanup.policy", "retention.ms", "segment.ms"}) {
      auto set = own.find(name);
      EffectiveConfig config;
      config.name = name;
      config.value = set == own.end() ? "default" : set->second;
      config.source = set == own.end() ? 5 : 1;
      all.push_back(std::move(config));
    }
    return all;
  }
  ElectionRules election(const ConfigMap& own, const ConfigMap& cluster,
                         const ConfigMap& broker) const override {
    ElectionRules rules;
    for (const ConfigMap* layer : {&cluster, &broker, &own}) {
      if (auto set = layer->find("min.insync.replicas"); set != layer->end())
        rules.min_insync_replicas = std::stoi(set->second);
    }
    rules.unclean = own.contains("unclean.leader.election.enable");
    return rules;
  }
};

}  // namespace longhaul::broker::metadata
