#include "local/api/validate.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

namespace longhaul::local {
namespace {

constexpr size_t kMaxCauses = 20;

Schema::Ptr child_schema(const Schema::Ptr& schema, const std::string& name) {
  return schema ? schema->field(name) : nullptr;
}

bool is_type_meta(const std::string& name) {
  return name == "apiVersion" || name == "kind" || name == "metadata";
}

void prune(Json& value, const Schema::Ptr& schema, const std::string& path, bool resource_root,
           std::vector<std::string>& pruned) {
  if (!schema) return;
  if (value.is_array() && schema->items) {
    for (size_t i = 0; i < value.size(); ++i)
      prune(value[i], schema->items, path + "[" + std::to_string(i) + "]", false, pruned);
    return;
  }
  if (!value.is_object()) return;
  for (auto at = value.begin(); at != value.end();) {
    if (resource_root && is_type_meta(at.key())) {
      ++at;
      continue;
    }
    std::string below = path.empty() ? at.key() : path + "." + at.key();
    Schema::Ptr child = schema->field(at.key());
    if (child) {
      prune(*at, child, below, child->embedded_resource, pruned);
      ++at;
    } else if (schema->preserve_unknown) {
      ++at;
    } else {
      pruned.push_back(below);
      at = value.erase(at);
    }
  }
}

/// Collects what is wrong, with paths.
class Validator {
 public:
  std::vector<Cause> causes;

  void check(const Json& value, const Schema& schema, const std::string& path) {
    if (causes.size() >= kMaxCauses) return;
    if (value.is_null() && schema.nullable) return;
    if (!check_type(value, schema, path)) return;
    check_enum(value, schema, path);
    if (value.is_string()) check_string(value, schema, path);
    if (value.is_number()) check_number(value, schema, path);
    if (value.is_array()) check_array(value, schema, path);
    if (value.is_object()) check_object(value, schema, path);
    check_logic(value, schema, path);
  }

 private:
  void add(const char* reason, const std::string& path, std::string message) {
    if (causes.size() < kMaxCauses) causes.push_back({reason, std::move(message), path});
  }
  void add_invalid(const Json& value, const std::string& path, const std::string& why) {
    std::string shown = value.is_structured() ? value.type_name() : value.dump();
    add("FieldValueInvalid", path, "Invalid value: " + shown + ": " + path + " " + why);
  }

  static bool has_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "number") return value.is_number();
    if (type == "integer")
      return value.is_number_integer() ||
             (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
    return true;
  }

  bool check_type(const Json& value, const Schema& schema, const std::string& path) {
    if (schema.int_or_string) {
      if (value.is_string() || has_type(value, "integer")) return true;
    } else if (schema.type.empty() || has_type(value, schema.type)) {
      return true;
    }
    std::string wanted = schema.int_or_string ? "integer,string" : schema.type;
    add("FieldValueTypeInvalid", path,
        "Invalid value: \"" + std::string(value.type_name()) + "\": " + path +
            " in body must be of type " + wanted + ": \"" + value.type_name() + "\"");
    return false;
  }

  void check_enum(const Json& value, const Schema& schema, const std::string& path) {
    if (!schema.enumeration) return;
    std::string supported;
    for (const Json& one : *schema.enumeration) {
      if (one == value) return;
      supported += (supported.empty() ? "" : ", ") + one.dump();
    }
    add("FieldValueNotSupported", path,
        "Unsupported value: " + value.dump() + ": supported values: " + supported);
  }

  void check_string(const Json& value, const Schema& schema, const std::string& path) {
    const auto& text = value.get_ref<const std::string&>();
    size_t length = 0;  // in code points, as JSON Schema counts
    for (char c : text) length += (c & 0xC0) != 0x80;
    if (schema.min_length && length < *schema.min_length)
      add_invalid(value, path,
                  "should be at least " + std::to_string(*schema.min_length) + " chars long");
    if (schema.max_length && length > *schema.max_length)
      add("FieldValueTooLong", path,
          "Too long: may not be more than " + std::to_string(*schema.max_length) + " bytes");
    if (schema.pattern.empty()) return;
    if (text.size() > 4096) return add_invalid(value, path, "is too long to match its pattern");
    try {
      if (!std::regex_search(text, std::regex(schema.pattern)))
        add_invalid(value, path, "in body should match '" + schema.pattern + "'");
    } catch (const std::regex_error& error) {
      add_invalid(value, path, "has a pattern that cannot be used: " + std::string(error.what()));
    }
  }

  void check_number(const Json& value, const Schema& schema, const std::string& path) {
    double number = value.get<double>();
    auto limit = [](double n) {
      return Json(n == std::trunc(n) ? Json(int64_t(n)) : Json(n)).dump();
    };
    if (schema.minimum) {
      bool ok = schema.exclusive_minimum ? number > *schema.minimum : number >= *schema.minimum;
      const char* what = schema.exclusive_minimum ? "should be greater than "
                                                  : "should be greater than or equal to ";
      if (!ok) add_invalid(value, path, "in body " + (what + limit(*schema.minimum)));
    }
    if (schema.maximum) {
      bool ok = schema.exclusive_maximum ? number < *schema.maximum : number <= *schema.maximum;
      const char* what =
          schema.exclusive_maximum ? "should be less than " : "should be less than or equal to ";
      if (!ok) add_invalid(value, path, "in body " + (what + limit(*schema.maximum)));
    }
    if (schema.multiple_of && std::fmod(number, *schema.multiple_of) != 0)
      add_invalid(value, path, "in body should be a multiple of " + limit(*schema.multiple_of));
    if ((schema.format == "int32") && (number < -2147483648.0 || number > 2147483647.0))
      add_invalid(value, path, "in body must be of type int32");
  }

  void check_array(const Json& value, const Schema& schema, const std::string& path) {
    if (schema.min_items && value.size() < *schema.min_items)
      add_invalid(value, path,
                  "should have at least " + std::to_string(*schema.min_items) + " items");
    if (schema.max_items && value.size() > *schema.max_items)
      add("FieldValueTooMany", path,
          "Too many: " + std::to_string(value.size()) + ": must have at most " +
              std::to_string(*schema.max_items) + " items");
    if (schema.items)
      for (size_t i = 0; i < value.size(); ++i)
        check(value[i], *schema.items, path + "[" + std::to_string(i) + "]");
    if (schema.list_type != ListType::kAtomic) check_unique(value, schema, path);
  }

  void check_unique(const Json& value, const Schema& schema, const std::string& path) {
    std::map<std::string, bool> seen;
    for (size_t i = 0; i < value.size(); ++i) {
      Json key = value[i];
      if (schema.list_type == ListType::kMap) {
        key = Json::object();
        for (const std::string& name : schema.list_keys)
          key[name] = list_key_value(value[i], schema, name);
      }
      if (std::exchange(seen[key.dump()], true))
        add("FieldValueDuplicate", path + "[" + std::to_string(i) + "]",
            "Duplicate value: " + key.dump());
    }
  }

  void check_object(const Json& value, const Schema& schema, const std::string& path) {
    std::string prefix = path.empty() ? "" : path + ".";
    for (const std::string& name : schema.required)
      if (!value.contains(name)) add("FieldValueRequired", prefix + name, "Required value");
    if (schema.min_properties && value.size() < *schema.min_properties)
      add_invalid(value, path,
                  "should have at least " + std::to_string(*schema.min_properties) + " properties");
    if (schema.max_properties && value.size() > *schema.max_properties)
      add_invalid(value, path,
                  "should have at most " + std::to_string(*schema.max_properties) + " properties");
    for (auto& [name, child] : value.items()) {
      if (Schema::Ptr below = schema.field(name)) check(child, *below, prefix + name);
    }
  }

  bool fits(const Json& value, const Schema& schema, const std::string& path) {
    Validator inner;
    inner.check(value, schema, path);
    return inner.causes.empty();
  }

  void check_logic(const Json& value, const Schema& schema, const std::string& path) {
    for (const Schema::Ptr& part : schema.all_of) check(value, *part, path);
    size_t any = 0, one = 0;
    for (const Schema::Ptr& part : schema.any_of) any += fits(value, *part, path);
    for (const Schema::Ptr& part : schema.one_of) one += fits(value, *part, path);
    if (!schema.any_of.empty() && any == 0)
      add_invalid(value, path, "in body must validate at least one schema (anyOf)");
    if (!schema.one_of.empty() && one != 1)
      add_invalid(value, path, "in body must validate one and only one schema (oneOf)");
    if (schema.not_schema && fits(value, *schema.not_schema, path))
      add_invalid(value, path, "in body must not validate the schema (not)");
  }
};

// Items of lists are compared where a key tells which is which, as in Kubernetes.
void find_changes(const Json& before, const Json& after, const Schema& schema,
                  const std::string& path, std::vector<Cause>& causes) {
  if (!schema.fixed_message.empty() && before != after)
    causes.push_back({"FieldValueInvalid", "Invalid value: " + schema.fixed_message, path});
  if (before.is_object() && after.is_object())
    for (auto& [name, old] : before.items()) {
      auto next = after.find(name);
      Schema::Ptr child = schema.field(name);
      if (child && next != after.end())
        find_changes(old, *next, *child, path.empty() ? name : path + "." + name, causes);
    }
  if (!before.is_array() || !after.is_array() || schema.list_type != ListType::kMap ||
      !schema.items)
    return;
  for (const Json& old : before)
    for (size_t i = 0; i < after.size(); ++i) {
      bool same = true;
      for (const std::string& key : schema.list_keys)
        same &= list_key_value(old, schema, key) == list_key_value(after[i], schema, key);
      if (same)
        find_changes(old, after[i], *schema.items, path + "[" + std::to_string(i) + "]", causes);
    }
}

}  // namespace

std::vector<Cause> forbidden_changes(const Json& before, const Json& after,
                                     const Schema::Ptr& schema) {
  std::vector<Cause> causes;
  if (schema) find_changes(before, after, *schema, "", causes);
  return causes;
}

void drop_nulls(Json& value, const Schema::Ptr& schema) {
  if (value.is_array())
    for (Json& item : value) drop_nulls(item, schema ? schema->items : nullptr);
  if (!value.is_object()) return;
  for (auto at = value.begin(); at != value.end();) {
    Schema::Ptr child = child_schema(schema, at.key());
    bool allowed = child ? child->nullable : schema && schema->preserve_unknown;
    if (at->is_null() && !allowed) {
      at = value.erase(at);
    } else {
      drop_nulls(*at, child);
      ++at;
    }
  }
}

std::vector<std::string> prune_unknown(Json& object, const Schema::Ptr& schema) {
  std::vector<std::string> pruned;
  prune(object, schema, "", true, pruned);
  return pruned;
}

void set_defaults(Json& value, const Schema::Ptr& schema) {
  if (!schema) return;
  if (value.is_array() && schema->items)
    for (Json& item : value) set_defaults(item, schema->items);
  if (!value.is_object()) return;
  for (auto& [name, child] : schema->properties)
    if (child->default_value && !value.contains(name)) value[name] = *child->default_value;
  for (auto& [name, child] : value.items())
    if (Schema::Ptr below = schema->field(name)) set_defaults(child, below);
}

std::vector<Cause> violations(const Json& object, const Schema::Ptr& schema) {
  Validator validator;
  if (schema) validator.check(object, *schema, "");
  return std::move(validator.causes);
}

}  // namespace longhaul::local
