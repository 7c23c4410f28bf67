#include "protocol/generator/code.h"

#include <algorithm>
#include <stdexcept>

namespace longhaul::protocol::generator {

std::string version_condition(Versions wanted, Versions known) {
  if (wanted.covers(known)) return "";
  Versions both = wanted.intersect(known);
  if (both.empty()) return "false";
  std::string condition;
  if (both.low > known.low) condition = fmt::format("version >= {}", both.low);
  if (both.high < known.high) {
    if (!condition.empty()) condition += " && ";
    condition += fmt::format("version <= {}", both.high);
  }
  return condition;
}

std::string null_ok(const Field& field) {
  std::string condition = version_condition(field.nullable, field.versions);
  return condition.empty() ? "true" : condition;
}

std::string flexible_expression(const Message& message) {
  std::string condition = version_condition(message.flexible, message.versions);
  return condition.empty() ? "true" : condition;
}

std::string field_flex(const Field& field) { return field.never_compact ? "false" : "flex"; }

size_t fixed_size(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt8:
      return 1;
    case Kind::kInt16:
    case Kind::kUint16:
    case Kind::kErrorCode:
      return 2;
    case Kind::kInt32:
    case Kind::kUint32:
      return 4;
    case Kind::kInt64:
    case Kind::kFloat64:
      return 8;
    case Kind::kUuid:
      return 16;
    default:
      return 0;
  }
}

std::string primitive_name(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return "boolean";
    case Kind::kInt8:
      return "int8";
    case Kind::kInt16:
    case Kind::kErrorCode:
      return "int16";
    case Kind::kUint16:
      return "uint16";
    case Kind::kInt32:
      return "int32";
    case Kind::kUint32:
      return "uint32";
    case Kind::kInt64:
      return "int64";
    case Kind::kFloat64:
      return "float64";
    case Kind::kUuid:
      return "uuid";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kRecords:
      return "records";
    case Kind::kStruct:
      break;
  }
  throw std::logic_error("a struct has no primitive");
}

std::string element_type(const Field& field, const Message& message) {
  switch (field.kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kFloat64:
      return "double";
    case Kind::kErrorCode:
      return "ErrorCode";
    case Kind::kUuid:
      return "base::Uuid";
    case Kind::kString:
      return "std::string";
    case Kind::kBytes:
      return "base::Bytes";
    case Kind::kRecords:
      return "Records";
    case Kind::kStruct:
      return message.name + "::" + field.struct_name;
    default:
      return primitive_name(field.kind) + "_t";
  }
}

std::string member_type(const Field& field, const Message& message) {
  // Inside the message its structs need no qualification, and a default argument no cycle.
  std::string type = field.kind == Kind::kStruct ? field.struct_name : element_type(field, message);
  if (field.array) type = "std::vector<" + type + ">";
  if (field.can_be_null()) type = "std::optional<" + type + ">";
  return type;
}

std::string qualified_name(const Struct& type, const Message& message) {
  return &type == &message.root ? message.name : message.name + "::" + type.name;
}

std::string initializer(const Field& field, const Message& message) {
  const std::string& value = field.default_value;
  bool simple = !field.array && fixed_size(field.kind) > 0 && field.kind != Kind::kUuid;
  if (!simple && !value.empty() && value != "null")
    throw std::runtime_error(message.name + "." + field.name + " has a default of no known form");
  if (field.can_be_null()) {
    if (field.default_is_null() || field.kind == Kind::kRecords) return "";
    Field inner = field;
    inner.nullable = {};
    return " = " + member_type(inner, message) + "()";
  }
  if (!simple) return "";
  if (field.kind == Kind::kBool) return value == "true" ? " = true" : " = false";
  if (field.kind == Kind::kErrorCode)
    return value.empty() || value == "0" ? " = ErrorCode::kNone"
                                         : fmt::format(" = static_cast<ErrorCode>({})", value);
  return " = " + (value.empty() ? "0" : value);
}

std::string differs_from_default(const Field& field, const std::string& value,
                                 const Message& message) {
  if (field.can_be_null() && (field.default_is_null() || field.kind == Kind::kRecords))
    return value + ".has_value()";
  std::string inner = field.can_be_null() ? "(*" + value + ")" : value;
  std::string differs;
  if (field.array || field.kind == Kind::kString || field.kind == Kind::kBytes)
    differs = "!" + inner + ".empty()";
  else if (field.kind == Kind::kRecords)
    differs = inner + ".size() != 0";
  else if (field.kind == Kind::kStruct)
    differs = "!(" + inner + " == " + element_type(field, message) + "())";
  else if (field.kind == Kind::kUuid)
    differs = "!" + inner + ".is_zero()";
  else if (field.kind == Kind::kBool)
    differs = (field.default_value == "true" ? "!" : "") + inner;
  else
    differs = inner + " !=" + initializer(field, message).substr(2);
  return field.can_be_null() ? "(!" + value + " || " + differs + ")" : differs;
}

const Struct& find_struct(const Message& message, const std::string& name) {
  for (const Struct& type : message.structs)
    if (type.name == name) return type;
  throw std::logic_error("struct " + name + " was not built");
}

namespace {

size_t min_struct_size(const Message& message, const Struct& type, int version, bool flexible);

size_t min_field_size(const Message& message, const Field& field, int version, bool flexible) {
  bool compact = flexible && !field.never_compact;
  if (field.array || field.kind == Kind::kBytes || field.kind == Kind::kRecords)
    return compact ? 1 : 4;
  if (field.kind == Kind::kString) return compact ? 1 : 2;
  if (field.kind != Kind::kStruct) return fixed_size(field.kind);
  if (field.can_be_null()) return 1;
  return min_struct_size(message, find_struct(message, field.struct_name), version, flexible);
}

size_t min_struct_size(const Message& message, const Struct& type, int version, bool flexible) {
  size_t size = flexible ? 1 : 0;
  for (const Field& field : type.fields)
    if (field.versions.contains(version) && !field.tag)
      size += min_field_size(message, field, version, flexible);
  return size;
}

}  // namespace

size_t min_element_size(const Message& message, const Field& field, bool flexible) {
  Field element = field;
  element.array = false;
  element.nullable = {};
  size_t least = SIZE_MAX;
  for (int version = message.versions.low; version <= message.versions.high; ++version) {
    if (!field.versions.contains(version) || message.flexible.contains(version) != flexible)
      continue;
    least = std::min(least, min_field_size(message, element, version, flexible));
  }
  return least == SIZE_MAX ? 1 : std::max<size_t>(least, 1);
}

}  // namespace longhaul::protocol::generator
