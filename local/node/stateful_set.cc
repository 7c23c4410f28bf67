#include "local/node/stateful_set.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>

#include "local/api/text.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::int_at;
using op::kube::string_at;

constexpr const char* kRevisionLabel = "controller-revision-hash";
constexpr const char* kManager = "statefulset-controller";

bool is_ready(const Json& pod) {
  return string_at(op::kube::condition_of(pod, "Ready"), {"status"}) == "True" &&
         !op::kube::is_deleting(pod);
}

/// One step of one set.
class Step {
 public:
  Step(NodeContext& node, const Json& set)
      : node_(node),
        set_(set),
        name_(op::kube::name_of(set)),
        ns_(op::kube::namespace_of(set)),
        replicas_(int_at(set, {"spec", "replicas"}, 1)),
        ordered_(string_at(set, {"spec", "podManagementPolicy"}) != "Parallel"),
        revision_(template_revision(set)) {
    find_pods();
  }

  void run() {
    if (op::kube::is_deleting(set_)) return;
    if (int_at(set_, {"spec", "updateStrategy", "rollingUpdate", "partition"}) != 0)
      node_.event(set_, "Warning", "NotSupported",
                  "updateStrategy.rollingUpdate.partition is not supported here");
    bool settled = scale_out();
    if (settled || !ordered_) settled = scale_in() && settled;
    if (settled && string_at(set_, {"spec", "updateStrategy", "type"}) == "RollingUpdate") roll();
    write_status();
  }

 private:
  void find_pods() {
    auto kind = node_.api.kind("", "v1", "pods");
    for (ObjectPtr& pod : node_.api.list({*kind, ns_}).objects) {
      bool ours = false;
      for (const Json& owner : at_path(*pod, {"metadata", "ownerReferences"}))
        ours |= string_at(owner, {"uid"}) == op::kube::uid_of(set_);
      std::string pod_name = op::kube::name_of(*pod);
      if (ours && pod_name.starts_with(name_ + "-"))
        pods_[std::atoll(pod_name.c_str() + name_.size() + 1)] = std::move(pod);
    }
  }

  // True if every pod that should be there is there and ready.
  bool scale_out() {
    bool settled = true;
    for (int64_t ordinal = 0; ordinal < replicas_; ++ordinal) {
      auto found = pods_.find(ordinal);
      if (found == pods_.end()) {
        make_pod(ordinal);
        settled = false;
      } else {
        const Json& pod = *found->second;
        std::string phase = string_at(pod, {"status", "phase"});
        if ((phase == "Failed" || phase == "Succeeded") && !op::kube::is_deleting(pod))
          delete_pod(pod);
        settled = settled && is_ready(pod);
      }
      if (!settled && ordered_) return false;
    }
    return settled;
  }

  // True if no pod is too many.
  bool scale_in() {
    bool settled = true;
    for (auto at = pods_.rbegin(); at != pods_.rend() && at->first >= replicas_; ++at) {
      settled = false;
      if (!op::kube::is_deleting(*at->second)) delete_pod(*at->second);
      if (ordered_) break;
    }
    return settled;
  }

  void roll() {
    for (auto at = pods_.rbegin(); at != pods_.rend(); ++at)
      if (op::kube::label_of(*at->second, kRevisionLabel) != revision_)
        return delete_pod(*at->second);
  }

  void delete_pod(const Json& pod) {
    auto kind = node_.api.kind("", "v1", "pods");
    auto removed =
        node_.api.remove({*kind, ns_, op::kube::name_of(pod)}, {.uid = op::kube::uid_of(pod)});
    if (removed)
      node_.event(
          set_, "Normal", "SuccessfulDelete",
          "delete Pod " + op::kube::name_of(pod) + " in StatefulSet " + name_ + " successful");
  }

  void make_pod(int64_t ordinal) {
    std::string pod_name = name_ + "-" + std::to_string(ordinal);
    if (!make_claims(pod_name)) return;
    Json pod = at_path(set_, {"spec", "template"});
    pod["apiVersion"] = "v1";
    pod["kind"] = "Pod";
    Json& metadata = pod["metadata"];
    metadata["name"] = pod_name;
    metadata["labels"][kRevisionLabel] = revision_;
    metadata["labels"]["statefulset.kubernetes.io/pod-name"] = pod_name;
    metadata["labels"]["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
    metadata["ownerReferences"] = Json::array({op::kube::owner_reference(set_)});
    Json& spec = pod["spec"];
    spec["hostname"] = pod_name;
    spec["subdomain"] = string_at(set_, {"spec", "serviceName"});
    for (const Json& claim : at_path(set_, {"spec", "volumeClaimTemplates"})) {
      std::string volume = string_at(claim, {"metadata", "name"});
      Json left = Json::array();
      for (const Json& one : at_path(spec, {"volumes"}))
        if (string_at(one, {"name"}) != volume) left.push_back(one);
      left.push_back(
          {{"name", volume}, {"persistentVolumeClaim", {{"claimName", volume + "-" + pod_name}}}});
      spec["volumes"] = std::move(left);
    }
    create("", "pods", pod_name, std::move(pod));
  }

  bool make_claims(const std::string& pod_name) {
    for (const Json& from : at_path(set_, {"spec", "volumeClaimTemplates"})) {
      std::string claim_name = string_at(from, {"metadata", "name"}) + "-" + pod_name;
      auto kind = node_.api.kind("", "v1", "persistentvolumeclaims");
      if (auto old = node_.api.get({*kind, ns_, claim_name})) {
        if (op::kube::is_deleting(**old)) return false;
        continue;
      }
      Json claim{{"metadata", at_path(from, {"metadata"})}, {"spec", at_path(from, {"spec"})}};
      claim["metadata"]["name"] = claim_name;
      for (auto& [key, value] : at_path(set_, {"spec", "selector", "matchLabels"}).items())
        claim["metadata"]["labels"][key] = value;
      if (string_at(set_, {"spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"}) ==
          "Delete")
        claim["metadata"]["ownerReferences"] = Json::array({op::kube::owner_reference(set_)});
      if (!create("", "persistentvolumeclaims", claim_name, std::move(claim))) return false;
    }
    return true;
  }

  bool create(const char* group, const char* plural, const std::string& name, Json object) {
    auto kind = node_.api.kind(group, "v1", plural);
    auto made = node_.api.create({*kind, ns_, name}, std::move(object), {.manager = kManager});
    if (made)
      node_.event(
          set_, "Normal", "SuccessfulCreate",
          "create " + (*kind)->name + " " + name + " in StatefulSet " + name_ + " successful");
    else
      node_.event(set_, "Warning", "FailedCreate",
                  "create " + (*kind)->name + " " + name + " failed: " + made.error().message);
    return made.has_value();
  }

  void write_status() {
    find_pods();
    int64_t ready = 0, updated = 0, current = 0;
    std::string old_revision = string_at(set_, {"status", "currentRevision"}, revision_);
    for (auto& [ordinal, pod] : pods_) {
      ready += is_ready(*pod);
      std::string revision = op::kube::label_of(*pod, kRevisionLabel);
      updated += revision == revision_;
      current += revision == old_revision;
    }
    bool complete = updated == replicas_ && ready == replicas_;
    Json status{{"observedGeneration", op::kube::generation_of(set_)},
                {"replicas", pods_.size()},
                {"readyReplicas", ready},
                {"availableReplicas", ready},
                {"updatedReplicas", updated},
                {"currentReplicas", complete ? updated : current},
                {"currentRevision", complete ? revision_ : old_revision},
                {"updateRevision", revision_},
                {"collisionCount", 0}};
    auto kind = node_.api.kind("apps", "v1", "statefulsets");
    (void)node_.api.patch({*kind, ns_, name_, "status"}, PatchType::kMerge,
                          {{"metadata", {{"uid", op::kube::uid_of(set_)}}}, {"status", status}},
                          {.manager = kManager});
  }

  NodeContext& node_;
  const Json& set_;
  const std::string name_, ns_;
  const int64_t replicas_;
  const bool ordered_;
  const std::string revision_;
  std::map<int64_t, ObjectPtr> pods_;
};

}  // namespace

std::string template_revision(const Json& set) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (unsigned char c : to_text(at_path(set, {"spec", "template"}))) hash = (hash ^ c) * 16777619u;
  return fmt::format("{}-{:08x}", op::kube::name_of(set), hash);
}

void step_stateful_set(NodeContext& node, const Json& set) { Step(node, set).run(); }

}  // namespace longhaul::local
