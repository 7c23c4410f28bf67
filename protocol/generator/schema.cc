#include "protocol/generator/schema.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <stdexcept>

#include "protocol/generator/names.h"

namespace longhaul::protocol::generator {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

std::string text_or(const YAML::Node& node, const char* key, const std::string& otherwise) {
  return node[key] ? node[key].as<std::string>() : otherwise;
}

void check_keys(const YAML::Node& node, std::initializer_list<const char*> known) {
  for (const auto& entry : node) {
    auto key = entry.first.as<std::string>();
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse("attribute \"" + key + "\" is not known to the generator");
  }
}

const std::map<std::string, Kind>& simple_kinds() {
  static const std::map<std::string, Kind> kinds = {
      {"bool", Kind::kBool},     {"int8", Kind::kInt8},       {"int16", Kind::kInt16},
      {"uint16", Kind::kUint16}, {"int32", Kind::kInt32},     {"uint32", Kind::kUint32},
      {"int64", Kind::kInt64},   {"float64", Kind::kFloat64}, {"uuid", Kind::kUuid},
      {"string", Kind::kString}, {"bytes", Kind::kBytes},     {"records", Kind::kRecords}};
  return kinds;
}

void set_type(Field& field, std::string type) {
  if (type.starts_with("[]")) {
    field.array = true;
    type = type.substr(2);
  }
  auto simple = simple_kinds().find(type);
  if (simple == simple_kinds().end()) {
    field.kind = Kind::kStruct;
    field.struct_name = type;
  } else {
    field.kind = simple->second;
  }
  if (field.kind == Kind::kInt16 && field.name.ends_with("ErrorCode"))
    field.kind = Kind::kErrorCode;
}

void check_field(const Field& field) {
  bool holds_null = field.array || field.kind == Kind::kString || field.kind == Kind::kBytes ||
                    field.kind == Kind::kRecords || field.kind == Kind::kStruct;
  if (field.can_be_null() && !holds_null) refuse("a " + field.name + " cannot be null");
  if (field.kind == Kind::kStruct && !field.array && field.can_be_null() &&
      !field.nullable.covers(field.versions))
    refuse("struct " + field.name + " must be nullable in all of its versions or none");
  if (field.default_is_null() && !field.can_be_null())
    refuse(field.name + " has the default null but is never null");
  if (field.array && field.kind == Kind::kRecords) refuse("an array of records");
}

/// `container` is what the struct that holds the field is cut to.
Field read_field(const YAML::Node& node, Versions container) {
  check_keys(node, {"name", "type", "versions", "nullable", "tagged", "tag", "default", "ignorable",
                    "key", "fields", "flexible"});
  Field field;
  field.name = node["name"].as<std::string>();
  field.member = snake_case(field.name);
  set_type(field, node["type"].as<std::string>());
  auto tagged = Versions::parse(text_or(node, "tagged", "none"));
  auto versions = Versions::parse(text_or(node, "versions", text_or(node, "tagged", "none")));
  if (versions.empty()) refuse(field.name + " has no versions");
  if (node["tag"]) {
    if (!tagged.covers(versions)) refuse(field.name + " is tagged in some of its versions only");
    field.tag = node["tag"].as<int>();
  }
  field.versions = versions.intersect(container);
  field.nullable = Versions::parse(text_or(node, "nullable", "none")).intersect(field.versions);
  field.default_value = text_or(node, "default", "");
  // A bare null in Kafka's JSON is no default at all; the tables show it so.
  if (field.default_value == "None") field.default_value.clear();
  field.ignorable = text_or(node, "ignorable", "false") == "true";
  field.never_compact = text_or(node, "flexible", "") == "none";
  check_field(field);
  return field;
}

/// Builds the structs of one message. A struct may be defined where it is used or under `structs`.
class MessageBuilder {
 public:
  MessageBuilder(Message& message, const YAML::Node& node) : message_(message) {
    check_keys(node, {"name", "kind", "apiKey", "versions", "flexible", "structs", "fields",
                      "latestVersionUnstable"});
    message_.versions = Versions::parse(node["versions"].as<std::string>());
    message_.flexible =
        Versions::parse(node["flexible"].as<std::string>()).intersect(message_.versions);
    for (const auto& entry : node["structs"]) define(entry["name"].as<std::string>(), entry);
    collect_uses(node["fields"], message_.versions, 0);
    message_.root.name = message_.name;
    message_.root.versions = message_.versions;
    message_.root.fields = read_fields(node["fields"], message_.versions);
  }

 private:
  void define(const std::string& name, const YAML::Node& node) {
    if (!definitions_.emplace(name, node["fields"]).second)
      refuse("struct " + name + " is defined twice");
  }

  /// First pass: in which versions each struct is used.
  void collect_uses(const YAML::Node& fields, Versions container, int depth) {
    if (depth > 16) refuse("structs nest too deeply");
    for (const auto& node : fields) {
      Field field = read_field(node, container);
      if (field.kind != Kind::kStruct) continue;
      if (node["fields"]) define(field.struct_name, node);
      auto definition = definitions_.find(field.struct_name);
      if (definition == definitions_.end()) refuse("type " + field.struct_name + " is not defined");
      Versions& use = uses_[field.struct_name];
      use = use.hull(field.versions);
      collect_uses(definition->second, field.versions, depth + 1);
    }
  }

  /// Second pass: reads fields, after the structs that they use.
  std::vector<Field> read_fields(const YAML::Node& nodes, Versions container) {
    std::vector<Field> fields;
    for (const auto& node : nodes) {
      fields.push_back(read_field(node, container));
      if (fields.back().kind == Kind::kStruct) build(fields.back().struct_name);
    }
    return fields;
  }

  void build(const std::string& name) {
    for (const Struct& built : message_.structs)
      if (built.name == name) return;
    Struct result{name, uses_.at(name), read_fields(definitions_.at(name), uses_.at(name))};
    message_.structs.push_back(std::move(result));
  }

  Message& message_;
  std::map<std::string, YAML::Node> definitions_;
  std::map<std::string, Versions> uses_;
};

Message::Use use_of(const std::string& kind) {
  if (kind == "header") return Message::Use::kHeader;
  if (kind == "data") return Message::Use::kData;
  if (kind == "metadata") return Message::Use::kMetadata;
  if (kind == "coordinator-key" || kind == "coordinator-value") return Message::Use::kCoordinator;
  refuse("kind \"" + kind + "\" is not known to the generator");
}

Api read_api(const YAML::Node& node) {
  check_keys(node, {"name", "apiKey", "listeners", "request", "response"});
  Api api;
  api.name = node["name"].as<std::string>();
  api.key = node["apiKey"].as<int>();
  for (const auto& listener : node["listeners"]) {
    if (listener.as<std::string>() == "broker") api.on_broker = true;
    if (listener.as<std::string>() == "controller") api.on_controller = true;
  }
  api.latest_unstable = text_or(node["request"], "latestVersionUnstable", "false") == "true";
  api.versions = Versions::parse(node["request"]["versions"].as<std::string>());
  auto flexible = Versions::parse(node["request"]["flexible"].as<std::string>());
  if (!flexible.empty()) api.first_flexible = flexible.low;
  return api;
}

Table read_table(const YAML::Node& node) {
  Table table;
  if (node["request"]) {
    table.api = read_api(node);
    for (bool request : {true, false}) {
      Message message;
      message.name = table.api->name + (request ? "Request" : "Response");
      message.use = request ? Message::Use::kRequest : Message::Use::kResponse;
      message.api_key = table.api->key;
      message.api_name = table.api->name;
      MessageBuilder(message, node[request ? "request" : "response"]);
      table.messages.push_back(std::move(message));
    }
    return table;
  }
  Message message;
  message.name = node["name"].as<std::string>();
  message.use = use_of(node["kind"].as<std::string>());
  if (node["apiKey"]) message.api_key = node["apiKey"].as<int>();
  MessageBuilder(message, node);
  table.messages.push_back(std::move(message));
  return table;
}

}  // namespace

Table load_table(const std::string& path) {
  try {
    Table table = read_table(YAML::LoadFile(path));
    table.stem = std::filesystem::path(path).stem().string();
    return table;
  } catch (const std::exception& error) {
    refuse(path + ": " + error.what());
  }
}

std::vector<ErrorCodeRow> load_error_codes(const std::string& path) {
  std::vector<ErrorCodeRow> rows;
  try {
    for (const auto& node : YAML::LoadFile(path)) {
      check_keys(node, {"code", "name", "retriable"});
      rows.push_back(
          {node["code"].as<int>(), node["name"].as<std::string>(), node["retriable"].as<bool>()});
    }
  } catch (const std::exception& error) {
    refuse(path + ": " + error.what());
  }
  return rows;
}

}  // namespace longhaul::protocol::generator
