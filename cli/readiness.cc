#include "cli/readiness.h"

#include <nlohmann/json.hpp>

#include "operator/kube/object.h"

namespace longhaul::cli {
namespace {

using local::Json;
using local::ObjectPtr;
using op::kube::string_at;

constexpr const char* kOurs = "longhaul.dev";

std::vector<ObjectPtr> list(const local::Api& api, const char* group, const char* version,
                            const char* plural) {
  auto kind = api.kind(group, version, plural);
  return kind ? api.list({*kind}).objects : std::vector<ObjectPtr>{};
}

bool is_ready(const Json& object, bool observed) {
  const Json& condition = op::kube::condition_of(object, "Ready");
  return string_at(condition, {"status"}) == "True" &&
         (!observed ||
          op::kube::int_at(condition, {"observedGeneration"}) >= op::kube::generation_of(object));
}

/// The operator has said, of this generation, that it cannot go on by itself.
bool is_blocked(const Json& object) {
  const Json& condition = op::kube::condition_of(object, "Progressing");
  return string_at(condition, {"reason"}) == "Blocked" &&
         op::kube::int_at(condition, {"observedGeneration"}) >= op::kube::generation_of(object);
}

std::string trouble_of(const Json& pod) {
  for (const Json& status : op::kube::at_path(pod, {"status", "containerStatuses"})) {
    std::string reason = string_at(status, {"state", "waiting", "reason"});
    if (!reason.empty() && reason != "ContainerCreating" && reason != "Pending")
      return "pod " + op::kube::name_of(pod) + ": " + reason + ": " +
             string_at(status, {"state", "waiting", "message"});
  }
  return "";
}

}  // namespace

Readiness check_readiness(const local::Api& api) {
  Readiness out;
  auto clusters = list(api, kOurs, "v1alpha1", "kafkaclusters");
  auto pods = list(api, "", "v1", "pods");
  for (const ObjectPtr& pod : pods) {
    if (std::string trouble = trouble_of(*pod); !trouble.empty()) out.troubles.push_back(trouble);
    if (out.waiting_for.empty() && !is_ready(*pod, false))
      out.waiting_for = "broker pod " + op::kube::name_of(*pod);
  }
  auto wait_for = [&](const Json& object, const char* kind) {
    if (is_ready(object, true)) return;
    std::string what = std::string(kind) + " " + op::kube::name_of(object);
    std::string why = string_at(op::kube::condition_of(object, "Ready"), {"message"});
    if (!why.empty()) what += ": " + why;
    if (is_blocked(object))
      out.blocked.push_back(what);
    else if (out.waiting_for.empty())
      out.waiting_for = what;
  };
  for (const ObjectPtr& cluster : clusters) wait_for(*cluster, "KafkaCluster");
  for (const ObjectPtr& topic : list(api, kOurs, "v1alpha1", "kafkatopics"))
    wait_for(*topic, "KafkaTopic");
  out.ready = out.waiting_for.empty();
  return out;
}

}  // namespace longhaul::cli
