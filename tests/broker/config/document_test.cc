// docs/configuration.md says what the table of options says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "broker/config/option_table.h"
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

constexpr const char* kDocument = "docs/configuration.md";

std::string read_document() {
  std::ifstream file(kDocument);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Options of one kind, a row for each reason.
std::string table_of(const OptionTable& options, Effect::Kind kind) {
  std::map<std::string_view, std::string> rows;
  for (const Option* option : options.all()) {
    if (option->effect.kind != kind) continue;
    std::string& names = rows[option->effect.instead];
    names += (names.empty() ? "`" : ", `") + std::string(option->name) + "`";
  }
  std::string text = "| instead | options |\n|---|---|\n";
  for (const auto& [instead, names] : rows) {
    text += "| " + std::string(instead) + " | " + names + " |\n";
  }
  return text;
}

/// The part of the document between its markers is this text. With LONGHAUL_WRITE_DOCS set it is
/// written instead of compared.
void expect_section(const std::string& name, const std::string& wanted) {
  std::string document = read_document();
  std::string begin = "<!-- begin " + name + " -->\n", end = "<!-- end " + name + " -->";
  size_t from = document.find(begin), to = document.find(end);
  ASSERT_NE(from, std::string::npos) << name;
  ASSERT_NE(to, std::string::npos) << name;
  from += begin.size();
  if (std::getenv("LONGHAUL_WRITE_DOCS")) {
    document.replace(from, to - from, wanted);
    std::ofstream(kDocument) << document;
    return;
  }
  EXPECT_EQ(document.substr(from, to - from), wanted)
      << "run broker_config_test with LONGHAUL_WRITE_DOCS=1 to bring the page up to date";
}

TEST(Document, ListsOptionsWithoutEffect) {
  expect_section("broker, not yet", table_of(broker_options(), Effect::Kind::kNotYet));
  expect_section("topic, not yet", table_of(topic_option_table(), Effect::Kind::kNotYet));
  expect_section("broker, never", table_of(broker_options(), Effect::Kind::kNever));
  expect_section("topic, never", table_of(topic_option_table(), Effect::Kind::kNever));
  expect_section("dropped", table_of(broker_options(), Effect::Kind::kDropped));
}

TEST(Document, DescribesEveryOptionOfOurs) {
  std::string document = read_document();
  for (const Option& option : longhaul_options()) {
    std::string row = "| `" + std::string(option.name) + "` | ";
    row += option.fallback.text ? std::string(*option.fallback.text) : "none";
    EXPECT_NE(document.find(row + " | "), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace longhaul::broker::config
