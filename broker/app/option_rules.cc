#include "broker/app/option_rules.h"

#include "broker/config/alterations.h"
#include "broker/config/option_table.h"
#include "broker/config/topic_config.h"

namespace longhaul::broker::app {
namespace {

using metadata::ResourceType;
using protocol::ErrorCode;

protocol::KafkaResult<> as_kafka(base::Result<void> result) {
  if (result) return {};
  return protocol::kafka_fail(ErrorCode::kInvalidConfig, std::move(result.error().message));
}

}  // namespace

protocol::KafkaResult<> OptionRules::alter(const metadata::ConfigResource& resource,
                                           metadata::ConfigMap& own,
                                           const config::Alteration& change) const {
  switch (resource.type) {
    case ResourceType::kTopic:
      return as_kafka(config::alter_topic(own, change));
    case ResourceType::kBroker:
      return as_kafka(config::alter_broker(own, change, resource.name.empty()));
    default:
      return protocol::kafka_fail(ErrorCode::kInvalidRequest,
                                  "resources of this type have no options here");
  }
}

protocol::KafkaResult<> OptionRules::check(const metadata::ConfigResource& resource,
                                           const metadata::ConfigMap& own) const {
  if (resource.type == ResourceType::kBroker) {
    return as_kafka(config::check_broker({.broker = &own, .file = &config_.file}));
  }
  if (resource.type != ResourceType::kTopic) return {};
  return as_kafka(config::check_topic(own, {.file = &config_.file}));
}

std::vector<metadata::EffectiveConfig> OptionRules::describe_topic(
    const metadata::ConfigMap& own, const metadata::ConfigMap& cluster,
    const metadata::ConfigMap& broker) const {
  config::BrokerLayers layers{
      .broker = &broker, .cluster_default = &cluster, .file = &config_.file};
  std::vector<metadata::EffectiveConfig> described;
  for (const config::Option* option : config::topic_option_table().all()) {
    config::Setting setting = config::resolve_topic_option(*option, own, layers);
    auto& shown = described.emplace_back();
    shown.name = option->name;
    shown.is_sensitive = option->sensitive();
    if (!shown.is_sensitive) shown.value = setting.value;
    shown.source = static_cast<int8_t>(setting.source);
  }
  return described;
}

metadata::ElectionRules OptionRules::election(const metadata::ConfigMap& own,
                                              const metadata::ConfigMap& cluster,
                                              const metadata::ConfigMap& broker) const {
  config::BrokerLayers layers{
      .broker = &broker, .cluster_default = &cluster, .file = &config_.file};
  config::TopicConfig resolved = config::resolve_topic_config(own, layers);
  return {resolved.min_insync_replicas, resolved.unclean_leader_election};
}

}  // namespace longhaul::broker::app
