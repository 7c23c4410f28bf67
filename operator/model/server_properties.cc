#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

using Entries = std::map<std::string, std::string>;

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

/// As java.util.Properties reads it.
std::string escaped(const std::string& value) {
  std::string out;
  for (char c : value) {
    if (c == '\\' || (c == ' ' && out.empty())) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

void add_listeners(const RegionModel& model, Entries& out) {
  std::string bind, advertise, protocols;
  for (const api::Listener& listener : model.cluster.listeners) {
    std::string name = upper(listener.name);
    std::string port = std::to_string(listener.port);
    bind += name + "://${env:POD_IP}:" + port + ",";
    advertise +=
        (advertise.empty() ? "" : ",") + name + "://${env:LONGHAUL_ADVERTISED_HOST}:" + port;
    protocols += name + ":PLAINTEXT,";
  }
  std::string controller = std::to_string(kControllerPort);
  out["listeners"] = bind + "CONTROLLER://${env:POD_IP}:" + controller;
  out["advertised.listeners"] = advertise;
  out["listener.security.protocol.map"] = protocols + "CONTROLLER:PLAINTEXT";
  out["inter.broker.listener.name"] = upper(model.cluster.listeners[0].name);
  out["controller.listener.names"] = "CONTROLLER";
  out["controller.quorum.bootstrap.servers"] = "${env:LONGHAUL_ADVERTISED_HOST}:" + controller;
}

/// Internal topics have min(3, brokers) replicas, unless the user says otherwise.
void add_internal_topics(const RegionModel& model, Entries& out) {
  size_t replicas = std::min<size_t>(3, model.anchor.nodes.size());
  out.emplace("offsets.topic.replication.factor", std::to_string(replicas));
  out.emplace("transaction.state.log.replication.factor", std::to_string(replicas));
  out.emplace("transaction.state.log.min.isr", std::to_string(replicas > 2 ? 2 : 1));
}

}  // namespace

std::string server_properties(const RegionModel& model, const AnchorNode& node) {
  Entries entries = model.cluster.config;
  add_internal_topics(model, entries);
  add_listeners(model, entries);
  entries["process.roles"] = "broker,controller";
  entries["node.id"] = std::to_string(node.id);
  entries["broker.rack"] = node.zone;
  entries["log.dirs"] = "${env:LONGHAUL_DATA}/log";
  entries["longhaul.cluster.id"] = model.anchor.cluster_id.to_string();
  entries["longhaul.directory.id"] = node.directory_id.to_string();
  entries["longhaul.format"] = "${env:LONGHAUL_FORMAT}";
  entries["longhaul.metrics.listener"] = "${env:POD_IP}:" + std::to_string(kHealthPort);
  std::string text = "# Written by longhaul-operator; change spec.config of the KafkaCluster.\n";
  for (const auto& [name, value] : entries) text += name + "=" + escaped(value) + "\n";
  return text;
}

kube::Json broker_config_map(const RegionModel& model, const AnchorNode& node) {
  kube::Json map = owned_object(model, kube::kConfigMap,
                                broker_name(model.cluster.name, model.region().name, node.id));
  map["data"]["server.properties"] = server_properties(model, node);
  return map;
}

}  // namespace longhaul::op::model
