// The kinds that the API serves: built-in ones, and those of CustomResourceDefinitions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local/api/schema.h"

namespace longhaul::local {

/// A column of `kubectl get`.
struct Column {
  std::string name;
  std::string type = "string";  // string, integer, boolean, date …
  std::string path;  // JSON path: ".status.phase", ".status.conditions[?(@.type=="X")].y"
  int priority = 0;  // above 0: only with -o wide
};

/// One kind, as discovery describes it. Immutable; shared by requests that are under way.
struct Kind {
  using Ptr = std::shared_ptr<const Kind>;

  std::string group;  // "" for the core group
  std::string version;
  std::string name;      // "StatefulSet"
  std::string plural;    // "statefulsets"
  std::string singular;  // "statefulset"
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};  // such as "all"
  bool namespaced = true;
  bool has_status = false;      // a /status subresource
  bool has_generation = false;  // metadata.generation counts changes of the desired state
  bool custom = false;          // from a CustomResourceDefinition
  Schema::Ptr schema = nullptr;
  std::vector<Column> columns = {};

  /// "v1" or "apps/v1".
  std::string api_version() const;
  /// "pods" or "statefulsets.apps": how errors and the store name the resource.
  std::string resource() const;
  /// "Pod" or "StatefulSet.apps": how validation errors name it.
  std::string qualified_name() const;
};

/// All kinds being served. Not thread-safe: the API's lock covers it.
class Kinds {
 public:
  Kinds();

  Kind::Ptr find(std::string_view group, std::string_view version, std::string_view plural) const;
  Kind::Ptr find_by_kind(std::string_view api_version, std::string_view name) const;
  /// By `Kind::resource()`.
  Kind::Ptr find_by_resource(std::string_view resource) const;
  const std::vector<Kind::Ptr>& all() const { return kinds_; }

  /// Serves (or serves anew) the storage version of a CustomResourceDefinition; 422 if it is
  /// malformed.
  Answer<void> define(const Json& definition);
  /// Stops serving it. `resource` is the definition's name.
  void undefine(std::string_view resource);

 private:
  std::vector<Kind::Ptr> kinds_;
};

}  // namespace longhaul::local
