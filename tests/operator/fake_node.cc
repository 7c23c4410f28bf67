#include "tests/operator/fake_node.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;

std::string variable(const Json& pod, const std::string& name) {
  for (const Json& entry : pod["spec"]["containers"][0]["env"])
    if (entry["name"] == name) return entry.value("value", "");
  return {};
}

}  // namespace

std::string property(const std::string& text, const std::string& name) {
  size_t at = text.find("\n" + name + "=");
  if (at == text.npos) return {};
  at += name.size() + 2;
  return text.substr(at, text.find('\n', at) - at);
}

FakeNode::FakeNode(kube::Transport& transport, std::string name_space, FakeKafka& kafka)
    : transport_(transport), name_space_(std::move(name_space)), kafka_(kafka) {
  kafka_.forget();
}

Json FakeNode::must(const kube::Request& request) {
  auto answer = kube::call(transport_, request);
  if (!answer) fmt::print("{}\n", answer.error().message);
  LH_ASSERT(answer.has_value(), "the fake node's requests are right");
  return *answer;
}

void FakeNode::step() {
  forget_absent_pods();
  Json sets = must(kube::list(kube::kStatefulSet, {name_space_, ""}, 100, ""));
  for (const Json& set : sets["items"]) run_set(set);
  Json pods = must(kube::list(kube::kPod, {name_space_, ""}, 100, ""));
  for (const Json& pod : pods["items"])
    if (is_lost(pod) || kube::string_at(kube::condition_of(pod, "Ready"), {"status"}) != "True")
      run_pod(pod);
}

bool FakeNode::is_lost(const Json& pod) const {
  return lost_zones.contains(kube::label_of(pod, "longhaul.dev/zone"));
}

void FakeNode::restart_container(const std::string& name) {
  run_pod(must(kube::get(kube::kPod, name_space_, name)));
}

void FakeNode::forget_absent_pods() {
  Json pods = must(kube::list(kube::kPod, {name_space_, ""}, 100, ""));
  std::erase_if(kafka_.running, [&](const auto& broker) {
    for (const Json& pod : pods["items"])
      if (kube::label_of(pod, "longhaul.dev/node-id") == std::to_string(broker.first)) return false;
    return true;
  });
}

void FakeNode::run_set(const Json& set) {
  std::string name = kube::name_of(set);
  if (sets_are_observed &&
      kube::int_at(set, {"status", "observedGeneration"}) != kube::generation_of(set)) {
    kube::Request patch = kube::merge_patch(
        kube::kStatefulSet, name_space_, name,
        {{"status", {{"observedGeneration", kube::generation_of(set)}, {"replicas", 1}}}});
    patch.path += "/status";
    must(patch);
  }
  if (!pods_run || kube::call(transport_, kube::get(kube::kPod, name_space_, name + "-0"))) return;
  Json pod = set["spec"]["template"];
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = name + "-0";
  pod["metadata"]["namespace"] = name_space_;
  pod["spec"]["volumes"].push_back({{"name", "data"}, {"emptyDir", Json::object()}});
  must(kube::create(kube::kPod, pod));
}

void FakeNode::run_pod(const Json& pod) {
  std::string name = kube::name_of(pod);
  bool stuck = false;
  bool ready = start_broker(pod, stuck);
  kube::Request patch = kube::merge_patch(kube::kPod, name_space_, name, Json::object());
  patch.path += "/status";
  patch.body = Json{{"status",
                     {{"phase", "Running"},
                      {"podIP", pod_ip},
                      {"podIPs", Json::array({{{"ip", pod_ip}}})},
                      {"conditions",
                       Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}}
                   .dump();
  if (stuck || !kube::at_path(pod, {"status", "containerStatuses"}).is_null()) {
    Json state{{"running", Json::object()}};
    if (stuck) state = {{"waiting", {{"reason", "CrashLoopBackOff"}}}};
    Json body = *kube::parse_json(patch.body);
    body["status"]["containerStatuses"] = Json::array({{{"name", "broker"},
                                                        {"ready", ready},
                                                        {"restartCount", 1},
                                                        {"image", "i"},
                                                        {"imageID", ""},
                                                        {"state", std::move(state)}}});
    patch.body = body.dump();
  }
  must(patch);
}

/// What longhaul-broker does with its volume.
bool FakeNode::start_broker(const Json& pod, bool& stuck) {
  std::string config_name = pod["spec"]["volumes"][0]["configMap"]["name"];
  Json config = must(kube::get(kube::kConfigMap, name_space_, config_name));
  std::string properties = config["data"]["server.properties"];
  if (broker) return broker(pod, properties);
  int64_t id = std::stoll(property(properties, "node.id"));
  kafka_.running.erase(id);
  if (is_lost(pod)) return false;
  started_with[kube::name_of(pod)] = properties;
  stuck = crashes && crashes(properties);
  if (stuck) return false;
  std::string set = kube::name_of(pod);
  set.resize(set.size() - 2);  // "-0"
  if (!disks_.contains(set) && !born(set, pod, properties)) return false;
  kafka_.volume = &*volume_;
  std::string listeners = property(properties, "listeners");
  listeners = listeners.substr(0, listeners.find(','));
  kafka_.ports[id] = listeners.substr(listeners.rfind(':') + 1);
  kafka_.running[id] = disks_[set];
  if (property(properties, "process.roles") == "controller") kafka_.witnesses.insert(id);
  return kafka_.has_majority();
}

/// What an empty volume becomes; false if there is nobody to join.
bool FakeNode::born(const std::string& set, const Json& pod, const std::string& properties) {
  bool founds = variable(pod, "LONGHAUL_FORMAT") == "found";
  if (!founds && !volume_) return false;
  base::Uuid directory = base::Uuid::random(random_);
  disks_[set] = directory;
  if (!founds) return true;
  ++founded;
  volume_ = FakeVolume{property(properties, "longhaul.cluster.id"), {}};
  kafka_.voters = {{std::stoll(property(properties, "node.id")), directory}};
  return true;
}

void FakeNode::lose_volumes() {
  kafka_.volume = nullptr;
  volume_.reset();
  disks_.clear();
  Json pods = must(kube::list(kube::kPod, {name_space_, ""}, 100, ""));
  for (const Json& pod : pods["items"])
    must(kube::remove(kube::kPod, name_space_, kube::name_of(pod), ""));
}

void FakeNode::empty_volume(const std::string& set) {
  disks_.erase(set);
  if (disks_.empty()) {
    kafka_.volume = nullptr;
    volume_.reset();
  }
  auto pod = kube::call(transport_, kube::get(kube::kPod, name_space_, set + "-0"));
  if (!pod) return;
  kafka_.running.erase(std::stoll(kube::label_of(*pod, "longhaul.dev/node-id")));
  run_pod(*pod);
}

}  // namespace longhaul::tests
