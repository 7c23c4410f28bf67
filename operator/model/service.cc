#include <nlohmann/json.hpp>

#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

using kube::Json;

Json listener_ports(const RegionModel& model) {
  Json ports = Json::array();
  for (const api::Listener& listener : model.cluster.listeners)
    ports.push_back({{"name", listener.name},
                     {"port", listener.port},
                     {"targetPort", listener.name},
                     {"protocol", "TCP"}});
  return ports;
}

}  // namespace

Json headless_service(const RegionModel& model) {
  const std::string& region = model.region().name;
  Json service =
      owned_object(model, kube::kService, headless_service_name(model.cluster.name, region));
  Json ports = listener_ports(model);
  ports.push_back({{"name", "controller"},
                   {"port", kControllerPort},
                   {"targetPort", "controller"},
                   {"protocol", "TCP"}});
  service["spec"] = {{"clusterIP", "None"},
                     {"publishNotReadyAddresses", true},
                     {"selector", region_labels(model.cluster.name, region)},
                     {"ports", std::move(ports)}};
  return service;
}

Json bootstrap_service(const RegionModel& model) {
  const std::string& region = model.region().name;
  Json service =
      owned_object(model, kube::kService, bootstrap_service_name(model.cluster.name, region));
  Labels brokers = region_labels(model.cluster.name, region);
  brokers[kRoleLabel] = kBrokerRole;
  service["spec"] = {
      {"type", "ClusterIP"}, {"selector", brokers}, {"ports", listener_ports(model)}};
  return service;
}

std::string bootstrap_address(const RegionModel& model) {
  return bootstrap_service_name(model.cluster.name, model.region().name) + "." +
         model.cluster.name_space + ".svc:" + std::to_string(model.cluster.listeners[0].port);
}

}  // namespace longhaul::op::model
