// Sets of fields of an object, as server-side apply tracks them (FieldsV1), and the operations on
// typed values that they come from. Semantics follow structured-merge-diff v4.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "local/api/schema.h"

namespace longhaul::local {

/// A set of paths as a tree. Steps are written as FieldsV1 writes them: `f:name` a field,
/// `k:{"name":"x"}` an item of a list of type map, `v:"x"` an item of a set.
struct FieldSet {
  bool member = false;  // this very path belongs to the set
  std::map<std::string, FieldSet> children;

  bool empty() const { return !member && children.empty(); }
  bool operator==(const FieldSet&) const = default;

  /// Drops branches that hold no member.
  void trim();
  /// In "f:metadata.f:name" order: paths as people read them, ".spec.ports[port=80].name".
  std::vector<std::string> paths() const;
};

FieldSet unite(const FieldSet& a, const FieldSet& b);
FieldSet intersect(const FieldSet& a, const FieldSet& b);
FieldSet subtract(const FieldSet& a, const FieldSet& b);

/// FieldsV1 both ways. Malformed input gives what could be read.
Json to_fields_v1(const FieldSet& set);
FieldSet from_fields_v1(const Json& fields);

/// The step for an item of a list of type set or map; empty if the item lacks a key.
std::string item_step(const Json& item, const Schema& list);

/// Every leaf of `value`: scalars, atomic lists and maps, empty ones, and items of lists of type
/// set or map themselves.
FieldSet fields_of(const Json& value, const Schema::Ptr& schema);

/// Every path that leads to something in `value`, leaves and what holds them alike.
FieldSet paths_in(const Json& value, const Schema::Ptr& schema);

/// What changed between two values.
struct Difference {
  FieldSet added, modified, removed;
};
Difference compare(const Json& before, const Json& after, const Schema::Ptr& schema);

/// `applied` put over `live`: maps by field, lists by key, everything else replaced.
Json merge(const Json& live, const Json& applied, const Schema::Ptr& schema);

/// Takes fields out of `value`. A parent that is left empty goes too, unless it is in `keep` or
/// holds something in `keep`.
void remove_fields(Json& value, const FieldSet& fields, const FieldSet& keep,
                   const Schema::Ptr& schema);

}  // namespace longhaul::local
