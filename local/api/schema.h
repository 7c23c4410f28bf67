// What is known about the shape of a kind: the structural schema of a CustomResourceDefinition, or
// for built-in kinds only what merging needs (which lists are maps, which maps are atomic).
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "local/api/error.h"

namespace longhaul::local {

using Json = nlohmann::json;

/// x-kubernetes-list-type.
enum class ListType { kAtomic, kSet, kMap };

/// One node of a schema. A null pointer to a schema means that nothing is known: any value, maps
/// merge by key, lists are atomic.
struct Schema {
  using Ptr = std::shared_ptr<const Schema>;

  std::string type;  // "", object, array, string, integer, number, boolean
  bool nullable = false;
  bool preserve_unknown = false;  // x-kubernetes-preserve-unknown-fields
  bool embedded_resource = false;
  bool int_or_string = false;
  bool atomic_map = false;  // x-kubernetes-map-type: atomic
  ListType list_type = ListType::kAtomic;
  std::vector<std::string> list_keys;
  std::map<std::string, Ptr> properties;
  Ptr additional;  // additionalProperties
  Ptr items;
  std::vector<std::string> required;
  std::shared_ptr<const Json> enumeration;    // array, or null
  std::shared_ptr<const Json> default_value;  // or null
  std::string pattern;                        // "" for none
  std::string format;
  std::optional<double> minimum, maximum;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<double> multiple_of;
  std::optional<size_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
  /// x-kubernetes-validations `self == oldSelf`: may not change once set; the rule's message. Other
  /// rules (CEL) are not evaluated here.
  std::string fixed_message;
  std::vector<Ptr> all_of, any_of, one_of;
  Ptr not_schema;

  /// The schema of a field of an object, or null if the field is not known.
  Ptr field(const std::string& name) const;
};

/// Reads an openAPIV3Schema. 422 where it contradicts itself.
Answer<Schema::Ptr> parse_schema(const Json& open_api);

/// A schema of a built-in kind that holds only how lists and maps merge; null if lists of that
/// kind are all atomic. Sources: the list-type markers of the Kubernetes API reference.
Schema::Ptr builtin_schema(const std::string& kind);

/// The value of list key `key` in an item of a list of type map, with the default that Kubernetes
/// gives it ("TCP" for protocol), or null (JSON's).
Json list_key_value(const Json& item, const Schema& list, const std::string& key);

}  // namespace longhaul::local
