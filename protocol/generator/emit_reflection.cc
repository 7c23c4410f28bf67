// Emits what tests and dump tools need: a visit of all fields, and the table of all messages.
#include "protocol/generator/code.h"
#include "protocol/generator/names.h"

namespace longhaul::protocol::generator {
namespace {

/// A statement that shows one value, neither null nor array.
std::string show_element(const Field& field, const std::string& value) {
  switch (field.kind) {
    case Kind::kStruct:
      return fmt::format("visit({}, version, v);", value);
    case Kind::kBool:
      return fmt::format("v.boolean({});", value);
    case Kind::kFloat64:
      return fmt::format("v.real({});", value);
    case Kind::kUuid:
      return fmt::format("v.uuid({});", value);
    case Kind::kString:
      return fmt::format("v.text({});", value);
    case Kind::kBytes:
      return fmt::format("v.bytes({});", value);
    case Kind::kRecords:
      return fmt::format("v.bytes({}.bytes);", value);
    default:
      return fmt::format("v.integer(static_cast<int64_t>({}));", value);
  }
}

void emit_show(Code& code, const Field& field) {
  std::string value = "m." + field.member;
  if (field.can_be_null()) {
    code.open("if (!{}) {{", value);
    code.raw("v.null();");
    code.close("} else {");
    value = "(*" + value + ")";
  } else {
    code.raw("{");
  }
  if (field.array) {
    code.raw("  v.begin_array();");
    code.line("  for (const auto& e : {}) {{ {} }}", value, show_element(field, "e"));
    code.raw("  v.end_array();");
  } else {
    code.raw("  " + show_element(field, value));
  }
  code.raw("}");
}

void emit_visit_function(Code& code, const Message& message, const Struct& type, bool exported) {
  code.raw("");
  code.open(
      "{}void visit([[maybe_unused]] const {}& m, [[maybe_unused]] int16_t version, "
      "FieldVisitor& v) {{",
      exported ? "" : "static ", qualified_name(type, message));
  code.raw("v.begin_struct();");
  for (const Field& field : type.fields) {
    if (field.versions.empty()) continue;
    std::string condition = version_condition(field.versions, type.versions);
    code.begin_if(condition);
    code.line("v.field(\"{}\");", lower_first(field.name));
    emit_show(code, field);
    code.end_if(condition);
  }
  code.raw("v.end_struct();");
  code.close();
}

}  // namespace

void emit_visit_functions(Code& code, const Message& message) {
  for (const Struct& type : message.structs) emit_visit_function(code, message, type, false);
  emit_visit_function(code, message, message.root, true);
}

std::string message_type_rows(const Table& table) {
  std::string rows;
  for (const Message& message : table.messages)
    rows += fmt::format("  type_of<{}>(),\n", message.name);
  return rows;
}

std::string message_types_source(size_t groups) {
  Code code;
  code.raw("// Generated from protocol/schema.");
  code.raw("#include <vector>");
  code.raw("#include \"protocol/reflection/message_type.h\"");
  code.raw("namespace longhaul::protocol {");
  for (size_t i = 0; i < groups; ++i)
    code.line("std::span<const MessageType> message_types_{}();", i);
  code.open("std::span<const MessageType> message_types() {{");
  code.open("static const std::vector<MessageType> all = [] {{");
  code.raw("std::vector<MessageType> types;");
  for (size_t i = 0; i < groups; ++i)
    code.line("for (const MessageType& type : message_types_{}()) types.push_back(type);", i);
  code.raw("return types;");
  code.close("}();");
  code.raw("return all;");
  code.close();
  code.raw("}");
  return code.text();
}

}  // namespace longhaul::protocol::generator
