#include "local/api/managed_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

constexpr const char* kUntracked[] = {"name",
                                      "namespace",
                                      "uid",
                                      "creationTimestamp",
                                      "deletionTimestamp",
                                      "deletionGracePeriodSeconds",
                                      "generation",
                                      "resourceVersion",
                                      "selfLink",
                                      "managedFields"};

}  // namespace

Json tracked_part(const Json& object) {
  Json part = object;
  part.erase("apiVersion");
  part.erase("kind");
  if (auto metadata = part.find("metadata"); metadata != part.end() && metadata->is_object()) {
    for (const char* name : kUntracked) metadata->erase(name);
    if (metadata->empty()) part.erase("metadata");
  }
  return part;
}

bool same_but_times(const Json& a, const Json& b) {
  if (a == b) return true;
  Json left = a, right = b;
  for (Json* object : {&left, &right})
    if (auto list = (*object)["metadata"].find("managedFields");
        list != (*object)["metadata"].end() && list->is_array())
      for (Json& entry : *list)
        if (entry.is_object()) entry.erase("time");
  return left == right;
}

ManagedFields::ManagedFields(const Json& object) {
  using op::kube::string_at;
  for (const Json& from : op::kube::at_path(object, {"metadata", "managedFields"})) {
    Entry entry{string_at(from, {"manager"}),    string_at(from, {"operation"}),
                string_at(from, {"apiVersion"}), string_at(from, {"subresource"}),
                string_at(from, {"time"}),       {}};
    entry.fields = from_fields_v1(op::kube::at_path(from, {"fieldsV1"}));
    if (!entry.manager.empty() && !entry.fields.empty()) entries_.push_back(std::move(entry));
  }
}

ManagedFields::Entry& ManagedFields::entry(const Writer& writer, const std::string& operation) {
  for (Entry& entry : entries_)
    if (entry.manager == writer.manager && entry.operation == operation &&
        entry.subresource == writer.subresource &&
        (operation == "Apply" || entry.api_version == writer.api_version))
      return entry;
  entries_.push_back({writer.manager, operation, writer.api_version, writer.subresource, "", {}});
  return entries_.back();
}

void ManagedFields::set_fields(Entry& entry, FieldSet fields, const std::string& now) {
  fields.trim();
  if (entry.fields == fields && !entry.time.empty()) return;
  entry.fields = std::move(fields);
  entry.time = now;
}

void ManagedFields::remove_from_others(const Entry& mine, const FieldSet& fields) {
  for (Entry& other : entries_)
    if (&other != &mine) other.fields = subtract(other.fields, fields);
}

Answer<void> ManagedFields::check_conflicts(const Entry& mine, const FieldSet& changed) const {
  std::vector<Cause> causes;
  std::string listed;
  for (const Entry& other : entries_) {
    if (&other == &mine) continue;
    FieldSet fields = intersect(other.fields, changed);
    for (const std::string& path : fields.paths()) {
      std::string who = "conflict with \"" + other.manager + "\"";
      if (!other.subresource.empty()) who += " with subresource \"" + other.subresource + "\"";
      if (other.operation == "Update") who += " using " + other.api_version;
      listed += (listed.empty() ? "" : ", ") + who + ": " + path;
      causes.push_back({"FieldManagerConflict", who, path});
    }
  }
  if (causes.empty()) return {};
  std::string count = std::to_string(causes.size());
  std::string message =
      "Apply failed with " + count + (causes.size() == 1 ? " conflict: " : " conflicts: ") + listed;
  return tl::unexpected<ApiError>(ApiError{409, "Conflict", std::move(message), std::move(causes)});
}

Answer<Json> ManagedFields::apply(const Json& live, const Json& config, const Schema::Ptr& schema,
                                  const Writer& writer, bool force) {
  Entry& mine = entry(writer, "Apply");
  mine.api_version = writer.api_version;
  Json tracked = tracked_part(config);
  FieldSet applied = tracked.empty() ? FieldSet{} : fields_of(tracked, schema);

  FieldSet kept = applied;
  for (const Entry& other : entries_)
    if (&other != &mine) kept = unite(kept, other.fields);
  Json result = merge(live, config, schema);
  remove_fields(result, subtract(mine.fields, kept), kept, schema);

  Difference difference = compare(tracked_part(live), tracked_part(result), schema);
  FieldSet changed = unite(difference.added, difference.modified);
  if (!force) LH_TRY(check_conflicts(mine, changed));
  remove_from_others(mine, unite(intersect(changed, applied), difference.removed));
  set_fields(mine, std::move(applied), writer.now);
  return result;
}

void ManagedFields::update(const Json& before, const Json& after, const Schema::Ptr& schema,
                           const Writer& writer) {
  Entry& mine = entry(writer, "Update");
  Json old_part = tracked_part(before), new_part = tracked_part(after);
  Difference difference = compare(old_part, new_part, schema);
  FieldSet changed = unite(difference.added, difference.modified);
  if (old_part.empty() && new_part.empty()) changed = {};
  FieldSet fields = subtract(unite(mine.fields, changed), difference.removed);
  fields.member = false;  // the object itself belongs to nobody
  remove_from_others(mine, unite(changed, difference.removed));
  set_fields(mine, std::move(fields), writer.now);
}

void ManagedFields::forget_missing(const Json& object, const Schema::Ptr& schema) {
  FieldSet present = paths_in(tracked_part(object), schema);
  for (Entry& entry : entries_) {
    FieldSet missing = subtract(entry.fields, present);
    if (!missing.empty()) entry.fields = subtract(entry.fields, missing);
  }
}

void ManagedFields::write(Json& object) const {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries_)
    if (!entry.fields.empty()) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    if (a->operation != b->operation) return a->operation < b->operation;  // Apply, Update
    if (a->time != b->time) return a->time < b->time;
    return a->manager < b->manager;
  });
  Json list = Json::array();
  for (const Entry* entry : order) {
    Json json{{"manager", entry->manager},        {"operation", entry->operation},
              {"apiVersion", entry->api_version}, {"time", entry->time},
              {"fieldsType", "FieldsV1"},         {"fieldsV1", to_fields_v1(entry->fields)}};
    if (!entry->subresource.empty()) json["subresource"] = entry->subresource;
    list.push_back(std::move(json));
  }
  if (list.empty())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = std::move(list);
}

}  // namespace longhaul::local
