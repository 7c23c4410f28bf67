#include "local/api/engine.h"

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "local/api/builtin_rules.h"
#include "local/api/metadata.h"
#include "local/api/patch.h"
#include "local/api/text.h"
#include "local/api/validate.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

constexpr size_t kMaxObjectBytes = 1536 * 1024;  // etcd's limit on a request
constexpr size_t kMaxEvents = 1000;              // of one namespace

std::string shown(const Target& target) {
  return target.kind->qualified_name() + " \"" + target.name + "\"";
}

tl::unexpected<ApiError> changed_meanwhile(const Target& target) {
  return conflict("Operation cannot be fulfilled on " + target.kind->resource() + " \"" +
                  target.name +
                  "\": the object has been modified; please apply your changes to the latest "
                  "version and try again");
}

Answer<void> stored(base::Result<ObjectPtr> result, ObjectPtr* out = nullptr) {
  if (!result) {
    bool full = result.error().code == base::Errc::kNoSpace;
    return refuse(full ? 507 : 500, "InternalError", result.error().message);
  }
  if (out) *out = *result;
  return {};
}

Json desired_part(const Kind& kind, const Json& object) {
  Json part = object;
  part.erase("metadata");
  if (kind.has_status) part.erase("status");
  return part;
}

// In a request for the status subresource only the status counts.
void keep_only(const Target& target, Json& config) {
  if (target.subresource == "status") {
    Json status = at_path(config, {"status"});
    std::string version = op::kube::resource_version_of(config);
    config = {{"apiVersion", config["apiVersion"]},
              {"kind", config["kind"]},
              {"metadata", {{"name", target.name}}}};
    if (!status.is_null()) config["status"] = std::move(status);
    if (!version.empty()) config["metadata"]["resourceVersion"] = version;
  } else if (target.kind->has_status) {
    config.erase("status");
  }
}

}  // namespace

tl::unexpected<ApiError> not_found(const Target& target) {
  return refuse(404, "NotFound", target.kind->resource() + " \"" + target.name + "\" not found");
}

Engine::Engine(Store& store, const base::Clock& clock, base::Random& random)
    : store_(store), clock_(clock), random_(random) {
  for (const ObjectPtr& definition :
       store_.list("customresourcedefinitions.apiextensions.k8s.io", ""))
    (void)kinds_.define(*definition);  // it was valid when it was stored
}

std::string Engine::now() const { return op::kube::format_time(clock_.wall_ms()); }

Writer Engine::writer(const Target& target, const WriteOptions& options) const {
  return {options.manager, target.kind->api_version(), target.subresource, now()};
}

Answer<ObjectPtr> Engine::get(const Target& target) const {
  ObjectPtr object = store_.get(target.key());
  if (!object) return not_found(target);
  return object;
}

Answer<void> Engine::check_body(const Target& target, Json& object,
                                const WriteOptions& options) const {
  if (!object.is_object()) return bad_request("the body must be an object");
  const Kind& kind = *target.kind;
  for (auto& [field, wanted] :
       {std::pair<const char*, std::string>{"apiVersion", kind.api_version()},
        {"kind", kind.name}}) {
    if (!object.contains(field)) object[field] = wanted;
    if (object[field] != wanted)
      return bad_request(std::string("the ") + field + " in the data (" + to_text(object[field]) +
                         ") does not match the expected " + field + " (" + wanted + ")");
  }
  Json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  if (!metadata.is_object()) return bad_request("metadata must be an object");
  for (const char* field : {"name", "namespace", "generateName", "resourceVersion", "uid"})
    if (metadata.contains(field) && !metadata[field].is_string() && !metadata[field].is_null())
      return bad_request(std::string("metadata.") + field + " must be a string");
  if (std::string ns = string_at(metadata, {"namespace"});
      !ns.empty() && kind.namespaced && ns != target.name_space)
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on "
        "the request");
  if (std::string name = string_at(metadata, {"name"});
      !name.empty() && !target.name.empty() && name != target.name)
    return bad_request("the name of the object (" + name +
                       ") does not match the name on the URL (" + target.name + ")");
  if (!options.duplicates.empty() && options.validation != FieldValidation::kIgnore) {
    std::string message = "duplicate field \"" + options.duplicates.front() + "\"";
    if (options.validation == FieldValidation::kStrict)
      return bad_request("strict decoding error: " + message);
    if (options.warnings) options.warnings->push_back(message);
  }
  return {};
}

Answer<void> Engine::check_namespace(const Target& target) const {
  if (!target.kind->namespaced) return {};
  ObjectPtr found = store_.get({"namespaces", "", target.name_space});
  if (!found) return refuse(404, "NotFound", "namespaces \"" + target.name_space + "\" not found");
  if (op::kube::is_deleting(*found))
    return refuse(403, "Forbidden",
                  target.kind->resource() + " \"" + target.name +
                      "\" is forbidden: unable to create new content in namespace " +
                      target.name_space + " because it is being terminated");
  return {};
}

Answer<void> Engine::normalize(const Target& target, Json& object, const WriteOptions& options,
                               bool strict) const {
  const Kind& kind = *target.kind;
  drop_nulls(object, kind.schema);
  if (kind.custom) {
    std::vector<std::string> unknown = prune_unknown(object, kind.schema);
    if (!unknown.empty() && strict)
      return bad_request("failed to create typed patch object (" + target.name_space + "/" +
                         target.name + "; " + kind.api_version() + ", Kind=" + kind.name + "): ." +
                         unknown.front() + ": field not declared in schema");
    if (!unknown.empty() && options.validation == FieldValidation::kStrict) {
      std::string message = kind.name + " in version \"" + kind.version +
                            "\" cannot be handled as a " + kind.name + ": strict decoding error: ";
      for (size_t i = 0; i < unknown.size(); ++i)
        message += (i > 0 ? ", " : "") + ("unknown field \"" + unknown[i] + "\"");
      return bad_request(message);
    }
    if (options.validation == FieldValidation::kWarn && options.warnings)
      for (const std::string& path : unknown)
        options.warnings->push_back("unknown field \"" + path + "\"");
  }
  return {};
}

Answer<void> Engine::check_object(const Target& target, const Json& object) const {
  const Kind& kind = *target.kind;
  std::vector<Cause> causes = metadata_violations(kind, object);
  auto add = [&](std::vector<Cause> more) {
    for (Cause& cause : more) causes.push_back(std::move(cause));
  };
  if (kind.custom) add(violations(object, kind.schema));
  add(builtin_violations(kind, object));
  if (!causes.empty()) return invalid(shown(target), std::move(causes));
  if (to_text(object).size() > kMaxObjectBytes)
    return refuse(
        413, "RequestEntityTooLarge",
        "Request is too large: an object is at most " + std::to_string(kMaxObjectBytes) + " bytes");
  if (kind.name == "CustomResourceDefinition") {
    Kinds trial;
    LH_TRY(trial.define(object));
  }
  return {};
}

Answer<void> Engine::make_room_for_event(const Target& target) {
  std::vector<ObjectPtr> events = store_.list("events", target.name_space);
  if (events.size() < kMaxEvents) return {};
  auto oldest = std::min_element(events.begin(), events.end(), [](auto& a, auto& b) {
    return std::stoull(op::kube::resource_version_of(*a)) <
           std::stoull(op::kube::resource_version_of(*b));
  });
  return erase_object({"events", target.name_space, op::kube::name_of(**oldest)});
}

Answer<ObjectPtr> Engine::put(const Target& target, Json object) {
  if (target.kind->name == "CustomResourceDefinition") LH_TRY(kinds_.define(object));
  if (op::kube::is_deleting(object) || !at_path(object, {"metadata", "ownerReferences"}).empty())
    unsettled_ = true;
  ObjectPtr out;
  LH_TRY(stored(store_.put(target.key(), std::move(object)), &out));
  return out;
}

Answer<void> Engine::settle_object(const Key& key, Json next) {
  bool waits = has_finalizers(next) ||
               op::kube::int_at(next, {"metadata", "deletionGracePeriodSeconds"}) > 0;
  if (op::kube::is_deleting(next) && !waits) return erase_object(key);
  return stored(store_.put(key, std::move(next)));
}

Answer<void> Engine::erase_object(const Key& key) {
  LH_TRY(stored(store_.erase(key)));
  if (key.resource == "customresourcedefinitions.apiextensions.k8s.io") kinds_.undefine(key.name);
  unsettled_ = true;
  return {};
}

Answer<Written> Engine::create(Target target, Json object, const WriteOptions& options) {
  LH_TRY(check_body(target, object, options));
  if (!string_at(object, {"metadata", "resourceVersion"}).empty())
    return bad_request("resourceVersion should not be set on objects to be created");
  LH_TRY(normalize(target, object, options, false));
  return finish_create(std::move(target), std::move(object), std::nullopt, options);
}

Answer<Written> Engine::finish_create(Target target, Json object,
                                      std::optional<ManagedFields> managed,
                                      const WriteOptions& options) {
  const Kind& kind = *target.kind;
  Json& metadata = object["metadata"];
  for (const char* name : {"uid", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
                           "managedFields", "selfLink", "resourceVersion"})
    metadata.erase(name);
  if (target.name.empty()) target.name = string_at(metadata, {"name"});
  if (std::string prefix = string_at(metadata, {"generateName"});
      target.name.empty() && !prefix.empty())
    target.name = generated_name(prefix, random_);
  metadata["name"] = target.name;
  if (kind.namespaced) metadata["namespace"] = target.name_space;
  LH_TRY(check_namespace(target));
  metadata["uid"] = new_uid(random_);
  metadata["creationTimestamp"] = now();
  if (kind.has_generation) metadata["generation"] = 1;
  if (kind.has_status) object.erase("status");
  Json sent = object;  // defaults that the server sets belong to nobody
  set_defaults(object, kind.schema);
  set_builtin_defaults(kind, object);
  LH_TRY(check_object(target, object));
  if (store_.get(target.key()))
    return refuse(409, "AlreadyExists",
                  kind.resource() + " \"" + target.name + "\" already exists");
  if (!managed) {
    managed.emplace(Json::object());
    managed->update(Json::object(), sent, kind.schema, writer(target, options));
  }
  if (Json status = initial_status(kind, object, now()); !status.is_null())
    object["status"] = std::move(status);
  managed->write(object);
  if (options.dry_run) return Written{std::make_shared<Json>(std::move(object)), true};
  if (kind.resource() == "events") LH_TRY(make_room_for_event(target));
  LH_ASSIGN(ObjectPtr created, put(target, std::move(object)));
  return Written{std::move(created), true};
}

Answer<Written> Engine::replace(const Target& target, Json object, const WriteOptions& options) {
  LH_ASSIGN(ObjectPtr before, get(target));
  LH_TRY(check_body(target, object, options));
  LH_TRY(normalize(target, object, options, false));
  return finish_update(target, before, std::move(object), std::nullopt, options);
}

Answer<Written> Engine::patch(const Target& target, PatchType type, const Json& patch,
                              const WriteOptions& options) {
  LH_ASSIGN(ObjectPtr before, get(target));
  if (type == PatchType::kStrategic && target.kind->custom)
    return refuse(415, "UnsupportedMediaType",
                  "the body of the request was in an unknown format - accepted media types "
                  "include: application/json-patch+json, application/merge-patch+json, "
                  "application/apply-patch+yaml");
  if (type != PatchType::kJson && !patch.is_object())
    return bad_request("the patch must be an object");
  Json next;
  if (type == PatchType::kJson) {
    LH_ASSIGN(next, json_patch(*before, patch));
  } else {
    next = type == PatchType::kMerge ? merge_patch(*before, patch)
                                     : strategic_merge_patch(*before, patch, target.kind->schema);
  }
  LH_TRY(check_body(target, next, options));
  LH_TRY(normalize(target, next, options, false));
  return finish_update(target, before, std::move(next), std::nullopt, options);
}

Answer<Written> Engine::apply(const Target& target, Json config, const WriteOptions& options) {
  LH_TRY(check_body(target, config, options));
  if (const Json& managed = at_path(config, {"metadata", "managedFields"});
      managed.is_array() && !managed.empty())
    return bad_request("metadata.managedFields must be nil");
  if (op::kube::name_of(config).empty())
    return bad_request("name must be provided: metadata.name is required to apply");
  keep_only(target, config);
  LH_TRY(normalize(target, config, options, true));
  ObjectPtr before = store_.get(target.key());
  Writer by = writer(target, options);
  if (!before) {
    if (!target.subresource.empty()) return not_found(target);
    if (!op::kube::uid_of(config).empty())
      return conflict("uid mismatch: the provided object specified uid " +
                      op::kube::uid_of(config) + ", and no existing object was found");
    ManagedFields managed{Json::object()};
    LH_ASSIGN(Json object,
              managed.apply(Json::object(), config, target.kind->schema, by, options.force));
    return finish_create(target, std::move(object), std::move(managed), options);
  }
  std::string version = op::kube::resource_version_of(config);
  ManagedFields managed(*before);
  LH_ASSIGN(Json next, managed.apply(*before, config, target.kind->schema, by, options.force));
  if (version.empty()) next["metadata"].erase("resourceVersion");
  return finish_update(target, before, std::move(next), std::move(managed), options);
}

Answer<Written> Engine::finish_update(const Target& target, const ObjectPtr& before, Json next,
                                      std::optional<ManagedFields> managed,
                                      const WriteOptions& options) {
  const Kind& kind = *target.kind;
  std::string version = op::kube::resource_version_of(next);
  if (!version.empty() && version != op::kube::resource_version_of(*before))
    return changed_meanwhile(target);
  if (std::string uid = op::kube::uid_of(next); !uid.empty() && uid != op::kube::uid_of(*before))
    return conflict("Precondition failed: UID in precondition: " + uid +
                    ", UID in object meta: " + op::kube::uid_of(*before));
  if (target.subresource == "status") {
    Json status = at_path(next, {"status"});
    next = *before;
    if (status.is_null())
      next.erase("status");
    else
      next["status"] = std::move(status);
  } else {
    carry_over_metadata(*before, next);
    if (kind.has_status) next["status"] = at_path(*before, {"status"});
    if (next["status"].is_null()) next.erase("status");
  }
  set_defaults(next, kind.schema);
  set_builtin_defaults(kind, next);
  if (op::kube::is_deleting(*before))
    for (const std::string& finalizer : op::kube::finalizers_of(next))
      if (!op::kube::has_finalizer(*before, finalizer))
        return invalid(shown(target), {{"FieldValueForbidden",
                                        "Forbidden: no new finalizers can be added if the object "
                                        "is being deleted, found new finalizer \"" +
                                            finalizer + "\"",
                                        "metadata.finalizers"}});
  LH_TRY(check_object(target, next));
  for (auto& causes : {builtin_change_violations(kind, *before, next),
                       forbidden_changes(*before, next, kind.schema)})
    if (!causes.empty()) return invalid(shown(target), causes);
  if (kind.has_generation && desired_part(kind, *before) != desired_part(kind, next))
    next["metadata"]["generation"] = op::kube::generation_of(*before) + 1;
  if (!managed) {
    managed.emplace(*before);
    managed->update(*before, next, kind.schema, writer(target, options));
  }
  managed->forget_missing(next, kind.schema);
  managed->write(next);
  if (same_but_times(next, *before)) return Written{before, false};
  if (options.dry_run) return Written{std::make_shared<Json>(std::move(next)), false};
  bool waits = has_finalizers(next) ||
               op::kube::int_at(next, {"metadata", "deletionGracePeriodSeconds"}) > 0;
  if (op::kube::is_deleting(next) && !waits) {
    LH_TRY(erase_object(target.key()));
    return Written{std::make_shared<Json>(std::move(next)), false};
  }
  LH_ASSIGN(ObjectPtr updated, put(target, std::move(next)));
  return Written{std::move(updated), false};
}

}  // namespace longhaul::local
