// What the controller asks about options; the option table stands behind it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/config/alterations.h"
#include "broker/metadata/image.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::metadata {

/// An option of a topic as it counts, for the answer to CreateTopics.
struct EffectiveConfig {
  std::string name;
  std::optional<std::string> value;  ///< absent where it is sensitive or null
  bool read_only = false;
  int8_t source = 5;  ///< DescribeConfigs' ConfigSource; 5: the default
  bool is_sensitive = false;
};

/// The options of a topic by which its leaders are elected.
struct ElectionRules {
  int32_t min_insync_replicas = 1;
  bool unclean = false;  ///< unclean.leader.election.enable
};

/// Safe from the controller's thread. Decides by its arguments alone.
class ConfigRules {
 public:
  virtual ~ConfigRules() = default;

  /// Applies one change to the options set for `resource`. Errors as the client gets them:
  /// INVALID_CONFIG for an unknown name or a bad value, INVALID_REQUEST for one that may not be
  /// changed there.
  virtual protocol::KafkaResult<> alter(const ConfigResource& resource, ConfigMap& own,
                                        const config::Alteration& change) const = 0;
  /// What only several options together can get wrong, after all changes.
  virtual protocol::KafkaResult<> check(const ConfigResource& resource,
                                        const ConfigMap& own) const = 0;
  /// All options of a topic with `own` ones; `cluster` and `broker` are those set for all brokers
  /// and for this one.
  virtual std::vector<EffectiveConfig> describe_topic(const ConfigMap& own,
                                                      const ConfigMap& cluster,
                                                      const ConfigMap& broker) const = 0;
  /// Of the same three.
  virtual ElectionRules election(const ConfigMap& own, const ConfigMap& cluster,
                                 const ConfigMap& broker) const = 0;
};

}  // namespace longhaul::broker::metadata
