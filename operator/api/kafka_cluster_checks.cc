// What a KafkaCluster must satisfy, and what of it this version can carry out.
#include <optional>
#include <set>

#include "operator/api/config_check.h"
#include "operator/api/kafka_cluster.h"
#include "operator/api/names.h"

namespace longhaul::op::api {
namespace {

/// A StatefulSet's name plus the hash of its revision must fit into a label of 63 characters;
/// CLUSTER-REGION-NODEID takes two dashes and up to six digits.
constexpr size_t kLongestPair = 44;
constexpr size_t kMostRegions = 16;
constexpr int64_t kMostBrokers = 900;

std::string at(const std::string& list, size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

class Checker {
 public:
  explicit Checker(const KafkaCluster& cluster) : cluster_(cluster) {}

  FieldErrors run() {
    check("metadata.name", check_dns_label(cluster_.name, 40));
    if (cluster_.version.empty())
      fail("spec.version", "must be given: the version of the broker, such as 0.1.0");
    for (FieldError& error : check_broker_config(cluster_.config, "spec.config"))
      errors_.push_back(std::move(error));
    replica_counts();
    listeners();
    regions();
    links();
    return std::move(errors_);
  }

 private:
  void fail(const std::string& path, std::string message) {
    errors_.push_back({path, std::move(message)});
  }
  void check(const std::string& path, std::string wrong) {
    if (!wrong.empty()) fail(path, std::move(wrong));
  }
  void unique(std::set<std::string>& seen, const std::string& name, const std::string& path) {
    if (!seen.insert(name).second) fail(path, "\"" + name + "\" is there twice");
  }

  /// Replicas that nobody could ever have: what would be created with them never takes a record.
  void replica_counts() {
    constexpr const char* kNames[] = {"default.replication.factor", "min.insync.replicas"};
    bool fits = true;
    for (size_t i = 0; i < cluster_.regions.size(); ++i) {
      int64_t brokers = 0;
      for (const Zone& zone : cluster_.regions[i].zones) brokers += zone.brokers;
      for (const char* name : kNames) {
        std::optional<int64_t> value = number_option(cluster_.config, name);
        if (!value || *value <= brokers) continue;
        fits = false;
        fail("spec.config[" + std::string(name) + "]",
             "is " + std::to_string(*value) + ", and region " + cluster_.regions[i].name + " has " +
                 std::to_string(brokers) + " brokers");
      }
    }
    std::optional<int64_t> replicas = number_option(cluster_.config, kNames[0]);
    std::optional<int64_t> minimum = number_option(cluster_.config, kNames[1]);
    if (fits && replicas && minimum && *minimum > *replicas)
      fail("spec.config[min.insync.replicas]", "is " + std::to_string(*minimum) +
                                                   ", and topics get " + std::to_string(*replicas) +
                                                   " replicas (default.replication.factor)");
  }

  void listeners() {
    std::set<std::string> names;
    std::set<std::string> ports{"9093", "9404"};
    if (cluster_.listeners.empty()) fail("spec.listeners", "must hold a listener");
    for (size_t i = 0; i < cluster_.listeners.size(); ++i) {
      const Listener& listener = cluster_.listeners[i];
      std::string path = at("spec.listeners", i);
      check(path + ".name", check_dns_label(listener.name, 15));
      if (listener.name == "controller" || listener.name == "health")
        fail(path + ".name", "\"" + listener.name + "\" is taken by the operator");
      unique(names, listener.name, path + ".name");
      if (listener.port < 1 || listener.port > 65535)
        fail(path + ".port", "must be 1 to 65535");
      else if (!ports.insert(std::to_string(listener.port)).second)
        fail(path + ".port", "port " + std::to_string(listener.port) +
                                 " is taken (9093: controllers, 9404: health and metrics)");
      if (!listener.authentication.empty() && listener.authentication != "scram-sha-256" &&
          listener.authentication != "scram-sha-512" && listener.authentication != "tls")
        fail(path + ".authentication", "must be scram-sha-256, scram-sha-512 or tls");
    }
  }

  void regions() {
    std::set<std::string> names;
    if (cluster_.regions.empty()) fail("spec.regions", "must hold a region");
    if (cluster_.regions.size() > kMostRegions) fail("spec.regions", "at most 16 regions");
    for (size_t i = 0; i < cluster_.regions.size(); ++i) {
      const Region& region = cluster_.regions[i];
      std::string path = at("spec.regions", i);
      check(path + ".name", check_dns_label(region.name, 30));
      unique(names, region.name, path + ".name");
      if (cluster_.name.size() + region.name.size() > kLongestPair)
        fail(path + ".name", "this name and the cluster's must not be longer than 44 together");
      zones(region, path + ".zones");
      storage(region.storage, path + ".storage");
      quantities(region.resources.requests, path + ".resources.requests");
      quantities(region.resources.limits, path + ".resources.limits");
    }
  }

  void zones(const Region& region, const std::string& list) {
    std::set<std::string> names;
    int64_t brokers = 0;
    if (region.zones.empty()) fail(list, "must hold a zone");
    for (size_t i = 0; i < region.zones.size(); ++i) {
      const Zone& zone = region.zones[i];
      check(at(list, i) + ".name", check_dns_label(zone.name, 63));
      unique(names, zone.name, at(list, i) + ".name");
      if (zone.witness && zone.brokers != 0)
        fail(at(list, i) + ".brokers", "a witness zone only votes and has no brokers");
      if (!zone.witness && zone.brokers < 1) fail(at(list, i) + ".brokers", "must be at least 1");
      brokers += zone.brokers;
    }
    if (!region.zones.empty() && brokers < 1) fail(list, "a region needs a broker");
    if (brokers > kMostBrokers) fail(list, "a region has at most 900 brokers");
  }

  void storage(const Storage& storage, const std::string& path) {
    if (storage.volumes.empty()) fail(path + ".volumes", "must hold a volume, such as size: 100Gi");
    for (size_t i = 0; i < storage.volumes.size(); ++i)
      check(at(path + ".volumes", i) + ".size", check_quantity(storage.volumes[i].size));
  }

  void quantities(const std::map<std::string, std::string>& map, const std::string& path) {
    for (const auto& [name, value] : map) check(path + "[" + name + "]", check_quantity(value));
  }

  void links() {
    std::set<std::string> names, regions;
    for (const Region& region : cluster_.regions) regions.insert(region.name);
    for (size_t i = 0; i < cluster_.links.size(); ++i) {
      const Link& link = cluster_.links[i];
      std::string path = at("spec.links", i);
      check(path + ".name", check_dns_label(link.name, 63));
      unique(names, link.name, path + ".name");
      if (!regions.contains(link.from)) fail(path + ".from", "no region \"" + link.from + "\"");
      if (!regions.contains(link.to)) fail(path + ".to", "no region \"" + link.to + "\"");
      if (link.from == link.to) fail(path + ".to", "must be another region than from");
      if (link.topics.empty()) fail(path + ".topics", "must hold a pattern, such as \".*\"");
      if (!link.bandwidth.empty()) check(path + ".bandwidth", check_quantity(link.bandwidth));
    }
  }

  const KafkaCluster& cluster_;
  FieldErrors errors_;
};

void zones_not_implemented(const Region& region, const std::string& path,
                           std::vector<std::string>& out) {
  for (size_t i = 0; i < region.zones.size(); ++i) {
    const Zone& zone = region.zones[i];
    std::string here = at(path + ".zones", i);
    if (!zone.kubeconfig_secret.empty()) out.push_back(here + ".kubeconfigSecret");
  }
  for (size_t i = 1; i < region.storage.volumes.size(); ++i)
    out.push_back(at(path + ".storage.volumes", i));
}

}  // namespace

FieldErrors validate(const KafkaCluster& cluster) { return Checker(cluster).run(); }

std::vector<std::string> not_implemented(const KafkaCluster& cluster) {
  std::vector<std::string> out;
  for (size_t i = 0; i < cluster.listeners.size(); ++i) {
    const Listener& listener = cluster.listeners[i];
    std::string path = at("spec.listeners", i);
    if (listener.type != ListenerType::kInternal) out.push_back(path + ".type");
    if (listener.tls) out.push_back(path + ".tls");
    if (!listener.authentication.empty()) out.push_back(path + ".authentication");
  }
  for (size_t i = 0; i < cluster.regions.size(); ++i) {
    std::string path = at("spec.regions", i);
    if (i > 0) {
      out.push_back(path);
      continue;
    }
    if (!cluster.regions[i].kubeconfig_secret.empty()) out.push_back(path + ".kubeconfigSecret");
    zones_not_implemented(cluster.regions[i], path, out);
  }
  for (size_t i = 0; i < cluster.links.size(); ++i) out.push_back(at("spec.links", i));
  return out;
}

}  // namespace longhaul::op::api
