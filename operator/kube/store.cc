#include "operator/kube/store.h"

#include <nlohmann/json.hpp>

namespace longhaul::op::kube {

ObjectKey key_of(const Json& object) { return {namespace_of(object), name_of(object)}; }

ObjectPtr Store::get(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::list(std::string_view name_space,
                                   std::string_view label_selector) const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectPtr> out;
  for (const auto& [key, object] : objects_)
    if ((name_space.empty() || key.name_space == name_space) &&
        matches_labels(*object, label_selector))
      out.push_back(object);
  return out;
}

size_t Store::size() const {
  std::lock_guard lock(mutex_);
  return objects_.size();
}

void Store::put(Json object) {
  ObjectKey key = key_of(object);
  if (auto metadata = object.find("metadata"); metadata != object.end()) {
    metadata->erase("managedFields");
    if (auto annotations = metadata->find("annotations");
        annotations != metadata->end() && annotations->is_object())
      annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
  }
  auto shared = std::make_shared<const Json>(std::move(object));
  std::lock_guard lock(mutex_);
  objects_[key] = std::move(shared);
}

void Store::erase(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  objects_.erase(key);
}

std::vector<ObjectKey> Store::erase_unless(const std::function<bool(const ObjectKey&)>& keep) {
  std::lock_guard lock(mutex_);
  std::vector<ObjectKey> gone;
  for (auto it = objects_.begin(); it != objects_.end();) {
    if (keep(it->first)) {
      ++it;
    } else {
      gone.push_back(it->first);
      it = objects_.erase(it);
    }
  }
  return gone;
}

}  // namespace longhaul::op::kube
