#include "local/api/table.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

const Json kNull;

std::string duration_text(int64_t seconds) {
  auto text = [](int64_t n, const char* unit) { return std::to_string(n) + unit; };
  if (seconds < 120) return text(std::max<int64_t>(seconds, 0), "s");
  if (seconds < 600) {
    std::string out = text(seconds / 60, "m");
    return seconds % 60 ? out + text(seconds % 60, "s") : out;
  }
  if (seconds < 3 * 3600) return text(seconds / 60, "m");
  if (seconds < 48 * 3600) return text(seconds / 3600, "h");
  return text(seconds / 86400, "d");
}

Json cell(const Json& object, const Column& column, int64_t now_ms) {
  const Json& value = at_json_path(object, column.path);
  if (column.type == "date") {
    if (!value.is_string()) return "<unknown>";
    auto time = op::kube::parse_time(value.get_ref<const std::string&>());
    return time ? duration_text((now_ms - *time) / 1000) : "<invalid>";
  }
  if (value.is_structured()) return value.dump();
  if (column.type == "string" && !value.is_string() && !value.is_null()) return value.dump();
  return value;
}

std::vector<Column> columns_of(const Kind& kind) {
  std::vector<Column> columns = kind.columns;
  for (const Column& column : columns)
    if (column.type == "date" && column.priority == 0) return columns;
  columns.push_back({"Age", "date", ".metadata.creationTimestamp"});
  return columns;
}

}  // namespace

const Json& at_json_path(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    if (path.starts_with("[?(@.")) {
      size_t equals = path.find("==\""), close = path.find("\")]");
      if (equals == path.npos || close == path.npos || close < equals) return kNull;
      std::string_view field = path.substr(5, equals - 5);
      std::string_view wanted = path.substr(equals + 3, close - equals - 3);
      const Json* found = &kNull;
      if (at->is_array())
        for (const Json& item : *at)
          if (found == &kNull && op::kube::string_at(item, {field}) == wanted) found = &item;
      at = found;
      path.remove_prefix(close + 3);
    } else if (path.starts_with('[')) {
      size_t index = 0;
      auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
      if (error != std::errc() || end == path.data() + path.size() || *end != ']') return kNull;
      if (!at->is_array() || index >= at->size()) return kNull;
      at = &(*at)[index];
      path.remove_prefix(static_cast<size_t>(end - path.data()) + 1);
    } else {
      if (path.starts_with('.')) path.remove_prefix(1);
      size_t end = 0;
      std::string field;
      while (end < path.size() && path[end] != '.' && path[end] != '[') {
        if (path[end] == '\\' && end + 1 < path.size()) ++end;
        field += path[end++];
      }
      if (field.empty()) return kNull;
      at = &op::kube::at_path(*at, {field});
      path.remove_prefix(end);
    }
    if (at->is_null()) return kNull;
  }
  return *at;
}

Json make_table(const Kind& kind, std::span<const ObjectPtr> objects, uint64_t revision,
                int64_t now_ms) {
  std::vector<Column> columns = columns_of(kind);
  Json definitions = Json::array();
  definitions.push_back({{"name", "Name"},
                         {"type", "string"},
                         {"format", "name"},
                         {"description", "Name of the object"},
                         {"priority", 0}});
  for (const Column& column : columns)
    definitions.push_back({{"name", column.name},
                           {"type", column.type == "date" ? "string" : column.type},
                           {"format", ""},
                           {"description", column.path},
                           {"priority", column.priority}});
  Json rows = Json::array();
  for (const ObjectPtr& object : objects) {
    Json cells = Json::array({op::kube::name_of(*object)});
    for (const Column& column : columns) cells.push_back(cell(*object, column, now_ms));
    rows.push_back({{"cells", std::move(cells)},
                    {"object",
                     {{"kind", "PartialObjectMetadata"},
                      {"apiVersion", "meta.k8s.io/v1"},
                      {"metadata", op::kube::at_path(*object, {"metadata"})}}}});
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", {{"resourceVersion", std::to_string(revision)}}},
          {"columnDefinitions", std::move(definitions)},
          {"rows", std::move(rows)}};
}

}  // namespace longhaul::local
