#include "local/api/field_set.h"

#include <nlohmann/json.hpp>

namespace longhaul::local {
namespace {

const FieldSet kEmpty;

const FieldSet& child_of(const FieldSet& set, const std::string& step) {
  auto found = set.children.find(step);
  return found == set.children.end() ? kEmpty : found->second;
}

// ".name", "[name=\"x\"]" …
std::string readable(const std::string& step) {
  if (step.starts_with("f:")) return "." + step.substr(2);
  Json value = Json::parse(step.substr(2), nullptr, false);
  if (!value.is_object()) return "[=" + value.dump() + "]";
  std::string text = "[";
  for (auto& [key, part] : value.items())
    text += (text.size() > 1 ? "," : "") + key + "=" + part.dump();
  return text + "]";
}

void collect_paths(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  if (set.member) out.push_back(prefix);
  for (auto& [step, child] : set.children) collect_paths(child, prefix + readable(step), out);
}

bool is_associative(const Schema::Ptr& schema) {
  return schema && schema->list_type != ListType::kAtomic;
}

Schema::Ptr field_schema(const Schema::Ptr& schema, const std::string& name) {
  return schema ? schema->field(name) : nullptr;
}
Schema::Ptr items_schema(const Schema::Ptr& schema) { return schema ? schema->items : nullptr; }

bool is_walked_map(const Json& value, const Schema::Ptr& schema) {
  return value.is_object() && !(schema && schema->atomic_map);
}
bool is_walked_list(const Json& value, const Schema::Ptr& schema) {
  if (!value.is_array() || !is_associative(schema)) return false;
  for (const Json& item : value)
    if (item_step(item, *schema).empty()) return false;
  return true;
}

}  // namespace

void FieldSet::trim() {
  for (auto at = children.begin(); at != children.end();) {
    at->second.trim();
    at = at->second.empty() ? children.erase(at) : std::next(at);
  }
}

std::vector<std::string> FieldSet::paths() const {
  std::vector<std::string> out;
  collect_paths(*this, "", out);
  return out;
}

FieldSet unite(const FieldSet& a, const FieldSet& b) {
  FieldSet out = a;
  out.member |= b.member;
  for (auto& [step, child] : b.children) {
    auto [at, inserted] = out.children.try_emplace(step, child);
    if (!inserted) at->second = unite(at->second, child);
  }
  return out;
}

FieldSet intersect(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && b.member;
  for (auto& [step, child] : a.children)
    if (auto other = b.children.find(step); other != b.children.end())
      if (FieldSet both = intersect(child, other->second); !both.empty())
        out.children.emplace(step, std::move(both));
  return out;
}

FieldSet subtract(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && !b.member;
  for (auto& [step, child] : a.children)
    if (FieldSet rest = subtract(child, child_of(b, step)); !rest.empty())
      out.children.emplace(step, std::move(rest));
  return out;
}

Json to_fields_v1(const FieldSet& set) {
  Json out = Json::object();
  if (set.member && !set.children.empty()) out["."] = Json::object();
  for (auto& [step, child] : set.children) out[step] = to_fields_v1(child);
  return out;
}

FieldSet from_fields_v1(const Json& fields) {
  FieldSet out;
  if (!fields.is_object()) return out;
  for (auto& [step, child] : fields.items()) {
    if (step == ".") {
      out.member = true;
    } else if (step.size() >= 2 && step[1] == ':') {
      FieldSet below = from_fields_v1(child);
      if (below.children.empty()) below.member = true;
      out.children.emplace(step, std::move(below));
    }
  }
  return out;
}

std::string item_step(const Json& item, const Schema& list) {
  if (list.list_type == ListType::kSet) return "v:" + item.dump();
  Json keys = Json::object();
  for (const std::string& key : list.list_keys) {
    Json value = list_key_value(item, list, key);
    if (!value.is_null()) keys[key] = std::move(value);
  }
  return keys.empty() ? "" : "k:" + keys.dump();
}

FieldSet fields_of(const Json& value, const Schema::Ptr& schema) {
  FieldSet out;
  if (is_walked_map(value, schema) && !value.empty()) {
    for (auto& [name, child] : value.items())
      out.children.emplace("f:" + name, fields_of(child, field_schema(schema, name)));
  } else if (is_walked_list(value, schema) && !value.empty()) {
    for (const Json& item : value) {
      FieldSet below =
          schema->list_type == ListType::kMap ? fields_of(item, schema->items) : FieldSet{};
      below.member = true;
      out.children[item_step(item, *schema)] = std::move(below);
    }
  } else {
    out.member = true;
  }
  return out;
}

FieldSet paths_in(const Json& value, const Schema::Ptr& schema) {
  FieldSet out;
  out.member = true;
  if (is_walked_map(value, schema))
    for (auto& [name, child] : value.items())
      out.children.emplace("f:" + name, paths_in(child, field_schema(schema, name)));
  if (is_walked_list(value, schema))
    for (const Json& item : value)
      out.children[item_step(item, *schema)] = paths_in(item, items_schema(schema));
  return out;
}

namespace {

void compare_into(const Json* before, const Json* after, const Schema::Ptr& schema, FieldSet& added,
                  FieldSet& modified, FieldSet& removed);

void compare_child(const std::string& step, const Json* before, const Json* after,
                   const Schema::Ptr& schema, FieldSet& added, FieldSet& modified,
                   FieldSet& removed) {
  FieldSet a, m, r;
  compare_into(before, after, schema, a, m, r);
  if (!a.empty()) added.children.emplace(step, std::move(a));
  if (!m.empty()) modified.children.emplace(step, std::move(m));
  if (!r.empty()) removed.children.emplace(step, std::move(r));
}

std::map<std::string, const Json*> by_step(const Json& list, const Schema& schema) {
  std::map<std::string, const Json*> out;
  for (const Json& item : list) out.emplace(item_step(item, schema), &item);
  return out;
}

template <class Map>
const Json* find_in(const Map& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

void compare_into(const Json* before, const Json* after, const Schema::Ptr& schema, FieldSet& added,
                  FieldSet& modified, FieldSet& removed) {
  if (!before) {
    added = fields_of(*after, schema);
  } else if (!after) {
    removed = fields_of(*before, schema);
  } else if (*before == *after) {
    return;
  } else if (is_walked_map(*before, schema) && is_walked_map(*after, schema)) {
    for (auto& [name, child] : before->items()) {
      auto other = after->find(name);
      compare_child("f:" + name, &child, other == after->end() ? nullptr : &*other,
                    field_schema(schema, name), added, modified, removed);
    }
    for (auto& [name, child] : after->items())
      if (!before->contains(name))
        compare_child("f:" + name, nullptr, &child, field_schema(schema, name), added, modified,
                      removed);
    // An empty map is a leaf: it goes when its first field comes, and the other way round.
    if (before->empty()) removed.member = true;
    if (after->empty()) added.member = true;
  } else if (is_walked_list(*before, schema) && is_walked_list(*after, schema)) {
    auto old_items = by_step(*before, *schema), new_items = by_step(*after, *schema);
    for (auto& [step, item] : old_items)
      compare_child(step, item, find_in(new_items, step), items_schema(schema), added, modified,
                    removed);
    for (auto& [step, item] : new_items)
      if (!old_items.contains(step))
        compare_child(step, nullptr, item, items_schema(schema), added, modified, removed);
    for (auto& [step, item] : old_items)
      if (!new_items.contains(step)) removed.children[step].member = true;
    for (auto& [step, item] : new_items)
      if (!old_items.contains(step)) added.children[step].member = true;
  } else {
    modified.member = true;
    if (before->is_structured() || after->is_structured()) {
      FieldSet old_fields = fields_of(*before, schema), new_fields = fields_of(*after, schema);
      removed = subtract(old_fields, new_fields);
      added = subtract(new_fields, old_fields);
    }
  }
}

Json merge_lists(const Json& live, const Json& applied, const Schema::Ptr& schema) {
  auto live_items = by_step(live, *schema), applied_items = by_step(applied, *schema);
  std::map<std::string, bool> done;
  Json out = Json::array();
  auto emit = [&](const std::string& step) {
    if (std::exchange(done[step], true)) return;
    const Json* mine = find_in(live_items, step);
    const Json* theirs = find_in(applied_items, step);
    if (mine && theirs && schema->list_type == ListType::kMap)
      out.push_back(merge(*mine, *theirs, schema->items));
    else
      out.push_back(theirs ? *theirs : *mine);
  };
  size_t left = 0;
  for (const Json& item : applied) {
    std::string step = item_step(item, *schema);
    // Items that only the live list has keep their place.
    while (left < live.size()) {
      std::string old_step = item_step(live[left], *schema);
      if (applied_items.contains(old_step)) break;
      emit(old_step);
      ++left;
    }
    emit(step);
    while (left < live.size() && done[item_step(live[left], *schema)]) ++left;
  }
  for (; left < live.size(); ++left) emit(item_step(live[left], *schema));
  return out;
}

}  // namespace

Difference compare(const Json& before, const Json& after, const Schema::Ptr& schema) {
  Difference out;
  compare_into(&before, &after, schema, out.added, out.modified, out.removed);
  return out;
}

Json merge(const Json& live, const Json& applied, const Schema::Ptr& schema) {
  if (is_walked_map(live, schema) && is_walked_map(applied, schema)) {
    Json out = live;
    for (auto& [name, child] : applied.items()) {
      auto old = live.find(name);
      out[name] = old == live.end() ? child : merge(*old, child, field_schema(schema, name));
    }
    return out;
  }
  if (is_walked_list(live, schema) && is_walked_list(applied, schema))
    return merge_lists(live, applied, schema);
  return applied;
}

namespace {

// True if `value` has become empty and may be taken out of its parent.
bool remove_below(Json& value, const FieldSet& fields, const FieldSet& keep,
                  const Schema::Ptr& schema) {
  if (fields.children.empty()) return fields.member;
  if (is_walked_map(value, schema)) {
    for (auto& [step, below] : fields.children) {
      if (!step.starts_with("f:")) continue;
      std::string name = step.substr(2);
      auto at = value.find(name);
      if (at == value.end()) continue;
      const FieldSet& kept = child_of(keep, step);
      if (remove_below(*at, below, kept, field_schema(schema, name)) && kept.empty())
        value.erase(name);
    }
    return value.empty();
  }
  if (is_walked_list(value, schema)) {
    Json left = Json::array();
    for (Json& item : value) {
      std::string step = item_step(item, *schema);
      auto below = fields.children.find(step);
      const FieldSet& kept = child_of(keep, step);
      bool gone = below != fields.children.end() && below->second.member && kept.empty();
      if (!gone && below != fields.children.end() && schema->list_type == ListType::kMap)
        remove_below(item, below->second, kept, schema->items);
      if (!gone) left.push_back(std::move(item));
    }
    value = std::move(left);
    return value.empty();
  }
  return fields.member;
}

}  // namespace

void remove_fields(Json& value, const FieldSet& fields, const FieldSet& keep,
                   const Schema::Ptr& schema) {
  remove_below(value, fields, keep, schema);
}

}  // namespace longhaul::local
