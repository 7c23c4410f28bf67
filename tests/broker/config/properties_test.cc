#include "broker/config/properties.h"

#include <gtest/gtest.h>

namespace longhaul::broker::config {
namespace {

std::string value_of(std::string_view text, std::string_view key) {
  auto properties = parse_properties(text);
  if (!properties) return "error: " + properties.error().message;
  auto found = properties->find(key);
  return found == properties->end() ? "absent" : found->second.value;
}

TEST(Properties, SeparatorsAreEqualsColonAndWhiteSpace) {
  EXPECT_EQ(value_of("a=1", "a"), "1");
  EXPECT_EQ(value_of("a:1", "a"), "1");
  EXPECT_EQ(value_of("a 1", "a"), "1");
  EXPECT_EQ(value_of("a \t = 1", "a"), "1");
  EXPECT_EQ(value_of("a==1", "a"), "=1");
  EXPECT_EQ(value_of("a : : 1", "a"), ": 1");
  EXPECT_EQ(value_of("a", "a"), "");
  EXPECT_EQ(value_of("a=", "a"), "");
}

TEST(Properties, CommentsAndBlankLinesAreSkipped) {
  auto properties = parse_properties("# a=1\n  ! b=2\n\n   \n\tc=3\r\n#d\\\ne=5\r");
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->size(), 2u);
  EXPECT_EQ(properties->at("c").value, "3");
  EXPECT_EQ(properties->at("e").value, "5") << "a comment is not continued";
}

TEST(Properties, WhiteSpaceAfterTheValueStays) { EXPECT_EQ(value_of("a=1 \n", "a"), "1 "); }

TEST(Properties, ContinuationLinesAreJoinedWithoutTheirIndentation) {
  EXPECT_EQ(value_of("a=1,\\\n   2,\\\r\n\t3\nb=4", "a"), "1,2,3");
  EXPECT_EQ(value_of("a=1,\\\n   2\nb=4", "b"), "4");
  EXPECT_EQ(value_of("a=1\\\\\nb=2", "a"), "1\\") << "two backslashes do not continue";
  EXPECT_EQ(value_of("a=1\\", "a"), "1") << "nothing follows the last line";
  EXPECT_EQ(value_of("a=\\\n# no comment", "a"), "# no comment");
}

TEST(Properties, Escapes) {
  EXPECT_EQ(value_of("a\\=b\\ c=1", "a=b c"), "1");
  EXPECT_EQ(value_of("a=\\t\\n\\r\\f\\\\\\q", "a"), "\t\n\r\f\\q");
  EXPECT_EQ(value_of("a=\\u0041\\u00e9\\u20AC", "a"), "Aé€");
  EXPECT_EQ(value_of("a=\\uD83D\\uDE80", "a"), "\U0001F680");
  EXPECT_EQ(value_of("a=Größe", "a"), "Größe");
}

TEST(Properties, MalformedTextNamesItsLine) {
  EXPECT_EQ(value_of("x=1\n\na=\\u12g4", "a"),
            "error: line 3: \\u needs four hexadecimal digits of a character");
  EXPECT_EQ(value_of("a=\\u12", "a").substr(0, 13), "error: line 1");
  EXPECT_EQ(value_of("a=\\uD83D", "a").substr(0, 13), "error: line 1") << "half a character";
  EXPECT_EQ(value_of("a=1\n=2", "a"), "error: line 2: there is a value but no name before it");
}

TEST(Properties, TheLastOfEqualNamesCounts) {
  auto properties = parse_properties("a=1\nb=2\na=3\n");
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->at("a").value, "3");
  EXPECT_EQ(properties->at("a").line, 3);
  EXPECT_EQ(properties->at("a").previous_line, 1);
  EXPECT_EQ(properties->at("b").previous_line, 0);
}

}  // namespace
}  // namespace longhaul::broker::config
