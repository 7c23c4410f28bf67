// Usage: generate ERRORS.yaml OUTPUT_DIRECTORY GROUPS HOT... -- TABLE.yaml...
//
// Writes below OUTPUT_DIRECTORY/protocol: messages/<table>.h, the codecs of the HOT tables in one
// source and those of the others in GROUPS sources of about the same size, the tables of API keys
// and error codes, and the reflection that tests use. Files whose content did not change are left
// alone.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "protocol/generator/code.h"

namespace longhaul::protocol::generator {
namespace {

class OutputTree {
 public:
  explicit OutputTree(std::filesystem::path root) : root_(std::move(root)) {}

  void write(const std::string& path, const std::string& content) const {
    std::filesystem::path full = root_ / path;
    std::filesystem::create_directories(full.parent_path());
    std::ostringstream old;
    old << std::ifstream(full, std::ios::binary).rdbuf();
    if (old.str() == content) return;
    std::ofstream file(full, std::ios::binary);
    file << content;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + full.string());
  }

 private:
  std::filesystem::path root_;
};

std::string header_text(const Table& table) {
  Code code;
  code.line("// Generated from protocol/schema/*/{}.yaml.", table.stem);
  code.raw("#pragma once");
  code.raw("#include \"protocol/message.h\"");
  code.raw("namespace longhaul::protocol {");
  for (const Message& message : table.messages) {
    code.raw("");
    emit_message_declaration(code, message);
  }
  code.raw("}");
  return code.text();
}

std::string codec_text(const Table& table) {
  Code code;
  for (const Message& message : table.messages) {
    emit_read_functions(code, message);
    emit_size_functions(code, message);
    emit_write_functions(code, message);
    emit_entry_points(code, message);
  }
  return code.text();
}

std::string visit_text(const Table& table) {
  Code code;
  for (const Message& message : table.messages) emit_visit_functions(code, message);
  return code.text();
}

struct Group {
  std::string includes;
  std::string body;
  std::string types;  ///< rows of the table of message types

  void add(const Table& table, const std::string& text) {
    includes += fmt::format("#include \"protocol/messages/{}.h\"\n", table.stem);
    body += text;
    types += message_type_rows(table);
  }
};

void write_group(const OutputTree& tree, const std::string& name, const std::string& include,
                 const Group& group) {
  tree.write(fmt::format("protocol/{}.cc", name),
             fmt::format("// Generated from protocol/schema.\n#include \"{}\"\n{}"
                         "namespace longhaul::protocol {{\n{}\n}}\n",
                         include, group.includes, group.body));
}

/// Groups of about the same size: each table goes where there is least so far.
std::vector<Group> make_groups(const std::vector<Table>& tables, size_t count,
                               std::string (*text)(const Table&)) {
  std::vector<Group> groups(count);
  for (const Table& table : tables)
    std::min_element(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
      return a.body.size() < b.body.size();
    })->add(table, text(table));
  return groups;
}

void write_visits(const OutputTree& tree, const std::vector<Table>& tables, size_t count) {
  std::vector<Group> groups = make_groups(tables, count, visit_text);
  for (size_t i = 0; i < count; ++i) {
    groups[i].body += fmt::format(
        "}}\n#include \"protocol/reflection/holder.h\"\n"
        "namespace longhaul::protocol {{\n"
        "static constexpr MessageType kTypes[] = {{\n{}}};\n"
        "std::span<const MessageType> message_types_{}() {{ return kTypes; }}",
        groups[i].types, i);
    write_group(tree, fmt::format("visit_{}", i), "protocol/reflection/field_visitor.h", groups[i]);
  }
  tree.write("protocol/message_types.cc", message_types_source(count));
}

void write_codecs(const OutputTree& tree, const std::vector<Table>& tables, size_t count,
                  const std::vector<std::string>& hot_stems) {
  Group hot;
  std::vector<Table> others;
  for (const Table& table : tables) {
    if (std::find(hot_stems.begin(), hot_stems.end(), table.stem) == hot_stems.end())
      others.push_back(table);
    else
      hot.add(table, codec_text(table));
  }
  write_group(tree, "codec_hot", "protocol/wire.h", hot);
  std::vector<Group> groups = make_groups(others, count, codec_text);
  for (size_t i = 0; i < count; ++i)
    write_group(tree, fmt::format("codec_{}", i), "protocol/wire.h", groups[i]);
}

void generate(const std::vector<std::string>& arguments) {
  auto separator = std::find(arguments.begin(), arguments.end(), "--");
  if (arguments.size() < 4 || separator - arguments.begin() < 3 || separator == arguments.end())
    throw std::runtime_error("usage: ERRORS OUTPUT GROUPS HOT... -- TABLE...");
  std::vector<ErrorCodeRow> errors = load_error_codes(arguments[0]);
  OutputTree tree(arguments[1]);
  size_t groups = std::stoul(arguments[2]);
  std::vector<std::string> hot(arguments.begin() + 3, separator);
  std::vector<Table> tables;
  for (auto path = separator + 1; path != arguments.end(); ++path)
    tables.push_back(load_table(*path));

  for (const Table& table : tables)
    tree.write("protocol/messages/" + table.stem + ".h", header_text(table));
  write_codecs(tree, tables, groups, hot);
  write_visits(tree, tables, groups);
  tree.write("protocol/api_key.h", api_key_header(tables));
  tree.write("protocol/api_table.cc", api_table_source(tables));
  tree.write("protocol/error_code_values.h", error_code_header(errors));
  tree.write("protocol/error_code_table.cc", error_table_source(errors));
}

}  // namespace
}  // namespace longhaul::protocol::generator

int main(int argc, char** argv) {
  try {
    longhaul::protocol::generator::generate({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "generate: %s\n", error.what());
    return 1;
  }
}
