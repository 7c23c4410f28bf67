#include "broker/config/environment.h"

#include <gtest/gtest.h>

#include "broker/config/properties.h"

namespace longhaul::broker::config {
namespace {

std::optional<std::string> look_up(const std::string& name) {
  if (name == "HOST") return "box";
  if (name == "SECRET") return "a\\b\nc=d";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

std::string expand(std::string_view text) {
  auto expanded = expand_environment(text, look_up);
  return expanded ? *expanded : "error: " + expanded.error().message;
}

TEST(Environment, VariablesAreReplaced) {
  EXPECT_EQ(expand("a=${env:HOST}:${env:HOST}\n"), "a=box:box\n");
  EXPECT_EQ(expand("a=[${env:EMPTY}]"), "a=[]");
  EXPECT_EQ(expand("a=${file:x} $HOST ${HOST}"), "a=${file:x} $HOST ${HOST}");
  EXPECT_EQ(expand(""), "");
}

TEST(Environment, AValueKeepsItsCharactersInTheFile) {
  auto properties = parse_properties(expand("a=${env:SECRET}\nb=1"));
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->at("a").value, "a\\b\nc=d");
  EXPECT_EQ(properties->at("b").value, "1");
}

TEST(Environment, WhatIsMissingIsNamedWithItsLine) {
  EXPECT_EQ(expand("a=1\nb=${env:NOPE}"),
            "error: line 2: the environment variable NOPE is not set");
  EXPECT_EQ(expand("a=${env:HOST\nb=}"), "error: line 1: '${env:' without its closing '}'");
}

}  // namespace
}  // namespace longhaul::broker::config
