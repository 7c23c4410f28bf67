#include "broker/config/listeners.h"

#include <gtest/gtest.h>

namespace longhaul::broker::config {
namespace {

const ProtocolMap kMap = {{"PLAINTEXT", SecurityProtocol::kPlaintext},
                          {"OUT", SecurityProtocol::kSaslSsl}};

/// The listeners written out, or the message.
std::string listeners(const std::vector<std::string>& items, bool repeat = false) {
  auto parsed = parse_listeners(items, kMap, repeat);
  if (!parsed) return parsed.error().message;
  std::string text;
  for (const Listener& listener : *parsed) {
    text += to_string(listener) + " " + std::string(to_string(listener.protocol)) + ";";
  }
  return text;
}

TEST(Listeners, NamesHostsAndPorts) {
  EXPECT_EQ(listeners({"plaintext://:9092"}), "PLAINTEXT://:9092 PLAINTEXT;");
  EXPECT_EQ(listeners({"OUT://[::1]:0", "PLAINTEXT://a.b:65535"}),
            "OUT://[::1]:0 SASL_SSL;PLAINTEXT://a.b:65535 PLAINTEXT;");
  EXPECT_EQ(listeners({"OUT://fd00:10::2:a7:9092"}), "OUT://[fd00:10::2:a7]:9092 SASL_SSL;")
      << "as a pod's address stands in its environment";
}

TEST(Listeners, WhatIsWrongIsNamed) {
  EXPECT_EQ(listeners({"a:9092"}), "'a:9092' is no listener; write NAME://HOST:PORT");
  EXPECT_NE(listeners({"OUT://a:65536"}).find("is no address"), std::string::npos);
  EXPECT_NE(listeners({"OUT://a"}).find("is no address"), std::string::npos);
  for (const char* bad : {"OUT://::1", "OUT://fe80::1", "OUT://1:2:3", "OUT://[::1]", "OUT://[a:1",
                          "OUT://a]:1", "OUT://[[::1]]:1"}) {
    EXPECT_NE(listeners({bad}).find("[IPV6]:PORT"), std::string::npos) << bad;
  }
  EXPECT_NE(listeners({"IN://a:1"}).find("add IN:PLAINTEXT"), std::string::npos);
  EXPECT_EQ(listeners({"OUT://a:1", "out://a:2"}), "two listeners are named OUT");
  EXPECT_EQ(listeners({"OUT://a:1", "PLAINTEXT://b:1"}), "two listeners have port 1");
  EXPECT_EQ(listeners({"OUT://:0", "PLAINTEXT://:0"}),
            "OUT://:0 SASL_SSL;PLAINTEXT://:0 PLAINTEXT;");
  EXPECT_EQ(listeners({"OUT://a:1", "PLAINTEXT://a:1"}, true),
            "OUT://a:1 SASL_SSL;PLAINTEXT://a:1 PLAINTEXT;");
}

TEST(Listeners, VotersAndAddresses) {
  auto voter = parse_quorum_voter("1001@[::1]:9093");
  ASSERT_TRUE(voter);
  EXPECT_EQ(voter->id, 1001);
  EXPECT_EQ(voter->address.host, "::1");
  EXPECT_EQ(voter->address.port, 9093);
  EXPECT_FALSE(parse_quorum_voter("a@b:1"));
  EXPECT_FALSE(parse_quorum_voter("-1@b:1"));
  EXPECT_FALSE(parse_quorum_voter("b:1"));
  EXPECT_FALSE(parse_host_port(":9092"));
  EXPECT_FALSE(parse_host_port("a:0"));
}

TEST(Listeners, ProtocolMaps) {
  auto map = parse_protocol_map("a:ssl, B : PLAINTEXT");
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->at("A"), SecurityProtocol::kSsl);
  EXPECT_EQ(map->at("B"), SecurityProtocol::kPlaintext);
  EXPECT_FALSE(parse_protocol_map("A:TLS"));
  EXPECT_FALSE(parse_protocol_map("A"));
  EXPECT_FALSE(parse_protocol_map("A:SSL,a:SSL"));
}

}  // namespace
}  // namespace longhaul::broker::config
