// What the emitters share: a text with indentation, and C++ for types, conditions and defaults.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "protocol/generator/schema.h"

namespace longhaul::protocol::generator {

/// Lines of C++, indented by blocks. What is emitted is not formatted afterwards.
class Code {
 public:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    raw(fmt::format(format, std::forward<Args>(args)...));
  }
  void raw(const std::string& text) {
    if (!text.empty()) text_.append(static_cast<size_t>(indent_) * 2, ' ');
    text_ += text;
    text_ += '\n';
  }
  /// Opens a block with a line that ends in a brace.
  template <class... Args>
  void open(fmt::format_string<Args...> format, Args&&... args) {
    raw(fmt::format(format, std::forward<Args>(args)...));
    ++indent_;
  }
  void close(const std::string& end = "}") {
    --indent_;
    raw(end);
  }
  /// Opens `if (condition) {` unless the condition is empty; `end_if` closes it likewise.
  void begin_if(const std::string& condition) {
    if (!condition.empty()) open("if ({}) {{", condition);
  }
  void end_if(const std::string& condition) {
    if (!condition.empty()) close();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int indent_ = 0;
};

/// The condition on `version` for being in `wanted`, knowing that it is in `known`: empty when
/// always true, "false" when never.
std::string version_condition(Versions wanted, Versions known);

/// The expression that says whether `field` may be null in `version`.
std::string null_ok(const Field& field);
/// An expression for whether `version` has the compact encodings.
std::string flexible_expression(const Message& message);
/// The same for one field: "flex", or "false" where the field keeps the old encoding.
std::string field_flex(const Field& field);

/// "int32_t", "std::string", "FetchTopic": the type of one element, without array and optional.
std::string element_type(const Field& field, const Message& message);
/// The type of the member.
std::string member_type(const Field& field, const Message& message);
/// "FetchRequest::FetchTopic", or the message itself.
std::string qualified_name(const Struct& type, const Message& message);

/// The initializer in a declaration: " = -1", or nothing where the type's own default will do.
std::string initializer(const Field& field, const Message& message);
/// An expression that is true when `value` is not the field's default.
std::string differs_from_default(const Field& field, const std::string& value,
                                 const Message& message);
/// Bytes of a kind of fixed size, 0 for the others.
size_t fixed_size(Kind kind);
/// The name of the reader's and writer's function for a simple kind: "int32".
std::string primitive_name(Kind kind);

const Struct& find_struct(const Message& message, const std::string& name);
/// The least bytes that an element of this field's array takes, over the versions that are
/// flexible or are not; at least 1.
size_t min_element_size(const Message& message, const Field& field, bool flexible);

/// The emitters. Each appends to `code`.
void emit_message_declaration(Code& code, const Message& message);
void emit_read_functions(Code& code, const Message& message);
void emit_size_functions(Code& code, const Message& message);
void emit_write_functions(Code& code, const Message& message);
void emit_entry_points(Code& code, const Message& message);
void emit_visit_functions(Code& code, const Message& message);

std::string api_key_header(const std::vector<Table>& tables);
std::string api_table_source(const std::vector<Table>& tables);
std::string error_code_header(const std::vector<ErrorCodeRow>& rows);
std::string error_table_source(const std::vector<ErrorCodeRow>& rows);
/// Elements of the table of message types, for the messages of one table.
std::string message_type_rows(const Table& table);
/// The sum of the tables of message types in the groups.
std::string message_types_source(size_t groups);

}  // namespace longhaul::protocol::generator
