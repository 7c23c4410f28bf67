#include <nlohmann/json.hpp>

#include "operator/api/config_check.h"
#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

constexpr const char* kFile = "server.properties";
constexpr const char* kBootstrapProperty = "controller.quorum.bootstrap.servers=";

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

void add_listeners(const RegionModel& model, const AnchorNode& node, Entries& out) {
  std::string bind, advertised, protocols;
  for (const api::Listener& listener : model.cluster.listeners) {
    if (node.witness) break;
    std::string name = upper(listener.name);
    std::string port = std::to_string(listener.port);
    bind += name + "://${env:POD_IP}:" + port + ",";
    advertised += name + "://${env:LONGHAUL_ADVERTISED_HOST}:" + port + ",";
    protocols += name + ":PLAINTEXT,";
  }
  std::string controller = std::to_string(kControllerPort);
  out["listeners"] = bind + "CONTROLLER://${env:POD_IP}:" + controller;
  // Voters are known to each other by the address that stays when a pod is made anew.
  out["advertised.listeners"] =
      advertised + "CONTROLLER://${env:LONGHAUL_ADVERTISED_HOST}:" + controller;
  out["listener.security.protocol.map"] = protocols + "CONTROLLER:PLAINTEXT";
  if (!node.witness) out["inter.broker.listener.name"] = upper(model.cluster.listeners[0].name);
  out["controller.listener.names"] = "CONTROLLER";
}

Entries lasting_entries(const RegionModel& model, const AnchorNode& node) {
  Entries entries = model.cluster.config;
  add_listeners(model, node, entries);
  entries["process.roles"] = node.witness ? "controller" : "broker,controller";
  entries["node.id"] = std::to_string(node.id);
  entries["broker.rack"] = node.zone;
  entries["log.dirs"] = "${env:LONGHAUL_DATA}/log";
  entries["longhaul.cluster.id"] = model.anchor.cluster_id.to_string();
  entries["longhaul.format"] = "${env:LONGHAUL_FORMAT}";
  entries["longhaul.metrics.listener"] = "${env:POD_IP}:" + std::to_string(kHealthPort);
  return entries;
}

}  // namespace

std::string lasting_properties(const RegionModel& model, const AnchorNode& node) {
  std::string text = "# Written by longhaul-operator; change spec.config of the KafkaCluster.\n";
  for (const auto& [name, value] : lasting_entries(model, node))
    text += name + "=" + escaped(value) + "\n";
  return text;
}

std::string restart_properties(const RegionModel& model, const AnchorNode& node) {
  std::string text;
  for (const auto& [name, value] : lasting_entries(model, node))
    text += name + (api::changes_while_running(name) ? "" : "=" + value) + "\n";
  return text;
}

kube::Json broker_config_map(const RegionModel& model, const AnchorNode& node) {
  kube::Json map = owned_object(model, kube::kConfigMap,
                                broker_name(model.cluster.name, model.region().name, node.id));
  map["data"][kFile] = lasting_properties(model, node) + bootstrap_property(model, node);
  return map;
}

// The bootstrap property is the last line.

void keep_bootstrap_property(kube::Json& config_map, const kube::Json& live) {
  std::string old = kube::string_at(live, {"data", kFile});
  auto text = config_map["data"][kFile].get<std::string>();
  size_t there = old.find(kBootstrapProperty), here = text.find(kBootstrapProperty);
  if (there != old.npos) config_map["data"][kFile] = text.substr(0, here) + old.substr(there);
}

void keep_lasting_properties(kube::Json& config_map, const kube::Json& live) {
  std::string old = kube::string_at(live, {"data", kFile});
  auto text = config_map["data"][kFile].get<std::string>();
  size_t there = old.find(kBootstrapProperty), here = text.find(kBootstrapProperty);
  if (there != old.npos) config_map["data"][kFile] = old.substr(0, there) + text.substr(here);
}

}  // namespace longhaul::op::model
