#include "local/api/text.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace longhaul::local {
namespace {

using base::Errc;
using base::Result;

constexpr int kMaxDepth = 100;
constexpr size_t kMaxValues = 1'000'000;

/// Thrown inside this file only.
struct Refused {
  std::string why;
};

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (std::string_view word : words)
    if (text == word) return true;
  return false;
}

bool parse_integer(std::string_view text, Json& out) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  if (text.starts_with("0b")) base = 2;
  if (base != 10) text.remove_prefix(2);
  if (base == 10 && text.size() > 1 && text.starts_with('0')) {
    base = 8;  // YAML 1.1
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (!negative) {
    out = value <= uint64_t(INT64_MAX) ? Json(int64_t(value)) : Json(value);
  } else {
    if (value > uint64_t(INT64_MAX)) return false;
    out = -int64_t(value);
  }
  return true;
}

bool parse_float(const std::string& text, Json& out) {
  if (text.find_first_not_of("0123456789+-.eE") != text.npos ||
      text.find_first_of("0123456789") == text.npos)
    return false;
  char* end = nullptr;
  double value = strtod(text.c_str(), &end);
  if (*end != 0 || !std::isfinite(value)) return false;
  out = value;
  return true;
}

Json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str" || node.Tag() == "!!str")
    return text;  // quoted, or said to be a string
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}))
    return false;
  Json number;
  if (parse_integer(text, number) || parse_float(text, number)) return number;
  return text;
}

Json convert(const YAML::Node& node, int depth, size_t& budget,
             std::vector<std::string>* duplicates) {
  if (depth > kMaxDepth) throw Refused{"the YAML is nested too deeply"};
  if (budget-- == 0) throw Refused{"the YAML has too many values"};
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return scalar(node);
    case YAML::NodeType::Sequence: {
      Json list = Json::array();
      for (const YAML::Node& item : node)
        list.push_back(convert(item, depth + 1, budget, duplicates));
      return list;
    }
    case YAML::NodeType::Map: {
      Json map = Json::object();
      for (const auto& entry : node) {
        if (!entry.first.IsScalar())
          throw Refused{fmt::format("line {}: a field name must be a plain word",
                                    entry.first.Mark().line + 1)};
        const std::string& name = entry.first.Scalar();
        if (duplicates && map.contains(name)) duplicates->push_back(name);
        map[name] = convert(entry.second, depth + 1, budget, duplicates);
      }
      return map;
    }
    default:
      return nullptr;
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::vector<std::string>* duplicates) {
  std::vector<std::set<std::string>> open;
  auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) throw Refused{"the JSON is nested too deeply"};
    if (!duplicates) return true;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
      duplicates->push_back(value.get<std::string>());
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& error) {
    return base::fail(Errc::kInvalidArgument, error.what());
  } catch (const Refused& refused) {
    return base::fail(Errc::kInvalidArgument, refused.why);
  }
}

Result<std::vector<Json>> parse_yaml(std::string_view text, std::vector<std::string>* duplicates) {
  try {
    std::vector<Json> documents;
    size_t budget = kMaxValues;
    for (const YAML::Node& node : YAML::LoadAll(std::string(text)))
      if (!node.IsNull()) documents.push_back(convert(node, 0, budget, duplicates));
    return documents;
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return base::fail(Errc::kInvalidArgument, "not YAML: " + error.msg);
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("not YAML: line {}, column {}: {}", error.mark.line + 1,
                                  error.mark.column + 1, error.msg));
  } catch (const Refused& refused) {
    return base::fail(Errc::kInvalidArgument, refused.why);
  }
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace longhaul::local
