#include "operator/kube/object.h"

#include <fmt/core.h>
#include <time.h>

#include <nlohmann/json.hpp>

namespace longhaul::op::kube {
namespace {

const Json kNull;

bool matches_one(const Json& labels, std::string_view term) {
  while (!term.empty() && term.front() == ' ') term.remove_prefix(1);
  while (!term.empty() && term.back() == ' ') term.remove_suffix(1);
  if (term.empty()) return true;
  auto value_of = [&](std::string_view key) -> const Json* {
    if (!labels.is_object()) return nullptr;
    auto found = labels.find(std::string(key));
    return found == labels.end() ? nullptr : &*found;
  };
  auto equals = [&](std::string_view key, std::string_view value) {
    const Json* label = value_of(key);
    return label && label->is_string() && label->get_ref<const std::string&>() == value;
  };
  if (auto at = term.find("!="); at != term.npos)
    return !equals(term.substr(0, at), term.substr(at + 2));
  if (auto at = term.find("=="); at != term.npos)
    return equals(term.substr(0, at), term.substr(at + 2));
  if (auto at = term.find('='); at != term.npos)
    return equals(term.substr(0, at), term.substr(at + 1));
  if (term.front() == '!') return value_of(term.substr(1)) == nullptr;
  return value_of(term) != nullptr;
}

tm utc(int64_t wall_ms) {
  time_t seconds = wall_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

}  // namespace

base::Result<Json> parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return base::fail(base::Errc::kInvalidArgument, error.what());
  }
}

const Json& at_path(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* at = &object;
  for (std::string_view field : path) {
    if (!at->is_object()) return kNull;
    auto found = at->find(std::string(field));
    if (found == at->end()) return kNull;
    at = &*found;
  }
  return *at;
}

std::string string_at(const Json& object, std::initializer_list<std::string_view> path,
                      std::string_view fallback) {
  const Json& value = at_path(object, path);
  return value.is_string() ? value.get<std::string>() : std::string(fallback);
}

int64_t int_at(const Json& object, std::initializer_list<std::string_view> path, int64_t fallback) {
  const Json& value = at_path(object, path);
  return value.is_number_integer() ? value.get<int64_t>() : fallback;
}

std::string api_version_of(const Json& object) { return string_at(object, {"apiVersion"}); }
std::string kind_of(const Json& object) { return string_at(object, {"kind"}); }
std::string name_of(const Json& object) { return string_at(object, {"metadata", "name"}); }
std::string namespace_of(const Json& object) {
  return string_at(object, {"metadata", "namespace"});
}
std::string uid_of(const Json& object) { return string_at(object, {"metadata", "uid"}); }
std::string resource_version_of(const Json& object) {
  return string_at(object, {"metadata", "resourceVersion"});
}
int64_t generation_of(const Json& object) { return int_at(object, {"metadata", "generation"}); }
bool is_deleting(const Json& object) {
  return at_path(object, {"metadata", "deletionTimestamp"}).is_string();
}
std::string label_of(const Json& object, std::string_view key) {
  return string_at(object, {"metadata", "labels", key});
}
std::string annotation_of(const Json& object, std::string_view key) {
  return string_at(object, {"metadata", "annotations", key});
}

std::vector<std::string> finalizers_of(const Json& object) {
  std::vector<std::string> names;
  for (const Json& name : at_path(object, {"metadata", "finalizers"}))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

bool has_finalizer(const Json& object, std::string_view finalizer) {
  for (const Json& name : at_path(object, {"metadata", "finalizers"}))
    if (name.is_string() && name.get_ref<const std::string&>() == finalizer) return true;
  return false;
}

bool matches_labels(const Json& object, std::string_view selector) {
  const Json& labels = at_path(object, {"metadata", "labels"});
  while (!selector.empty()) {
    size_t comma = selector.find(',');
    if (!matches_one(labels, selector.substr(0, comma))) return false;
    if (comma == selector.npos) break;
    selector.remove_prefix(comma + 1);
  }
  return true;
}

Json make_object(const ResourceType& type, std::string_view name_space, std::string_view name) {
  Json object{{"apiVersion", type.api_version()},
              {"kind", std::string(type.kind)},
              {"metadata", {{"name", std::string(name)}}}};
  if (type.namespaced) object["metadata"]["namespace"] = std::string(name_space);
  return object;
}

Json owner_reference(const Json& owner) {
  return {{"apiVersion", api_version_of(owner)},
          {"kind", kind_of(owner)},
          {"name", name_of(owner)},
          {"uid", uid_of(owner)},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

bool set_condition(Json& conditions, const Condition& condition, std::string_view now) {
  Json entry{{"type", condition.type},
             {"status", condition.status},
             {"reason", condition.reason},
             {"message", condition.message},
             {"observedGeneration", condition.observed_generation},
             {"lastTransitionTime", std::string(now)}};
  if (!conditions.is_array()) conditions = Json::array();
  for (Json& old : conditions) {
    if (string_at(old, {"type"}) != condition.type) continue;
    if (string_at(old, {"status"}) == condition.status)
      entry["lastTransitionTime"] = string_at(old, {"lastTransitionTime"}, now);
    if (old == entry) return false;
    old = std::move(entry);
    return true;
  }
  conditions.push_back(std::move(entry));
  return true;
}

const Json& condition_of(const Json& object, std::string_view type) {
  for (const Json& condition : at_path(object, {"status", "conditions"}))
    if (string_at(condition, {"type"}) == type) return condition;
  return kNull;
}

std::string format_time(int64_t wall_ms) {
  tm t = utc(wall_ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string format_micro_time(int64_t wall_ms) {
  std::string text = format_time(wall_ms);
  text.pop_back();
  return text + fmt::format(".{:06}Z", wall_ms % 1000 * 1000);
}

base::Result<int64_t> parse_time(std::string_view text) {
  std::string copy(text);
  tm t{};
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &t);
  auto bad = [&] {
    return base::fail(base::Errc::kInvalidArgument, "not an RFC 3339 time: \"" + copy + "\"");
  };
  if (!rest) return bad();
  int64_t ms = 0;
  if (*rest == '.') {
    int64_t scale = 100;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) ms += (*rest - '0') * scale;
  }
  int64_t offset_minutes = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0, minutes = 0;
    if (sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return bad();
    offset_minutes = (hours * 60 + minutes) * (*rest == '-' ? -1 : 1);
  } else if (*rest != 'Z') {
    return bad();
  }
  return (static_cast<int64_t>(timegm(&t)) - offset_minutes * 60) * 1000 + ms;
}

}  // namespace longhaul::op::kube
