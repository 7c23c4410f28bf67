#include "local/api/discovery.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace longhaul::local {
namespace {

Json resource_list(std::string_view group, std::string_view version,
                   const std::vector<Kind::Ptr>& kinds) {
  Json resources = Json::array();
  for (const Kind::Ptr& kind : kinds) {
    if (kind->group != group || kind->version != version) continue;
    Json one{{"name", kind->plural},
             {"singularName", kind->singular},
             {"namespaced", kind->namespaced},
             {"kind", kind->name},
             {"verbs",
              {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}}};
    if (!kind->short_names.empty()) one["shortNames"] = kind->short_names;
    if (!kind->categories.empty()) one["categories"] = kind->categories;
    resources.push_back(std::move(one));
    if (kind->has_status)
      resources.push_back({{"name", kind->plural + "/status"},
                           {"singularName", ""},
                           {"namespaced", kind->namespaced},
                           {"kind", kind->name},
                           {"verbs", {"get", "patch", "update"}}});
  }
  std::string api_version(group);
  if (!group.empty()) api_version += "/";
  api_version.append(version);
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", api_version},
          {"resources", std::move(resources)}};
}

Json group_of(const std::string& name, const std::set<std::string>& versions) {
  Json list = Json::array();
  for (const std::string& version : versions)
    list.push_back({{"groupVersion", name + "/" + version}, {"version", version}});
  Json preferred = list.front();
  return {{"kind", "APIGroup"},
          {"apiVersion", "v1"},
          {"name", name},
          {"versions", std::move(list)},
          {"preferredVersion", std::move(preferred)}};
}

std::map<std::string, std::set<std::string>> groups_of(const std::vector<Kind::Ptr>& kinds) {
  std::map<std::string, std::set<std::string>> groups;
  for (const Kind::Ptr& kind : kinds)
    if (!kind->group.empty()) groups[kind->group].insert(kind->version);
  return groups;
}

}  // namespace

std::optional<Json> discovery(std::string_view path, const std::vector<Kind::Ptr>& kinds,
                              std::string_view server_address) {
  if (path == "/api")
    return Json{{"kind", "APIVersions"},
                {"versions", {"v1"}},
                {"serverAddressByClientCIDRs",
                 Json::array({Json{{"clientCIDR", "0.0.0.0/0"},
                                   {"serverAddress", std::string(server_address)}}})}};
  if (path == "/version")
    return Json{{"major", "1"},    {"minor", "34"},      {"gitVersion", "v1.34.0-longhaul"},
                {"gitCommit", ""}, {"gitTreeState", ""}, {"buildDate", "1970-01-01T00:00:00Z"},
                {"goVersion", ""}, {"compiler", ""},     {"platform", "linux/amd64"}};
  if (path == "/api/v1") return resource_list("", "v1", kinds);
  auto groups = groups_of(kinds);
  if (path == "/apis") {
    Json list = Json::array();
    for (auto& [name, versions] : groups) list.push_back(group_of(name, versions));
    return Json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}};
  }
  if (!path.starts_with("/apis/")) return std::nullopt;
  path.remove_prefix(6);
  size_t slash = path.find('/');
  auto group = groups.find(std::string(path.substr(0, slash)));
  if (group == groups.end()) return std::nullopt;
  if (slash == path.npos) return group_of(group->first, group->second);
  std::string version(path.substr(slash + 1));
  if (!group->second.contains(version)) return std::nullopt;
  return resource_list(group->first, version, kinds);
}

}  // namespace longhaul::local
