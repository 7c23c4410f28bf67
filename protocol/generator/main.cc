// Usage: generate ERRORS.yaml OUTPUT_DIRECTORY GROUPS TABLE.yaml...
//
// Writes below OUTPUT_DIRECTORY/protocol: messages/<table>.h, the codecs in GROUPS sources of about
// the same size, the tables of API keys and error codes, and the reflection that tests use. Files
// whose content did not change are left alone.
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
  for (const char* header : {"<optional>", "<string>", "<vector>"})
    code.line("#include {}", header);
  for (const char* header : {"base/bytes.h", "base/result.h", "base/uuid.h", "protocol/api.h",
                             "protocol/bulk.h", "protocol/encoder.h", "protocol/error_code.h"})
    code.line("#include \"{}\"", header);
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

/// Sources of about the same size: each table goes where there is least so far.
void write_groups(const OutputTree& tree, const std::vector<Table>& tables, const char* name,
                  size_t count, const char* include, std::string (*text)(const Table&)) {
  struct Group {
    std::string includes;
    std::string body;
  };
  std::vector<Group> groups(count);
  for (const Table& table : tables) {
    auto& group = *std::min_element(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
      return a.body.size() < b.body.size();
    });
    group.includes += fmt::format("#include \"protocol/messages/{}.h\"\n", table.stem);
    group.body += text(table);
  }
  for (size_t i = 0; i < count; ++i)
    tree.write(fmt::format("protocol/{}_{}.cc", name, i),
               fmt::format("// Generated from protocol/schema.\n#include \"{}\"\n{}"
                           "namespace longhaul::protocol {{\n{}\n}}\n",
                           include, groups[i].includes, groups[i].body));
}

void generate(const std::vector<std::string>& arguments) {
  if (arguments.size() < 4) throw std::runtime_error("usage: ERRORS OUTPUT GROUPS TABLE...");
  std::vector<ErrorCodeRow> errors = load_error_codes(arguments[0]);
  OutputTree tree(arguments[1]);
  std::vector<Table> tables;
  for (size_t i = 3; i < arguments.size(); ++i) tables.push_back(load_table(arguments[i]));

  for (const Table& table : tables)
    tree.write("protocol/messages/" + table.stem + ".h", header_text(table));
  size_t groups = std::stoul(arguments[2]);
  write_groups(tree, tables, "codec", groups, "protocol/wire.h", codec_text);
  write_groups(tree, tables, "visit", groups, "protocol/reflection/field_visitor.h", visit_text);
  tree.write("protocol/api_key.h", api_key_header(tables));
  tree.write("protocol/api_table.cc", api_table_source(tables));
  tree.write("protocol/error_code_values.h", error_code_header(errors));
  tree.write("protocol/error_code_table.cc", error_table_source(errors));
  tree.write("protocol/message_types.cc", message_types_source(tables));
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
