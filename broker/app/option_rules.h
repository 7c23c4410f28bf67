// The controller's questions about options, answered by the option table.
#pragma once

#include "broker/config/broker_config.h"
#include "broker/metadata/config_rules.h"

namespace longhaul::broker::app {

class OptionRules final : public metadata::ConfigRules {
 public:
  /// `config` outlives it.
  explicit OptionRules(const config::BrokerConfig& config) : config_(config) {}

  protocol::KafkaResult<> alter(const metadata::ConfigResource& resource, metadata::ConfigMap& own,
                                const config::Alteration& change) const override;
  protocol::KafkaResult<> check(const metadata::ConfigResource& resource,
                                const metadata::ConfigMap& own) const override;
  std::vector<metadata::EffectiveConfig> describe_topic(
      const metadata::ConfigMap& own, const metadata::ConfigMap& cluster,
      const metadata::ConfigMap& broker) const override;
  metadata::ElectionRules election(const metadata::ConfigMap& own,
                                   const metadata::ConfigMap& cluster,
                                   const metadata::ConfigMap& broker) const override;

 private:
  const config::BrokerConfig& config_;
};

}  // namespace longhaul::broker::app
