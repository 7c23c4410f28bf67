#include "broker/config/settings.h"

#include <gtest/gtest.h>

#include "broker/config/topic_config.h"

namespace longhaul::broker::config {
namespace {

Setting topic_setting(std::string_view name, const Overrides& topic, const BrokerLayers& layers) {
  return resolve_topic_option(topic_option_table().get(name), topic, layers);
}

TEST(Settings, ATopicsOwnValueWinsThenTheBrokersThenAllBrokersThenTheFile) {
  Overrides file = {{"log.retention.ms", "4"}}, all = {{"log.retention.ms", "3"}};
  Overrides broker = {{"log.retention.ms", "2"}}, topic = {{"retention.ms", "1"}};
  BrokerLayers layers = {&broker, &all, &file};
  Setting setting = topic_setting("retention.ms", topic, layers);
  EXPECT_EQ(setting.value, "1");
  EXPECT_EQ(setting.source, Source::kTopic);
  ASSERT_EQ(setting.synonyms.size(), 5u);
  EXPECT_EQ(setting.synonyms[0].name, "retention.ms");
  EXPECT_EQ(setting.synonyms[1].name, "log.retention.ms");
  EXPECT_EQ(setting.synonyms[4].name, "log.retention.hours");
  EXPECT_EQ(setting.synonyms[4].source, Source::kDefault);

  EXPECT_EQ(topic_setting("retention.ms", {}, layers).value, "2");
  layers.broker = nullptr;
  EXPECT_EQ(topic_setting("retention.ms", {}, layers).value, "3");
  EXPECT_EQ(topic_setting("retention.ms", {}, layers).source, Source::kDynamicDefaultBroker);
  layers.cluster_default = nullptr;
  EXPECT_EQ(topic_setting("retention.ms", {}, layers).value, "4");
  layers.file = nullptr;
  EXPECT_EQ(topic_setting("retention.ms", {}, layers).value, "604800000");
  EXPECT_EQ(topic_setting("retention.ms", {}, layers).source, Source::kDefault);
}

TEST(Settings, CoarserSynonymsAreConverted) {
  Overrides file = {{"log.retention.hours", "2"}};
  EXPECT_EQ(topic_setting("retention.ms", {}, {.file = &file}).value, "7200000");
  file["log.retention.minutes"] = "3";
  EXPECT_EQ(topic_setting("retention.ms", {}, {.file = &file}).value, "180000");
  file = {{"log.retention.hours", "-1"}};
  EXPECT_EQ(topic_setting("retention.ms", {}, {.file = &file}).value, "-1");
  file = {{"log.roll.hours", "2147483647"}};
  EXPECT_EQ(topic_setting("segment.ms", {}, {.file = &file}).value, "7730941129200000");
}

TEST(Settings, ABrokerOptionHasItsOwnLayers) {
  Overrides file = {{"log.dir", "/a"}}, broker = {{"message.max.bytes", "5"}};
  BrokerLayers layers = {&broker, nullptr, &file};
  Setting dirs = resolve_broker_option(broker_options().get("log.dirs"), layers);
  EXPECT_EQ(dirs.value, "/a");
  EXPECT_TRUE(dirs.read_only());
  Setting bytes = resolve_broker_option(broker_options().get("message.max.bytes"), layers);
  EXPECT_EQ(bytes.value, "5");
  EXPECT_EQ(bytes.source, Source::kDynamicBroker);
  Setting rack = resolve_broker_option(broker_options().get("broker.rack"), layers);
  EXPECT_EQ(rack.value, std::nullopt);
}

TEST(TopicConfig, DefaultsAreKafkas) {
  TopicConfig config = resolve_topic_config({}, {});
  EXPECT_TRUE(config.deletes);
  EXPECT_FALSE(config.compacts);
  EXPECT_EQ(config.retention_ms, 604'800'000);
  EXPECT_EQ(config.retention_bytes, -1);
  EXPECT_EQ(config.segment_bytes, 1 << 30);
  EXPECT_EQ(config.segment_ms, 604'800'000);
  EXPECT_EQ(config.max_message_bytes, 1'048'588);
  EXPECT_EQ(config.compression_type, "producer");
  EXPECT_EQ(config.flush_ms, INT64_MAX);
  EXPECT_EQ(config.min_insync_replicas, 1);
  EXPECT_DOUBLE_EQ(config.min_cleanable_dirty_ratio, 0.5);
}

TEST(TopicConfig, TakesWhatIsSet) {
  Overrides topic = {{"cleanup.policy", "compact,delete"},
                     {"message.timestamp.type", "LogAppendTime"},
                     {"leader.replication.throttled.replicas", "0:1,1:2"}};
  TopicConfig config = resolve_topic_config(topic, {});
  EXPECT_TRUE(config.compacts && config.deletes && config.log_append_time);
  EXPECT_EQ(config.leader_throttled_replicas, (std::vector<std::string>{"0:1", "1:2"}));
}

}  // namespace
}  // namespace longhaul::broker::config
