#include "operator/api/kafka_cluster.h"

#include <nlohmann/json.hpp>

namespace longhaul::op::api {
namespace {

Listener read_listener(FieldReader fields) {
  Listener listener;
  listener.name = fields.text("name");
  listener.port = fields.integer("port", 9092);
  std::string type = fields.text("type", "internal");
  if (type == "loadbalancer")
    listener.type = ListenerType::kLoadBalancer;
  else if (type == "nodeport")
    listener.type = ListenerType::kNodePort;
  else if (type != "internal")
    fields.fail("type", "must be internal, loadbalancer or nodeport");
  listener.tls = fields.boolean("tls", false);
  listener.authentication = fields.text("authentication");
  fields.finish();
  return listener;
}

Zone read_zone(FieldReader fields) {
  Zone zone;
  zone.name = fields.text("name");
  zone.witness = fields.boolean("witness", false);
  zone.brokers = fields.integer("brokers", zone.witness ? 0 : 1);
  zone.kubeconfig_secret = fields.text("kubeconfigSecret");
  fields.finish();
  return zone;
}

Volume read_volume(FieldReader fields) {
  Volume volume;
  volume.size = fields.text("size");
  volume.storage_class_name = fields.text("storageClassName");
  fields.finish();
  return volume;
}

Storage read_storage(FieldReader fields, FieldErrors& errors) {
  Storage storage;
  storage.retain = fields.boolean("retain", true);
  size_t index = 0;
  for (const Json* volume : fields.list("volumes"))
    storage.volumes.push_back(
        read_volume(FieldReader(*volume, fields.path_of("volumes", index++), errors)));
  fields.finish();
  return storage;
}

Resources read_resources(FieldReader fields) {
  Resources resources;
  resources.requests = fields.scalars("requests");
  resources.limits = fields.scalars("limits");
  fields.finish();
  return resources;
}

Region read_region(FieldReader fields, FieldErrors& errors) {
  Region region;
  region.name = fields.text("name");
  region.kubeconfig_secret = fields.text("kubeconfigSecret");
  size_t index = 0;
  for (const Json* zone : fields.list("zones"))
    region.zones.push_back(read_zone(FieldReader(*zone, fields.path_of("zones", index++), errors)));
  if (const Json* storage = fields.object("storage"))
    region.storage = read_storage(FieldReader(*storage, fields.path_of("storage"), errors), errors);
  if (const Json* resources = fields.object("resources"))
    region.resources = read_resources(FieldReader(*resources, fields.path_of("resources"), errors));
  fields.finish();
  return region;
}

Link read_link(FieldReader fields) {
  Link link;
  link.name = fields.text("name");
  link.from = fields.text("from");
  link.to = fields.text("to");
  link.topics = fields.texts("topics");
  link.bandwidth = fields.text("bandwidth");
  link.compression = fields.text("compression");
  fields.finish();
  return link;
}

void read_spec(FieldReader spec, FieldErrors& errors, KafkaCluster& cluster) {
  cluster.version = spec.text("version");
  cluster.image = spec.text("image");
  cluster.config = spec.scalars("config");
  size_t index = 0;
  for (const Json* listener : spec.list("listeners"))
    cluster.listeners.push_back(
        read_listener(FieldReader(*listener, spec.path_of("listeners", index++), errors)));
  if (!spec.has("listeners")) cluster.listeners.emplace_back();
  index = 0;
  for (const Json* region : spec.list("regions"))
    cluster.regions.push_back(
        read_region(FieldReader(*region, spec.path_of("regions", index++), errors), errors));
  index = 0;
  for (const Json* link : spec.list("links"))
    cluster.links.push_back(read_link(FieldReader(*link, spec.path_of("links", index++), errors)));
  spec.finish();
}

}  // namespace

KafkaCluster read_kafka_cluster(const Json& object, FieldErrors& errors) {
  KafkaCluster cluster;
  static const Json kEmpty = Json::object();
  FieldReader root(object, "", errors);
  const Json* metadata = root.object("metadata");
  FieldReader names(metadata ? *metadata : kEmpty, "metadata", errors);
  cluster.name = names.text("name");
  cluster.name_space = names.text("namespace");
  cluster.generation = names.integer("generation", 0);
  const Json* spec = root.object("spec");
  read_spec(FieldReader(spec ? *spec : kEmpty, "spec", errors), errors, cluster);
  return cluster;
}

}  // namespace longhaul::op::api
