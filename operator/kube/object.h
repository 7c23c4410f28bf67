// Kubernetes objects as JSON, and what every object has: metadata and conditions. Readers of
// fields never throw: a field that is absent or of another type reads as empty.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/kube/resource.h"

namespace longhaul::op::kube {

using Json = nlohmann::json;
/// An object as a cache holds it: shared, never changed.
using ObjectPtr = std::shared_ptr<const Json>;

/// Parses JSON text; kInvalidArgument with the place of the mistake otherwise.
base::Result<Json> parse_json(std::string_view text);

/// The value at a path of field names, or null (JSON's) if any is missing.
const Json& at_path(const Json& object, std::initializer_list<std::string_view> path);
/// Fields at a path, with a fallback when absent or of another type.
std::string string_at(const Json& object, std::initializer_list<std::string_view> path,
                      std::string_view fallback = {});
int64_t int_at(const Json& object, std::initializer_list<std::string_view> path,
               int64_t fallback = 0);

std::string api_version_of(const Json& object);
std::string kind_of(const Json& object);
std::string name_of(const Json& object);
std::string namespace_of(const Json& object);
std::string uid_of(const Json& object);
std::string resource_version_of(const Json& object);
int64_t generation_of(const Json& object);
/// Deletion was asked for and waits for finalizers.
bool is_deleting(const Json& object);
std::string label_of(const Json& object, std::string_view key);
std::string annotation_of(const Json& object, std::string_view key);

std::vector<std::string> finalizers_of(const Json& object);
bool has_finalizer(const Json& object, std::string_view finalizer);

/// True if the labels of `object` satisfy an equality selector: "a=b,c!=d,e" (as kubectl's -l).
bool matches_labels(const Json& object, std::string_view selector);

/// An object with apiVersion, kind and metadata.name (and namespace, if the kind has one).
Json make_object(const ResourceType& type, std::string_view name_space, std::string_view name);
/// An entry of metadata.ownerReferences that makes `owner` the controlling owner.
Json owner_reference(const Json& owner);

/// metav1.Condition.
struct Condition {
  std::string type;
  std::string status;  // True, False, Unknown
  std::string reason;  // CamelCase, never empty
  std::string message;
  int64_t observed_generation = 0;
};

/// Puts a condition into a `conditions` list (null counts as empty). lastTransitionTime becomes
/// `now` (RFC 3339) only when the status changes. True if anything changed.
bool set_condition(Json& conditions, const Condition& condition, std::string_view now);
/// The condition of that type in `object.status.conditions`, or JSON null.
const Json& condition_of(const Json& object, std::string_view type);

/// RFC 3339 in UTC: "2026-01-31T08:15:30Z" as in metav1.Time.
std::string format_time(int64_t wall_ms);
/// With microseconds, as in metav1.MicroTime (leases, events).
std::string format_micro_time(int64_t wall_ms);
/// Milliseconds since the epoch; fractions and numeric offsets are understood.
base::Result<int64_t> parse_time(std::string_view text);

}  // namespace longhaul::op::kube
