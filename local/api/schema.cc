#include "local/api/schema.h"

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace longhaul::local {
namespace {

constexpr int kMaxDepth = 64;

Answer<Schema::Ptr> parse(const Json& from, int depth);

template <class T>
void read(const Json& from, const char* name, T& into) {
  if (auto found = from.find(name); found != from.end()) into = found->get<T>();
}
template <class T>
void read_optional(const Json& from, const char* name, std::optional<T>& into) {
  if (auto found = from.find(name); found != from.end()) into = found->get<T>();
}

Answer<void> parse_list(const Json& from, const char* name, std::vector<Schema::Ptr>& into,
                        int depth) {
  auto found = from.find(name);
  if (found == from.end()) return {};
  for (const Json& one : *found) {
    LH_TRY(parse(one, depth).map([&](Schema::Ptr child) { into.push_back(child); }));
  }
  return {};
}

Answer<void> parse_children(const Json& from, Schema& schema, int depth) {
  if (auto properties = from.find("properties"); properties != from.end())
    for (auto& [name, child] : properties->items()) {
      LH_ASSIGN(schema.properties[name], parse(child, depth));
    }
  if (auto additional = from.find("additionalProperties"); additional != from.end()) {
    if (additional->is_object()) {
      LH_ASSIGN(schema.additional, parse(*additional, depth));
    } else if (additional->get<bool>()) {
      schema.preserve_unknown = true;
    }
  }
  if (auto items = from.find("items"); items != from.end()) {
    LH_ASSIGN(schema.items, parse(*items, depth));
  }
  if (auto negated = from.find("not"); negated != from.end()) {
    LH_ASSIGN(schema.not_schema, parse(*negated, depth));
  }
  LH_TRY(parse_list(from, "allOf", schema.all_of, depth));
  LH_TRY(parse_list(from, "anyOf", schema.any_of, depth));
  return parse_list(from, "oneOf", schema.one_of, depth);
}

void parse_scalars(const Json& from, Schema& schema) {
  read(from, "type", schema.type);
  read(from, "nullable", schema.nullable);
  read(from, "x-kubernetes-preserve-unknown-fields", schema.preserve_unknown);
  read(from, "x-kubernetes-embedded-resource", schema.embedded_resource);
  read(from, "x-kubernetes-int-or-string", schema.int_or_string);
  read(from, "required", schema.required);
  read(from, "pattern", schema.pattern);
  read(from, "format", schema.format);
  read(from, "exclusiveMinimum", schema.exclusive_minimum);
  read(from, "exclusiveMaximum", schema.exclusive_maximum);
  read_optional(from, "minimum", schema.minimum);
  read_optional(from, "maximum", schema.maximum);
  read_optional(from, "multipleOf", schema.multiple_of);
  read_optional(from, "minLength", schema.min_length);
  read_optional(from, "maxLength", schema.max_length);
  read_optional(from, "minItems", schema.min_items);
  read_optional(from, "maxItems", schema.max_items);
  read_optional(from, "minProperties", schema.min_properties);
  read_optional(from, "maxProperties", schema.max_properties);
  if (auto value = from.find("enum"); value != from.end())
    schema.enumeration = std::make_shared<Json>(*value);
  if (auto value = from.find("default"); value != from.end())
    schema.default_value = std::make_shared<Json>(*value);
  if (auto rules = from.find("x-kubernetes-validations"); rules != from.end())
    for (const Json& rule : *rules)
      if (rule.value("rule", "") == "self == oldSelf")
        schema.fixed_message = rule.value("message", "the value may not change");
  std::string list_type, map_type;
  read(from, "x-kubernetes-list-type", list_type);
  read(from, "x-kubernetes-map-type", map_type);
  read(from, "x-kubernetes-list-map-keys", schema.list_keys);
  if (list_type == "set") schema.list_type = ListType::kSet;
  if (list_type == "map") schema.list_type = ListType::kMap;
  schema.atomic_map = map_type == "atomic";
}

Answer<Schema::Ptr> parse(const Json& from, int depth) {
  if (depth > kMaxDepth) return refuse(422, "Invalid", "the schema is nested too deeply");
  if (!from.is_object()) return refuse(422, "Invalid", "a schema must be an object");
  auto schema = std::make_shared<Schema>();
  try {
    parse_scalars(from, *schema);
    LH_TRY(parse_children(from, *schema, depth + 1));
  } catch (const Json::exception& error) {
    return refuse(422, "Invalid", std::string("the schema is malformed: ") + error.what());
  }
  if (schema->list_type == ListType::kMap && schema->list_keys.empty())
    return refuse(422, "Invalid",
                  "x-kubernetes-list-map-keys: Required value: must not be empty if "
                  "x-kubernetes-list-type is map");
  return schema;
}

}  // namespace

Schema::Ptr Schema::field(const std::string& name) const {
  auto found = properties.find(name);
  return found != properties.end() ? found->second : additional;
}

Answer<Schema::Ptr> parse_schema(const Json& open_api) { return parse(open_api, 0); }

Json list_key_value(const Json& item, const Schema& list, const std::string& key) {
  if (!item.is_object()) return nullptr;
  if (auto found = item.find(key); found != item.end()) return *found;
  if (list.items)
    if (Schema::Ptr field = list.items->field(key); field && field->default_value)
      return *field->default_value;
  return nullptr;
}

}  // namespace longhaul::local
