// The objects of one kind as last seen, for readers on any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operator/kube/object.h"

namespace longhaul::op::kube {

/// An object's name within its kind.
struct ObjectKey {
  std::string name_space;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  std::string to_string() const { return name_space.empty() ? name : name_space + "/" + name; }
};
ObjectKey key_of(const Json& object);

/// Filled by an informer; safe from any thread. Objects are kept without metadata.managedFields
/// and kubectl's last-applied annotation, which nobody here reads and which are most of their size.
class Store {
 public:
  /// Null if it is not there.
  ObjectPtr get(const ObjectKey& key) const;
  /// Those in a namespace (empty: all) that satisfy a label selector, ordered by key.
  std::vector<ObjectPtr> list(std::string_view name_space, std::string_view label_selector) const;
  size_t size() const;

  void put(Json object);
  void erase(const ObjectKey& key);
  /// Removes whatever `keep` refuses, and gives the keys back.
  std::vector<ObjectKey> erase_unless(const std::function<bool(const ObjectKey&)>& keep);

 private:
  mutable std::mutex mutex_;
  std::map<ObjectKey, ObjectPtr> objects_;
};

}  // namespace longhaul::op::kube
