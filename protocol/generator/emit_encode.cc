// Emits, for each struct, a function that measures it and one that writes it. Both must agree to
// the byte: the buffer is grown once, by what was measured.
#include <algorithm>
#include <vector>

#include "protocol/generator/code.h"

namespace longhaul::protocol::generator {
namespace {

std::vector<const Field*> tagged_fields(const Struct& type) {
  std::vector<const Field*> fields;
  for (const Field& field : type.fields)
    if (field.tag && !field.versions.empty()) fields.push_back(&field);
  std::sort(fields.begin(), fields.end(),
            [](const Field* a, const Field* b) { return *a->tag < *b->tag; });
  return fields;
}

bool has_fixed_size(const Field& field) { return !field.array && fixed_size(field.kind) > 0; }

/// Adds the size of a field of no fixed size to `n`.
void emit_measure(Code& code, const Field& field) {
  std::string value = "m." + field.member;
  std::string flex = field_flex(field);
  if (field.array && field.kind == Kind::kStruct) {
    std::string array = field.can_be_null() ? "(*" + value + ")" : value;
    if (field.can_be_null()) {
      code.line("if (!{}) n += {} ? 1 : 4;", value, flex);
      code.open("else {{");
    } else {
      code.open("{{");
    }
    code.line("n += wire::count_size({}, {});", array, flex);
    code.line("for (const auto& e : {}) n += measure(e, version);", array);
    code.close();
  } else if (field.kind == Kind::kStruct && field.can_be_null()) {
    code.line("n += 1;");
    code.line("if ({0}) n += measure(*{0}, version);", value);
  } else if (field.kind == Kind::kStruct && !field.array) {
    code.line("n += measure({}, version);", value);
  } else {
    code.line("n += wire::size_of({}, {});", value, flex);
  }
}

/// Declares `const size_t size_N` as the size of a tagged field's content.
void emit_content_size(Code& code, const Field& field) {
  if (has_fixed_size(field)) {
    code.line("const size_t size_{} = {};", *field.tag, fixed_size(field.kind));
    return;
  }
  code.open("const size_t size_{} = [&] {{", *field.tag);
  code.raw("size_t n = 0;");
  emit_measure(code, field);
  code.raw("return n;");
  code.close("}();");
}

void emit_tag_conditions(Code& code, const Message& message, const Struct& type) {
  for (const Field* field : tagged_fields(type)) {
    std::string condition = version_condition(field->versions, type.versions);
    code.line("const bool tag_{} = {}{};", *field->tag, condition.empty() ? "" : condition + " && ",
              differs_from_default(*field, "m." + field->member, message));
  }
}

std::string tag_count(const Struct& type) {
  std::string count;
  for (const Field* field : tagged_fields(type))
    count += fmt::format("{}tag_{}", count.empty() ? "0u + " : " + ", *field->tag);
  return count.empty() ? "0" : count;
}

void emit_measure_function(Code& code, const Message& message, const Struct& type) {
  code.raw("");
  code.open(
      "static size_t measure([[maybe_unused]] const {}& m, [[maybe_unused]] int16_t version) {{",
      qualified_name(type, message));
  code.line("[[maybe_unused]] const bool flex = {};", flexible_expression(message));
  size_t always = 0;
  for (const Field& field : type.fields)
    if (!field.tag && has_fixed_size(field) && field.versions.covers(type.versions))
      always += fixed_size(field.kind);
  code.line("size_t n = {};", always);
  for (const Field& field : type.fields) {
    std::string condition = version_condition(field.versions, type.versions);
    if (field.tag || field.versions.empty() || (condition.empty() && has_fixed_size(field)))
      continue;
    code.begin_if(condition);
    if (has_fixed_size(field))
      code.line("n += {};", fixed_size(field.kind));
    else
      emit_measure(code, field);
    code.end_if(condition);
  }
  if (!message.flexible.empty()) {
    code.open("if (flex) {{");
    emit_tag_conditions(code, message, type);
    code.line("n += wire::varint_size({});", tag_count(type));
    for (const Field* field : tagged_fields(type)) {
      code.open("if (tag_{}) {{", *field->tag);
      emit_content_size(code, *field);
      code.line("n += wire::tagged_size({0}, size_{0});", *field->tag);
      code.close();
    }
    code.close();
  }
  code.raw("return n;");
  code.close();
}

void emit_write(Code& code, const Field& field) {
  std::string value = "m." + field.member;
  std::string null = field.can_be_null() ? null_ok(field) + ", " : "";
  if (field.array && field.kind != Kind::kStruct) {
    code.line("out.values({}, {}, {}\"{}\");", value, field_flex(field), null, field.member);
  } else if (field.array) {
    code.line("out.array({}, {}, {}\"{}\", write, version);", value, field_flex(field), null,
              field.member);
  } else if (field.kind == Kind::kStruct && field.can_be_null()) {
    code.line("out.int8({} ? 1 : {});", value, field.tag ? "0" : "-1");
    code.line("if ({0}) write(out, *{0}, version);", value);
  } else if (field.kind == Kind::kStruct) {
    code.line("write(out, {}, version);", value);
  } else if (field.kind == Kind::kErrorCode) {
    code.line("out.int16(static_cast<int16_t>({}));", value);
  } else if (fixed_size(field.kind) > 0) {
    code.line("out.{}({});", primitive_name(field.kind), value);
  } else {
    code.line("out.{}({}, {}, {}\"{}\");", primitive_name(field.kind), value, field_flex(field),
              null, field.member);
  }
}

/// A value that a version cannot carry is refused, unless the schema lets it be dropped.
void emit_refusal(Code& code, const Message& message, const Struct& type, const Field& field) {
  if (field.ignorable || field.versions.covers(type.versions)) return;
  std::string present = version_condition(field.versions, type.versions);
  code.line("if ({}{}) out.reject_version(\"{}\");",
            present == "false" ? "" : "!(" + present + ") && ",
            differs_from_default(field, "m." + field.member, message), field.member);
}

void emit_write_function(Code& code, const Message& message, const Struct& type) {
  code.raw("");
  code.open(
      "static void write([[maybe_unused]] wire::Output& out, [[maybe_unused]] const {}& m, "
      "[[maybe_unused]] const int16_t version) {{",
      qualified_name(type, message));
  code.line("[[maybe_unused]] const bool flex = {};", flexible_expression(message));
  for (const Field& field : type.fields) {
    emit_refusal(code, message, type, field);
    if (field.tag || field.versions.empty()) continue;
    std::string condition = version_condition(field.versions, type.versions);
    code.begin_if(condition);
    emit_write(code, field);
    code.end_if(condition);
  }
  if (!message.flexible.empty()) {
    code.open("if (flex) {{");
    emit_tag_conditions(code, message, type);
    code.line("out.varint({});", tag_count(type));
    for (const Field* field : tagged_fields(type)) {
      code.open("if (tag_{}) {{", *field->tag);
      emit_content_size(code, *field);
      code.line("out.tag({0}, size_{0});", *field->tag);
      emit_write(code, *field);
      code.close();
    }
    code.close();
  }
  code.close();
}

}  // namespace

void emit_size_functions(Code& code, const Message& message) {
  for (const Struct& type : message.structs) emit_measure_function(code, message, type);
  emit_measure_function(code, message, message.root);
}

void emit_write_functions(Code& code, const Message& message) {
  for (const Struct& type : message.structs) emit_write_function(code, message, type);
  emit_write_function(code, message, message.root);
}

}  // namespace longhaul::protocol::generator
