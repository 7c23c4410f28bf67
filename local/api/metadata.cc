#include "local/api/metadata.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

constexpr const char* kServerOwned[] = {
    "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "generation", "resourceVersion",   "managedFields",     "namespace",
    "name",       "generateName"};

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_dns_label(std::string_view text, size_t most) {
  if (text.empty() || text.size() > most) return false;
  if (!is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot), 253)) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_label_name(std::string_view text) {
  auto alnum = [](unsigned char c) { return std::isalnum(c) != 0; };
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](unsigned char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_qualified_name(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == text.npos) return is_label_name(text);
  return is_dns_subdomain(text.substr(0, slash)) && is_label_name(text.substr(slash + 1));
}

void check_name(const Kind& kind, const Json& object, std::vector<Cause>& causes) {
  std::string name = string_at(object, {"metadata", "name"});
  if (name.empty()) {
    causes.push_back({"FieldValueRequired", "Required value: name or generateName is required",
                      "metadata.name"});
    return;
  }
  if (kind.group == "rbac.authorization.k8s.io") return;  // any path segment
  if (kind.name == "Namespace" || kind.name == "Service") {
    if (!is_dns_label(name, 63))
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: \"" + name +
                            "\": a lowercase RFC 1123 label must consist of lower case "
                            "alphanumeric characters or '-', and must start and end with an "
                            "alphanumeric character, at most 63 of them",
                        "metadata.name"});
  } else if (!is_dns_subdomain(name)) {
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: \"" + name +
                          "\": a lowercase RFC 1123 subdomain must consist of lower case "
                          "alphanumeric characters, '-' or '.', and must start and end with an "
                          "alphanumeric character",
                      "metadata.name"});
  }
}

void check_map(const Json& object, const std::string& field, bool label_values,
               std::vector<Cause>& causes) {
  const Json& map = at_path(object, {"metadata", field});
  std::string path = "metadata." + field;
  if (map.is_null()) return;
  if (!map.is_object()) {
    causes.push_back({"FieldValueTypeInvalid", "Invalid value: must be a map", path});
    return;
  }
  for (auto& [key, value] : map.items()) {
    if (!is_qualified_name(key))
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: \"" + key +
                            "\": name part must consist of alphanumeric "
                            "characters, '-', '_' or '.'",
                        path});
    bool ok = value.is_string();
    if (ok && label_values) {
      const auto& text = value.get_ref<const std::string&>();
      ok = text.empty() || is_label_name(text);
    }
    if (!ok)
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: " + value.dump() +
                            (label_values ? ": a valid label must be an empty string or consist of "
                                            "at most 63 alphanumeric characters, '-', '_' or '.'"
                                          : ": must be a string"),
                        path + "." + key});
  }
}

}  // namespace

std::vector<Cause> metadata_violations(const Kind& kind, const Json& object) {
  std::vector<Cause> causes;
  check_name(kind, object, causes);
  check_map(object, "labels", true, causes);
  check_map(object, "annotations", false, causes);
  const Json& finalizers = at_path(object, {"metadata", "finalizers"});
  if (!finalizers.is_null() && !finalizers.is_array())
    causes.push_back(
        {"FieldValueTypeInvalid", "Invalid value: must be a list", "metadata.finalizers"});
  for (const Json& finalizer : finalizers)
    if (!finalizer.is_string() || !is_qualified_name(finalizer.get_ref<const std::string&>()))
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: " + finalizer.dump() + ": must be a qualified name",
                        "metadata.finalizers"});
  const Json& owners = at_path(object, {"metadata", "ownerReferences"});
  if (!owners.is_null() && !owners.is_array())
    causes.push_back(
        {"FieldValueTypeInvalid", "Invalid value: must be a list", "metadata.ownerReferences"});
  for (const Json& owner : owners)
    for (std::string_view field : {"apiVersion", "kind", "name", "uid"})
      if (string_at(owner, {field}).empty())
        causes.push_back({"FieldValueRequired", "Required value",
                          "metadata.ownerReferences." + std::string(field)});
  return causes;
}

std::string new_uid(base::Random& random) {
  uint8_t bytes[16];
  base::store_big_endian(bytes, random.next());
  base::store_big_endian(bytes + 8, random.next());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string hex = base::to_hex(bytes);
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

std::string generated_name(std::string_view prefix, base::Random& random) {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string name(prefix.substr(0, 58));
  for (int i = 0; i < 5; ++i) name += kLetters[random.below(kLetters.size())];
  return name;
}

void carry_over_metadata(const Json& before, Json& next) {
  const Json& old = before.at("metadata");
  Json& metadata = next["metadata"];
  for (const char* name : kServerOwned) {
    if (auto found = old.find(name); found != old.end())
      metadata[name] = *found;
    else
      metadata.erase(name);
  }
}

bool has_finalizers(const Json& object) {
  return !op::kube::at_path(object, {"metadata", "finalizers"}).empty();
}

void add_finalizer(Json& object, const std::string& finalizer) {
  if (op::kube::has_finalizer(object, finalizer)) return;
  Json& list = object["metadata"]["finalizers"];
  if (!list.is_array()) list = Json::array();
  list.push_back(finalizer);
}

void remove_finalizer(Json& object, const std::string& finalizer) {
  Json& metadata = object["metadata"];
  auto list = metadata.find("finalizers");
  if (list == metadata.end()) return;
  Json left = Json::array();
  for (const Json& one : *list)
    if (one != finalizer) left.push_back(one);
  if (left.empty())
    metadata.erase("finalizers");
  else
    *list = std::move(left);
}

}  // namespace longhaul::local
