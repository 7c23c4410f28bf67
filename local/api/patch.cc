#include "local/api/patch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::string_at;

constexpr std::string_view kDeletePrimitives = "$deleteFromPrimitiveList/";

bool contains(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Json patch_map_list(const Json& list, const Json& patch, const Schema& schema) {
  const std::string& key = schema.list_keys.front();
  Json out = list.is_array() ? list : Json::array();
  for (const Json& change : patch) {
    if (string_at(change, {"$patch"}) == "replace") {
      out = Json::array();
      continue;
    }
    Json wanted = list_key_value(change, schema, key);
    auto same = std::find_if(out.begin(), out.end(), [&](const Json& item) {
      return list_key_value(item, schema, key) == wanted;
    });
    if (string_at(change, {"$patch"}) == "delete") {
      if (same != out.end()) out.erase(same);
    } else if (same != out.end()) {
      *same = strategic_merge_patch(*same, change, schema.items);
    } else {
      out.push_back(strategic_merge_patch(Json::object(), change, schema.items));
    }
  }
  return out;
}

Json patch_list(const Json& list, const Json& patch, const Schema::Ptr& schema) {
  if (schema && schema->list_type == ListType::kMap) return patch_map_list(list, patch, *schema);
  if (!schema || schema->list_type == ListType::kAtomic) return patch;
  Json out = list.is_array() ? list : Json::array();
  for (const Json& value : patch)
    if (!contains(out, value)) out.push_back(value);
  return out;
}

void delete_primitives(Json& out, const std::string& name, const Json& values) {
  auto list = out.find(name);
  if (list == out.end() || !list->is_array()) return;
  Json left = Json::array();
  for (const Json& value : *list)
    if (!contains(values, value)) left.push_back(value);
  *list = std::move(left);
}

void retain_keys(Json& out, const Json& keys) {
  for (auto at = out.begin(); at != out.end();)
    at = contains(keys, Json(at.key())) ? std::next(at) : out.erase(at);
}

}  // namespace

Json merge_patch(const Json& object, const Json& patch) {
  Json out = object;
  out.merge_patch(patch);
  return out;
}

Answer<Json> json_patch(const Json& object, const Json& patch) {
  try {
    return object.patch(patch);
  } catch (const Json::parse_error& error) {
    return bad_request(std::string("malformed JSON patch: ") + error.what());
  } catch (const Json::exception& error) {
    return refuse(422, "Invalid",
                  std::string("the server rejected our request due to an error in our request: ") +
                      error.what());
  }
}

Json strategic_merge_patch(const Json& object, const Json& patch, const Schema::Ptr& schema) {
  if (!patch.is_object()) return patch;
  if (string_at(patch, {"$patch"}) == "replace") {
    Json out = patch;
    out.erase("$patch");
    return out;
  }
  Json out = object.is_object() ? object : Json::object();
  for (auto& [name, change] : patch.items()) {
    if (name == "$retainKeys") {
      retain_keys(out, change);
    } else if (name.starts_with(kDeletePrimitives)) {
      delete_primitives(out, name.substr(kDeletePrimitives.size()), change);
    } else if (name.starts_with("$")) {
      continue;
    } else if (change.is_null() || string_at(change, {"$patch"}) == "delete") {
      out.erase(name);
    } else {
      Schema::Ptr child = schema ? schema->field(name) : nullptr;
      const Json& old = op::kube::at_path(out, {name});
      Json next = change.is_array()    ? patch_list(old, change, child)
                  : change.is_object() ? strategic_merge_patch(old, change, child)
                                       : change;
      out[name] = std::move(next);
    }
  }
  return out;
}

}  // namespace longhaul::local
