#include "broker/config/value.h"

#include <gtest/gtest.h>

#include "broker/config/option_table.h"

namespace longhaul::broker::config {
namespace {

/// The normal form, or "error".
std::string topic(std::string_view name, std::string_view text) {
  auto value = check_value(topic_option_table().get(name), text);
  return value ? *value : "error";
}
std::string broker(std::string_view name, std::string_view text) {
  auto value = check_value(broker_options().get(name), text);
  return value ? *value : "error";
}

// What Apache Kafka 4.3.1's LogConfig accepts and refuses.
TEST(Value, IsCheckedAsKafkaChecksIt) {
  EXPECT_EQ(topic("cleanup.policy", ""), "");
  EXPECT_EQ(topic("cleanup.policy", "delete,delete"), "delete");
  EXPECT_EQ(topic("cleanup.policy", "compact, delete "), "compact,delete");
  EXPECT_EQ(topic("cleanup.policy", "Delete"), "error");
  EXPECT_EQ(topic("cleanup.policy", "delete,"), "error");
  EXPECT_EQ(topic("retention.ms", "-2"), "error");
  EXPECT_EQ(topic("retention.ms", "-1"), "-1");
  EXPECT_EQ(topic("retention.ms", " 5 "), "5");
  EXPECT_EQ(topic("retention.ms", "+5"), "5");
  EXPECT_EQ(topic("retention.ms", "+-5"), "error");
  EXPECT_EQ(topic("retention.ms", "5x"), "error");
  EXPECT_EQ(topic("retention.ms", ""), "error");
  EXPECT_EQ(topic("retention.bytes", "-5"), "-5");
  EXPECT_EQ(topic("preallocate", "TRUE"), "true");
  EXPECT_EQ(topic("preallocate", "yes"), "error");
  EXPECT_EQ(topic("min.cleanable.dirty.ratio", "1.5"), "error");
  EXPECT_EQ(topic("min.cleanable.dirty.ratio", "0.25"), "0.25");
  EXPECT_EQ(topic("min.cleanable.dirty.ratio", "nan"), "error");
  EXPECT_EQ(topic("compression.type", "LZ4"), "error");
  EXPECT_EQ(topic("compression.type", " gzip"), "gzip");
  EXPECT_EQ(topic("leader.replication.throttled.replicas", "1:2,3:4"), "1:2,3:4");
  EXPECT_EQ(topic("leader.replication.throttled.replicas", "*"), "*");
  EXPECT_EQ(topic("leader.replication.throttled.replicas", ""), "");
  EXPECT_EQ(topic("leader.replication.throttled.replicas", "none"), "error");
  EXPECT_EQ(topic("leader.replication.throttled.replicas", "1:2,*"), "error");
  EXPECT_EQ(topic("segment.bytes", "1000"), "error");
  EXPECT_EQ(topic("segment.bytes", "99999999999"), "error");
  EXPECT_EQ(topic("compression.gzip.level", "0"), "error");
  EXPECT_EQ(topic("compression.gzip.level", "-1"), "-1");
  EXPECT_EQ(topic("compression.gzip.level", "9"), "9");
  EXPECT_EQ(topic("compression.zstd.level", "-131072"), "-131072");
  EXPECT_EQ(topic("min.insync.replicas", "0"), "error");
  EXPECT_EQ(topic("message.timestamp.type", "createtime"), "error");
}

TEST(Value, BrokerOptionsHaveFormsOfTheirOwn) {
  EXPECT_EQ(broker("group.consumer.migration.policy", "Upgrade"), "Upgrade");
  EXPECT_EQ(broker("group.consumer.migration.policy", "sideways"), "error");
  EXPECT_EQ(broker("controller.quorum.voters", ""), "error");
  EXPECT_EQ(broker("remote.log.storage.manager.class.name", ""), "error");
  EXPECT_EQ(broker("longhaul.format", "Join"), "error");
  EXPECT_EQ(broker("offsets.topic.replication.factor", "32768"), "error");
  EXPECT_EQ(broker("ssl.key.password", " a "), " a ") << "a password is taken as it stands";
}

TEST(Value, ErrorsNameOptionValueAndWhatIsTaken) {
  auto value = check_value(topic_option_table().get("segment.bytes"), "7");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message,
            "segment.bytes: '7' is not possible; it must lie in [1048576,...]");
}

}  // namespace
}  // namespace longhaul::broker::config
