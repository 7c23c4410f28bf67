#include "local/api/collector.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/result.h"
#include "local/api/metadata.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

constexpr const char* kInstances = "customresourcecleanup.apiextensions.k8s.io";

/// One look at all objects. Works on a copy of the index: what it does changes the store.
class Pass {
 public:
  explicit Pass(Engine& engine) : engine_(engine), objects_(engine.store().all()) {
    for (auto& [key, object] : objects_) uids_.insert(op::kube::uid_of(*object));
  }

  Answer<void> run() {
    for (auto& [key, object] : objects_) {
      LH_TRY(check_owners(key, *object));
      if (!op::kube::is_deleting(*object)) continue;
      if (op::kube::has_finalizer(*object, "foregroundDeletion")) LH_TRY(foreground(key, *object));
      if (op::kube::has_finalizer(*object, "orphan")) LH_TRY(orphan(key, *object));
      if (key.resource == "namespaces") LH_TRY(empty_namespace(key, *object));
      if (op::kube::has_finalizer(*object, kInstances)) LH_TRY(delete_instances(key, *object));
    }
    return {};
  }

 private:
  Answer<void> remove(const Key& key, const Json& object) {
    if (op::kube::is_deleting(object)) return {};
    Kind::Ptr kind = engine_.kinds().find_by_resource(key.resource);
    if (!kind || !engine_.store().get(key)) return {};
    Target target{kind, key.name_space, key.name};
    auto removed = engine_.remove(target, {.propagation = "Background"});
    if (!removed && removed.error().code != 404) return tl::unexpected(removed.error());
    return {};
  }

  Answer<void> settle(const Key& key, Json next) {
    // Somebody (perhaps this pass) changed it since: look again.
    if (engine_.store().get(key) != objects_.at(key)) {
      engine_.mark_unsettled();
      return {};
    }
    return engine_.settle_object(key, std::move(next));
  }

  Answer<void> check_owners(const Key& key, const Json& object) {
    const Json& owners = at_path(object, {"metadata", "ownerReferences"});
    if (owners.empty()) return {};
    Json present = Json::array();
    for (const Json& owner : owners)
      if (uids_.contains(string_at(owner, {"uid"}))) present.push_back(owner);
    if (present.empty()) return remove(key, object);
    if (present.size() == owners.size()) return {};
    Json next = object;
    next["metadata"]["ownerReferences"] = std::move(present);
    return settle(key, std::move(next));
  }

  std::vector<std::pair<Key, ObjectPtr>> dependents(const Json& owner) const {
    std::vector<std::pair<Key, ObjectPtr>> out;
    std::string uid = op::kube::uid_of(owner);
    for (auto& [key, object] : objects_)
      for (const Json& reference : at_path(*object, {"metadata", "ownerReferences"}))
        if (string_at(reference, {"uid"}) == uid) out.emplace_back(key, object);
    return out;
  }

  Answer<void> foreground(const Key& key, const Json& object) {
    bool blocked = false;
    for (auto& [dependent, state] : dependents(object)) {
      for (const Json& reference : at_path(*state, {"metadata", "ownerReferences"}))
        if (string_at(reference, {"uid"}) == op::kube::uid_of(object))
          blocked |= at_path(reference, {"blockOwnerDeletion"}) == true;
      LH_TRY(remove(dependent, *state));
    }
    if (blocked) return {};
    Json next = object;
    remove_finalizer(next, "foregroundDeletion");
    return settle(key, std::move(next));
  }

  Answer<void> orphan(const Key& key, const Json& object) {
    for (auto& [dependent, state] : dependents(object)) {
      Json next = *state, left = Json::array();
      for (const Json& reference : at_path(*state, {"metadata", "ownerReferences"}))
        if (string_at(reference, {"uid"}) != op::kube::uid_of(object)) left.push_back(reference);
      if (left.empty())
        next["metadata"].erase("ownerReferences");
      else
        next["metadata"]["ownerReferences"] = std::move(left);
      LH_TRY(settle(dependent, std::move(next)));
    }
    Json next = object;
    remove_finalizer(next, "orphan");
    return settle(key, std::move(next));
  }

  Answer<void> empty_namespace(const Key& key, const Json& object) {
    std::vector<Key> content = engine_.store().keys_in_namespace(key.name);
    for (const Key& inside : content)
      if (ObjectPtr state = engine_.store().get(inside)) LH_TRY(remove(inside, *state));
    if (!engine_.store().keys_in_namespace(key.name).empty() || has_finalizers(object)) return {};
    return engine_.erase_object(key);
  }

  Answer<void> delete_instances(const Key& key, const Json& object) {
    for (const ObjectPtr& instance : engine_.store().list(key.name, ""))
      LH_TRY(remove({key.name, op::kube::namespace_of(*instance), op::kube::name_of(*instance)},
                    *instance));
    if (!engine_.store().list(key.name, "").empty()) return {};
    Json next = object;
    remove_finalizer(next, kInstances);
    return settle(key, std::move(next));
  }

  Engine& engine_;
  std::map<Key, ObjectPtr> objects_;
  std::set<std::string> uids_;
};

}  // namespace

Answer<void> collect(Engine& engine) {
  while (engine.take_unsettled()) LH_TRY(Pass(engine).run());
  return {};
}

}  // namespace longhaul::local
