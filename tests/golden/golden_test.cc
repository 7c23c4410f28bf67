// Every message against the vectors of Apache Kafka 4.3.1, both ways.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "protocol/reflection/message_type.h"
#include "tests/golden/json_visitor.h"
#include "tests/golden/loaded_vectors.h"

namespace longhaul::golden {
namespace {

std::string label(const Vector& vector) {
  return vector.message + " version " + std::to_string(vector.version) + " " +
         base::to_hex(vector.bytes);
}

TEST(Golden, EveryVectorDecodesToItsValueAndEncodesToItsBytes) {
  size_t passed = 0;
  for (const Vector& vector : vectors()) {
    SCOPED_TRACE(label(vector));
    const auto* type = protocol::find_message_type(vector.message);
    ASSERT_NE(type, nullptr);
    base::Reader reader(vector.bytes);
    auto message = type->decode(reader, vector.version);
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(reader.remaining(), 0u);
    auto value = to_json(**message, vector.version);
    ASSERT_EQ(value, nlohmann::json::parse(vector.json));

    protocol::Encoder encoder;
    auto encoded = (*message)->encode(encoder, vector.version);
    ASSERT_TRUE(encoded) << encoded.error().message;
    ASSERT_EQ(base::to_hex(encoder.view()), base::to_hex(vector.bytes));
    EXPECT_EQ((*message)->encoded_size(vector.version), vector.bytes.size());
    ++passed;
  }
  EXPECT_EQ(passed, 2181u);
}

TEST(Golden, EveryVersionOfEveryMessageHasAVector) {
  std::map<std::string, std::set<int16_t>> seen;
  for (const Vector& vector : vectors()) seen[vector.message].insert(vector.version);
  EXPECT_EQ(protocol::message_types().size(), 272u);
  for (const auto& type : protocol::message_types()) {
    for (int16_t version = type.min_version; version <= type.max_version; ++version) {
      // The one that Kafka's classes could not write with fields of version 1 in them.
      if (type.name == "TransactionLogValue" && version == 0) continue;
      EXPECT_TRUE(seen[std::string(type.name)].contains(version)) << type.name << " " << version;
    }
  }
}

}  // namespace
}  // namespace longhaul::golden
