// Deletion: preconditions, finalizers, graceful ends.
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "local/api/engine.h"
#include "local/api/metadata.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;

Answer<void> check_preconditions(const Json& object, const DeleteOptions& options) {
  std::string uid = op::kube::uid_of(object), version = op::kube::resource_version_of(object);
  if (!options.uid.empty() && options.uid != uid)
    return conflict("Precondition failed: UID in precondition: " + options.uid +
                    ", UID in object meta: " + uid);
  if (!options.resource_version.empty() && options.resource_version != version)
    return conflict("Precondition failed: ResourceVersion in precondition: " +
                    options.resource_version + ", ResourceVersion in object meta: " + version);
  return {};
}

// Pods that run somewhere are given time to end; everything else goes at once.
int64_t grace_of(const Kind& kind, const Json& object, const DeleteOptions& options) {
  if (kind.name != "Pod" || op::kube::string_at(object, {"spec", "nodeName"}).empty()) return 0;
  std::string phase = op::kube::string_at(object, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") return 0;
  int64_t grace = options.grace_seconds.value_or(
      op::kube::int_at(object, {"spec", "terminationGracePeriodSeconds"}, 30));
  if (op::kube::is_deleting(object))
    grace = std::min(grace,
                     op::kube::int_at(object, {"metadata", "deletionGracePeriodSeconds"}, grace));
  return std::max<int64_t>(grace, 0);
}

Answer<void> set_propagation(Json& object, const std::string& propagation) {
  if (propagation == "Foreground") {
    remove_finalizer(object, "orphan");
    add_finalizer(object, "foregroundDeletion");
  } else if (propagation == "Orphan") {
    remove_finalizer(object, "foregroundDeletion");
    add_finalizer(object, "orphan");
  } else if (propagation == "Background") {
    remove_finalizer(object, "orphan");
    remove_finalizer(object, "foregroundDeletion");
  } else if (!propagation.empty()) {
    return refuse(422, "Invalid",
                  "propagationPolicy: Unsupported value: \"" + propagation +
                      "\": supported values: \"Foreground\", \"Background\", \"Orphan\"");
  }
  return {};
}

bool is_protected_namespace(const Target& target) {
  return target.kind->resource() == "namespaces" &&
         (target.name == "default" || target.name == "kube-system");
}

}  // namespace

Answer<Deleted> Engine::remove(const Target& target, const DeleteOptions& options) {
  LH_ASSIGN(ObjectPtr before, get(target));
  if (is_protected_namespace(target))
    return refuse(
        403, "Forbidden",
        "namespaces \"" + target.name + "\" is forbidden: this namespace may not be deleted");
  LH_TRY(check_preconditions(*before, options));
  Json next = *before;
  LH_TRY(set_propagation(next, options.propagation));
  // Content goes first; the collector takes the last step.
  bool has_content =
      target.kind->resource() == "namespaces" && !store_.keys_in_namespace(target.name).empty();
  if (target.kind->name == "CustomResourceDefinition" && !store_.list(target.name, "").empty())
    add_finalizer(next, "customresourcecleanup.apiextensions.k8s.io");
  int64_t grace = grace_of(*target.kind, next, options);
  if (!has_finalizers(next) && grace == 0 && !has_content) {
    if (!options.dry_run) LH_TRY(erase_object(target.key()));
    return Deleted{before, true};
  }
  bool first = !op::kube::is_deleting(next);
  Json& metadata = next["metadata"];
  if (first || grace < op::kube::int_at(metadata, {"deletionGracePeriodSeconds"})) {
    metadata["deletionTimestamp"] = op::kube::format_time(clock_.wall_ms() + grace * 1000);
    metadata["deletionGracePeriodSeconds"] = grace;
  }
  if (first && target.kind->has_generation)
    metadata["generation"] = op::kube::generation_of(next) + 1;
  if (target.kind->resource() == "namespaces") next["status"]["phase"] = "Terminating";
  if (next == *before || options.dry_run)
    return Deleted{std::make_shared<Json>(std::move(next)), false};
  LH_ASSIGN(ObjectPtr waiting, put(target, std::move(next)));
  return Deleted{std::move(waiting), false};
}

}  // namespace longhaul::local
