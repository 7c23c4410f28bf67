#include "broker/config/cross_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/config/alterations.h"
#include "broker/config/options.h"
#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

/// One pass over the options; each part reads what the parts before it have derived.
class Deriver {
 public:
  Deriver(BrokerConfig& config, std::vector<std::string>& errors,
          std::vector<std::string>& warnings)
      : config_(config), errors_(errors), warnings_(warnings) {}

  void run() {
    derive_roles();
    derive_node_id();
    derive_listeners();
    derive_quorum();
    check_heartbeats();
    derive_directories();
    derive_birth();
    check_key_stores();
    check_offsets_topic();
    derive_replica_selector();
    check_replication();
    check_sizes();
    check_cleaner();
    if (auto good = check_broker({.file = &config_.file}); !good) {
      errors_.push_back(good.error().message);
    }
  }

 private:
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    errors_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    warnings_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// The value, or the default-made one after noting the error.
  template <class T>
  T checked(std::string_view option, base::Result<T> result) {
    if (result) return *std::move(result);
    error("{}: {}", option, result.error().message);
    return {};
  }
  bool is_set(std::string_view option) const { return config_.file.contains(option); }

  void derive_roles() {
    if (!is_set("process.roles")) {
      return error("process.roles is missing: broker, controller, or broker,controller");
    }
    for (const std::string& role : config_.list("process.roles")) {
      (role == "broker" ? config_.is_broker : config_.is_controller) = true;
    }
    if (!config_.is_broker && !config_.is_controller) {
      error("process.roles is empty: broker, controller, or broker,controller");
    }
  }

  void derive_replica_selector() {
    constexpr std::string_view kLeader = "org.apache.kafka.common.replica.LeaderSelector";
    constexpr std::string_view kRackAware =
        "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    auto name = config_.maybe_string("replica.selector.class");
    config_.reads_by_rack = name == kRackAware;
    if (!name || *name == kLeader || *name == kRackAware) return;
    error("replica.selector.class: {}, but for {} and {}", kNoPlugins, kLeader, kRackAware);
  }

  /// Kafka takes it, and then never manages to create the topic.
  void check_offsets_topic() {
    constexpr int32_t kLeast = 1 << 20;  // as segment.bytes of any topic (KIP-1030)
    if (config_.integer("offsets.topic.segment.bytes") < kLeast)
      error("offsets.topic.segment.bytes: a topic's segments are of {} bytes at least", kLeast);
  }

  void derive_node_id() {
    std::string_view name = is_set("node.id") ? "node.id" : "broker.id";
    if (!is_set(name)) return error("node.id is missing: a number of this node's own, from 0");
    config_.node_id = config_.integer(name);
    if (config_.node_id < 0) error("{} must not be negative", name);
    if (is_set("broker.id") && config_.integer("broker.id") != config_.node_id) {
      error("broker.id and node.id differ; node.id suffices");
    }
  }

  ProtocolMap protocols() {
    ProtocolMap map = checked("listener.security.protocol.map",
                              parse_protocol_map(config_.string("listener.security.protocol.map")));
    if (is_set("listener.security.protocol.map")) return map;
    // A map that nobody wrote lets controllers' listeners speak plain text (KIP-631).
    for (const std::string& name : config_.controller_listeners) {
      map.emplace(name, SecurityProtocol::kPlaintext);
    }
    return map;
  }

  void derive_listeners() {
    if (!is_set("controller.listener.names")) {
      return error(
          "controller.listener.names is missing: the name of the controllers' listener, "
          "for example CONTROLLER");
    }
    config_.controller_listeners = config_.list("controller.listener.names");
    if (config_.controller_listeners.empty()) error("controller.listener.names is empty");
    ProtocolMap map = protocols();
    config_.listeners =
        checked("listeners", parse_listeners(config_.list("listeners"), map, false));
    if (is_set("advertised.listeners")) {
      config_.advertised = checked(
          "advertised.listeners", parse_listeners(config_.list("advertised.listeners"), map, true));
    } else {
      config_.advertised = config_.listeners;
    }
    if (!errors_.empty()) return;
    check_controller_listeners();
    check_advertised();
    derive_inter_broker_listener();
  }

  void check_controller_listeners() {
    size_t ours = 0;
    for (const Listener& listener : config_.listeners) {
      if (config_.is_controller_listener(listener.name)) ++ours;
    }
    if (config_.is_controller && ours == 0) {
      error("listeners has none of controller.listener.names, but this node is a controller");
    }
    if (!config_.is_controller && ours > 0) {
      error("listeners has one of controller.listener.names, but this node is no controller");
    }
    if (config_.is_broker && ours == config_.listeners.size()) {
      error("listeners has only controllers' listeners, but this node is a broker");
    }
    if (!config_.is_broker && ours < config_.listeners.size()) {
      error("listeners has others than controller.listener.names, but this node is no broker");
    }
  }

  void check_advertised() {
    bool configured = is_set("advertised.listeners");
    for (const Listener& listener : config_.advertised) {
      if (config_.is_controller_listener(listener.name) && !configured) continue;
      if (listener.host == "0.0.0.0" || listener.host == "::") {
        error(
            "{} cannot be advertised, no client can connect to it; give advertised.listeners "
            "with an address that clients reach",
            to_string(listener));
      }
      bool bound = std::any_of(config_.listeners.begin(), config_.listeners.end(),
                               [&](const Listener& at) { return at.name == listener.name; });
      if (!bound && config_.is_broker)
        error("advertised.listeners has {}, listeners has not", listener.name);
    }
  }

  void derive_inter_broker_listener() {
    if (!config_.is_broker) return;
    bool by_name = is_set("inter.broker.listener.name");
    if (by_name && is_set("security.inter.broker.protocol")) {
      return error(
          "inter.broker.listener.name and security.inter.broker.protocol exclude each "
          "other");
    }
    config_.inter_broker_listener =
        config_.string(by_name ? "inter.broker.listener.name" : "security.inter.broker.protocol");
    for (char& c : config_.inter_broker_listener) {
      c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
    }
    for (const Listener& listener : config_.advertised) {
      if (config_.is_controller_listener(listener.name)) continue;
      if (listener.name == config_.inter_broker_listener) return;
    }
    error(
        "brokers reach each other at listener {} (inter.broker.listener.name), which is not "
        "advertised",
        config_.inter_broker_listener);
  }

  void derive_quorum() {
    for (const std::string& item : config_.list("controller.quorum.voters")) {
      config_.voters.push_back(checked("controller.quorum.voters", parse_quorum_voter(item)));
    }
    for (const std::string& item : config_.list("controller.quorum.bootstrap.servers")) {
      config_.controller_bootstrap.push_back(
          checked("controller.quorum.bootstrap.servers", parse_host_port(item)));
    }
    if (config_.voters.empty() && config_.controller_bootstrap.empty()) {
      return error("controller.quorum.bootstrap.servers is missing: HOST:PORT of the controllers");
    }
    if (config_.voters.empty() || !errors_.empty()) return;
    bool votes = std::any_of(config_.voters.begin(), config_.voters.end(),
                             [&](const QuorumVoter& v) { return v.id == config_.node_id; });
    if (votes != config_.is_controller) {
      error("controller.quorum.voters {} node {}, which {} a controller",
            votes ? "holds" : "does not hold", config_.node_id, votes ? "is not" : "is");
    }
  }

  void derive_directories() {
    config_.log_dirs = config_.list(is_set("log.dirs") ? "log.dirs" : "log.dir");
    if (config_.log_dirs.empty()) return error("log.dirs is empty");
    config_.metadata_log_dir =
        config_.maybe_string("metadata.log.dir").value_or(config_.log_dirs.front());
  }

  std::optional<base::Uuid> uuid(std::string_view option) {
    std::optional<std::string> text = config_.maybe_string(option);
    if (!text) return std::nullopt;
    base::Result<base::Uuid> id = base::Uuid::parse(*text);
    if (id && !id->is_zero()) return *id;
    error("{}: '{}' is no identifier; longhaul-broker random-uuid makes one", option, *text);
    return std::nullopt;
  }

  void derive_birth() {
    std::string format = config_.string("longhaul.format");
    if (format == "join") config_.format = FormatPolicy::kJoin;
    if (format == "found") config_.format = FormatPolicy::kFound;
    config_.cluster_id = uuid("longhaul.cluster.id");
    config_.directory_id = uuid("longhaul.directory.id");
    if (config_.format != FormatPolicy::kRefuse && !is_set("longhaul.cluster.id")) {
      error("longhaul.format={} needs longhaul.cluster.id", format);
    }
    if (config_.format == FormatPolicy::kFound && !config_.is_controller) {
      error("longhaul.format=found is for a node with the role controller");
    }
  }

  /// A follower that has all there is must come back before it counts as lagging.
  void check_replication() {
    int64_t wait = config_.integer("replica.fetch.wait.max.ms");
    for (std::string_view limit : {"replica.lag.time.max.ms", "replica.socket.timeout.ms"}) {
      int64_t most = config_.long_integer(limit);
      if (wait > most) {
        error("replica.fetch.wait.max.ms={} must not be above {}={}", wait, limit, most);
      }
    }
    int32_t least = config_.integer("min.insync.replicas");
    int32_t replicas = config_.integer("default.replication.factor");
    if (replicas > 0 && least > replicas) {
      warn(
          "min.insync.replicas={} is above default.replication.factor={}: topics of that many "
          "replicas need all of them to be written",
          least, replicas);
    }
  }

  void check_sizes() {
    int64_t request = config_.integer("socket.request.max.bytes");
    int64_t message = config_.integer("message.max.bytes");
    if (message > request) {
      warn(
          "message.max.bytes={} is above socket.request.max.bytes={}: no request can hold such a "
          "message",
          message, request);
    }
    int64_t segment = config_.integer("log.segment.bytes");
    if (message > segment) {
      warn("message.max.bytes={} is above log.segment.bytes={}, which no message exceeds", message,
           segment);
    }
  }

  void check_cleaner() {
    constexpr int64_t kLeast = 1 << 20;
    int64_t threads = config_.integer("log.cleaner.threads");
    int64_t memory = config_.long_integer("log.cleaner.dedupe.buffer.size");
    if (threads > 0 && memory / threads <= kLeast) {
      error("log.cleaner.dedupe.buffer.size={} must be above {} for each of {} threads", memory,
            kLeast, threads);
    }
  }

  /// One lost heartbeat must not end a session.
  void check_heartbeats() {
    int64_t interval = config_.integer("broker.heartbeat.interval.ms");
    int64_t session = config_.integer("broker.session.timeout.ms");
    if (interval < 1 || 2 * interval > session) {
      error(
          "broker.heartbeat.interval.ms={} must be positive and at most half of "
          "broker.session.timeout.ms={}",
          interval, session);
    }
  }

  void check_key_store(std::string_view which, std::string_view convert) {
    std::string location = fmt::format("ssl.{}.location", which);
    std::string type = fmt::format("ssl.{}.type", which);
    if (!is_set(location)) return;
    if (is_set(type) && config_.string(type) == "PEM") return;
    std::string path = config_.string(location);
    error("{}: key stores are PEM files here. Convert it with\n  {}\nand set {}=PEM and {}={}.pem",
          location, fmt::format(fmt::runtime(convert), path), type, location, path);
  }

  void check_key_stores() {
    check_key_store("keystore",
                    "keytool -importkeystore -srckeystore {0} -destkeystore {0}.p12 -deststoretype "
                    "PKCS12 && openssl pkcs12 -in {0}.p12 -nodes -out {0}.pem");
    check_key_store("truststore", "keytool -list -rfc -keystore {0} > {0}.pem");
  }

  BrokerConfig& config_;
  std::vector<std::string>& errors_;
  std::vector<std::string>& warnings_;
};

}  // namespace

void derive(BrokerConfig& config, std::vector<std::string>& errors,
            std::vector<std::string>& warnings) {
  Deriver(config, errors, warnings).run();
}

}  // namespace longhaul::broker::config
