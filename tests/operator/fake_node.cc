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
    : transport_(transport), name_space_(std::move(name_space)), kafka_(kafka) {}

Json FakeNode::must(const kube::Request& request) {
  auto answer = kube::call(transport_, request);
  if (!answer) fmt::print("{}\n", answer.error().message);
  LH_ASSERT(answer.has_value(), "the fake node's requests are right");
  return *answer;
}

void FakeNode::step() {
  Json sets = must(kube::list(kube::kStatefulSet, {name_space_, ""}, 100, ""));
  for (const Json& set : sets["items"]) run_set(set);
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
  Json made = must(kube::create(kube::kPod, pod));
  bool ready = start_broker(made);
  kube::Request patch = kube::merge_patch(kube::kPod, name_space_, name + "-0", Json::object());
  patch.path += "/status";
  patch.body = Json{{"status",
                     {{"phase", "Running"},
                      {"podIP", pod_ip},
                      {"podIPs", Json::array({{{"ip", pod_ip}}})},
                      {"conditions",
                       Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}}
                   .dump();
  must(patch);
}

/// What longhaul-broker does with its volume.
bool FakeNode::start_broker(const Json& pod) {
  std::string config_name = pod["spec"]["volumes"][0]["configMap"]["name"];
  Json config = must(kube::get(kube::kConfigMap, name_space_, config_name));
  std::string properties = config["data"]["server.properties"];
  if (broker) return broker(pod, properties);
  if (!volume_) {
    if (variable(pod, "LONGHAUL_FORMAT") != "found") return false;
    volume_ = FakeVolume{property(properties, "longhaul.cluster.id"), {}};
    ++founded;
  }
  kafka_.volume = &*volume_;
  return true;
}

void FakeNode::lose_volume() {
  kafka_.volume = nullptr;
  volume_.reset();
  Json pods = must(kube::list(kube::kPod, {name_space_, ""}, 100, ""));
  for (const Json& pod : pods["items"])
    must(kube::remove(kube::kPod, name_space_, kube::name_of(pod), ""));
}

}  // namespace longhaul::tests
