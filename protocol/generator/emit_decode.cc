// Emits, for each struct, a function that reads it.
#include <algorithm>

#include "protocol/generator/code.h"

namespace longhaul::protocol::generator {
namespace {

std::string min_size_expression(const Message& message, const Field& field) {
  size_t flexible = min_element_size(message, field, true);
  size_t inflexible = min_element_size(message, field, false);
  if (flexible == inflexible || message.flexible.covers(field.versions))
    return std::to_string(flexible);
  if (message.flexible.intersect(field.versions).empty()) return std::to_string(inflexible);
  return fmt::format("flex ? {} : {}", flexible, inflexible);
}

size_t least_element_size(const Message& message, const Field& field) {
  size_t least = SIZE_MAX;
  if (!message.flexible.intersect(field.versions).empty())
    least = std::min(least, min_element_size(message, field, true));
  if (!message.flexible.covers(field.versions))
    least = std::min(least, min_element_size(message, field, false));
  return least;
}

/// Reads one field from the input named `in`.
void emit_read(Code& code, const Message& message, const Field& field, const std::string& in) {
  std::string target = "m." + field.member;
  std::string null = field.can_be_null() ? null_ok(field) + ", " : "";
  if (field.array && field.kind != Kind::kStruct) {
    code.line("{}.values({}, {}, {}\"{}\");", in, target, field_flex(field), null, field.member);
  } else if (field.array) {
    code.line("static_assert(sizeof({}) <= wire::kMaxGrowth * {});", element_type(field, message),
              least_element_size(message, field));
    code.line("{}.array({}, {}, {}{}, \"{}\", read, version);", in, target, field_flex(field), null,
              min_size_expression(message, field), field.member);
  } else if (field.kind == Kind::kStruct && field.can_be_null()) {
    // A nullable struct has a byte in front of it, within a tagged field a varint.
    code.line("if ({}) {}.reset();",
              field.tag ? in + ".unsigned_varint() == 0" : in + ".int8() < 0", target);
    // With an argument, because clang 14 holds a nested struct for not default constructible here.
    code.line("else read({}, {}.emplace({}()), version);", in, target,
              element_type(field, message));
  } else if (field.kind == Kind::kStruct) {
    code.line("read({}, {}, version);", in, target);
  } else if (field.kind == Kind::kErrorCode) {
    code.line("{} = static_cast<ErrorCode>({}.int16());", target, in);
  } else if (fixed_size(field.kind) > 0) {
    code.line("{} = {}.{}();", target, in, primitive_name(field.kind));
  } else {
    code.line("{}.{}({}, {}, {}\"{}\");", in, primitive_name(field.kind), target, field_flex(field),
              null, field.member);
  }
}

void emit_tagged_fields(Code& code, const Message& message, const Struct& type) {
  bool any = std::any_of(type.fields.begin(), type.fields.end(), [](const Field& field) {
    return field.tag.has_value() && !field.versions.empty();
  });
  if (!any) return code.raw("in.skip_tags();");
  code.open("for (uint32_t n = in.tag_count(); n > 0 && in.ok(); --n) {{");
  code.raw("const uint32_t tag = in.unsigned_varint();");
  code.raw("wire::Input content = in.tagged();");
  for (const Field& field : type.fields) {
    if (!field.tag || field.versions.empty()) continue;
    std::string condition = version_condition(field.versions, type.versions);
    code.open("if (tag == {}{}) {{", *field.tag, condition.empty() ? "" : " && " + condition);
    emit_read(code, message, field, "content");
    code.line("in.close(content, \"{}\");", field.member);
    code.close();
  }
  code.close();
}

void emit_read_function(Code& code, const Message& message, const Struct& type) {
  code.raw("");
  code.open(
      "static void read([[maybe_unused]] wire::Input& in, [[maybe_unused]] {}& m, "
      "[[maybe_unused]] const int16_t version) {{",
      qualified_name(type, message));
  code.line("[[maybe_unused]] const bool flex = {};", flexible_expression(message));
  for (const Field& field : type.fields) {
    if (field.tag || field.versions.empty()) continue;
    std::string condition = version_condition(field.versions, type.versions);
    code.begin_if(condition);
    emit_read(code, message, field, "in");
    code.end_if(condition);
  }
  if (!message.flexible.empty()) {
    code.open("if (flex) {{");
    emit_tagged_fields(code, message, type);
    code.close();
  }
  code.close();
}

}  // namespace

void emit_read_functions(Code& code, const Message& message) {
  for (const Struct& type : message.structs) emit_read_function(code, message, type);
  emit_read_function(code, message, message.root);
}

void emit_entry_points(Code& code, const Message& message) {
  const std::string& name = message.name;
  code.raw("");
  code.open("base::Result<{0}> {0}::decode(base::Reader& reader, int16_t version) {{", name);
  code.line("if (version < kMinVersion || version > kMaxVersion)");
  code.line("  return wire::no_version(kName, version, kMinVersion, kMaxVersion);");
  code.line("base::Result<{}> message(tl::in_place);", name);
  code.raw("wire::Input in(reader.rest());");
  code.raw("read(in, *message, version);");
  code.raw("if (!in.ok()) return wire::bad_input(kName, version, in, reader);");
  code.raw("reader.skip(reader.remaining() - in.remaining());");
  code.raw("return message;");
  code.close();
  code.raw("");
  code.open("size_t {}::encoded_size(int16_t version) const {{", name);
  code.raw("return measure(*this, version);");
  code.close();
  code.raw("");
  code.open("base::Result<void> {}::encode(Encoder& encoder, int16_t version) const {{", name);
  code.line("if (version < kMinVersion || version > kMaxVersion)");
  code.line("  return wire::no_version(kName, version, kMinVersion, kMaxVersion);");
  code.raw("wire::Output out(encoder, measure(*this, version));");
  code.raw("write(out, *this, version);");
  code.raw("return out.finish(kName, version);");
  code.close();
}

}  // namespace longhaul::protocol::generator
