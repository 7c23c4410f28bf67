#include "operator/api/field_reader.h"

#include <nlohmann/json.hpp>

namespace longhaul::op::api {

std::string join(const FieldErrors& errors, size_t limit) {
  std::string out;
  for (size_t i = 0; i < errors.size() && i < limit; ++i)
    out += (i ? "; " : "") + errors[i].to_string();
  if (errors.size() > limit) out += "; and " + std::to_string(errors.size() - limit) + " more";
  return out;
}

FieldReader::FieldReader(const Json& object, std::string path, FieldErrors& errors)
    : object_(object.is_object() ? &object : nullptr), path_(std::move(path)), errors_(errors) {
  if (!object_) errors_.push_back({path_, std::string("must be a map, not ") + object.type_name()});
}

const Json* FieldReader::field(const char* name) {
  known_.insert(name);
  if (!object_) return nullptr;
  auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool FieldReader::has(const char* name) const { return object_ && object_->contains(name); }

void FieldReader::wrong_type(const char* name, const char* expected, const Json& found) {
  fail(name, std::string("must be ") + expected + ", not " + found.type_name());
}

std::string FieldReader::text(const char* name, std::string fallback) {
  const Json* value = field(name);
  if (!value) return fallback;
  if (value->is_string()) return value->get<std::string>();
  wrong_type(name, "a text", *value);
  return fallback;
}

int64_t FieldReader::integer(const char* name, int64_t fallback) {
  const Json* value = field(name);
  if (!value) return fallback;
  if (value->is_number_integer()) return value->get<int64_t>();
  wrong_type(name, "a whole number", *value);
  return fallback;
}

bool FieldReader::boolean(const char* name, bool fallback) {
  const Json* value = field(name);
  if (!value) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(name, "true or false", *value);
  return fallback;
}

std::vector<std::string> FieldReader::texts(const char* name) {
  std::vector<std::string> out;
  size_t index = 0;
  for (const Json* element : list(name)) {
    if (element->is_string())
      out.push_back(element->get<std::string>());
    else
      errors_.push_back({path_of(name, index), "must be a text"});
    ++index;
  }
  return out;
}

std::map<std::string, std::string> FieldReader::scalars(const char* name) {
  std::map<std::string, std::string> out;
  const Json* map = object(name);
  if (!map) return out;
  for (const auto& [key, value] : map->items()) {
    if (value.is_string())
      out[key] = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      out[key] = value.dump();
    else
      errors_.push_back({path_of(name) + "[" + key + "]", "must be a text, a number or a boolean"});
  }
  return out;
}

const Json* FieldReader::object(const char* name) {
  const Json* value = field(name);
  if (!value || value->is_object()) return value;
  wrong_type(name, "a map", *value);
  return nullptr;
}

std::vector<const Json*> FieldReader::list(const char* name) {
  std::vector<const Json*> out;
  const Json* value = field(name);
  if (!value) return out;
  if (!value->is_array()) {
    wrong_type(name, "a list", *value);
    return out;
  }
  for (const Json& element : *value) out.push_back(&element);
  return out;
}

std::string FieldReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

std::string FieldReader::path_of(std::string_view name, size_t index) const {
  return path_of(name) + "[" + std::to_string(index) + "]";
}

void FieldReader::fail(std::string_view name, std::string message) {
  errors_.push_back({path_of(name), std::move(message)});
}

void FieldReader::finish() {
  if (!object_) return;
  for (const auto& [name, value] : object_->items())
    if (!known_.contains(name)) errors_.push_back({path_of(name), "unknown field"});
}

}  // namespace longhaul::op::api
