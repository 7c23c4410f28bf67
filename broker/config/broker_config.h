// A broker's configuration: server.properties read, checked and given types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "broker/config/listeners.h"
#include "broker/config/properties.h"
#include "broker/config/settings.h"

namespace longhaul::broker::config {

/// longhaul.format: what a broker may do with an empty log directory.
enum class FormatPolicy {
  kRefuse,  ///< do not start
  kJoin,    ///< join the cluster `cluster_id` as an observer
  kFound,   ///< be the first voter of the new cluster `cluster_id`
};

/// What is fixed for the life of the process. Options that are one plain value are read by name;
/// the fields hold what is made of several.
class BrokerConfig {
 public:
  int32_t node_id = 0;
  bool is_broker = false;
  bool is_controller = false;

  std::vector<Listener> listeners;                // to bind, controllers' included
  std::vector<Listener> advertised;               // as configured; see `advertised_at`
  std::vector<std::string> controller_listeners;  // names; the first is what we connect to
  std::string inter_broker_listener;
  bool reads_by_rack = false;  // consumers read from a replica on their own rack (KIP-392)

  std::vector<std::string> log_dirs;
  std::string metadata_log_dir;

  std::vector<QuorumVoter> voters;             // controller.quorum.voters: a static quorum
  std::vector<HostPort> controller_bootstrap;  // controller.quorum.bootstrap.servers

  FormatPolicy format = FormatPolicy::kRefuse;
  std::optional<base::Uuid> cluster_id;    // longhaul.cluster.id
  std::optional<base::Uuid> directory_id;  // longhaul.directory.id

  /// What the file sets, in normal form.
  Overrides file;

  // The value of an option by name: the file's (or a synonym's there), else the default. Asserts
  // that the option exists, has this type and is not null.
  bool boolean(std::string_view name) const;
  int32_t integer(std::string_view name) const;       // int and short
  int64_t long_integer(std::string_view name) const;  // int, short and long
  double number(std::string_view name) const;
  std::string string(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  /// The same for options that may be null.
  std::optional<std::string> maybe_string(std::string_view name) const;

  bool is_controller_listener(std::string_view listener) const;
};

struct LoadedConfig {
  BrokerConfig config;
  /// One line for each option that does not do what its setter may hope, for the log.
  std::vector<std::string> warnings;
};

/// Reads and checks a whole file. kInvalidArgument lists everything that is wrong with it, a line
/// each: malformed text, values out of range, unknown names that begin with "longhaul.", options
/// that contradict each other, key stores that are not PEM.
base::Result<LoadedConfig> load_broker_config(std::string_view text);

/// The addresses to register: `advertised` with empty hosts replaced by `host_name` and ports 0 by
/// the port that the listener of that name is bound to (`bound`); controllers' listeners that it
/// does not name as they are bound.
std::vector<Listener> advertised_at(const BrokerConfig& config, const std::string& host_name,
                                    const std::vector<Listener>& bound);

}  // namespace longhaul::broker::config
