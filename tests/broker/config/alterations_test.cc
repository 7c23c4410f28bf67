#include "broker/config/alterations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longhaul::broker::config {
namespace {

using ::testing::HasSubstr;

std::string message(const base::Result<void>& result) {
  return result ? "ok" : result.error().message;
}

TEST(Alterations, SetAndDelete) {
  Overrides topic;
  EXPECT_EQ(message(alter_topic(topic, {"retention.ms", Operation::kSet, " 60000 "})), "ok");
  EXPECT_EQ(topic.at("retention.ms"), "60000");
  EXPECT_EQ(message(alter_topic(topic, {"retention.ms", Operation::kDelete, {}})), "ok");
  EXPECT_TRUE(topic.empty());
}

TEST(Alterations, AppendAndSubtractStartFromTheDefault) {
  Overrides topic;
  EXPECT_EQ(message(alter_topic(topic, {"cleanup.policy", Operation::kAppend, "compact"})), "ok");
  EXPECT_EQ(topic.at("cleanup.policy"), "delete,compact");
  EXPECT_EQ(message(alter_topic(topic, {"cleanup.policy", Operation::kAppend, "compact"})), "ok");
  EXPECT_EQ(topic.at("cleanup.policy"), "delete,compact");
  EXPECT_EQ(message(alter_topic(topic, {"cleanup.policy", Operation::kSubtract, "delete"})), "ok");
  EXPECT_EQ(topic.at("cleanup.policy"), "compact");
}

TEST(Alterations, WhatIsRefusedChangesNothing) {
  Overrides topic = {{"retention.ms", "5"}};
  Overrides before = topic;
  EXPECT_EQ(message(alter_topic(topic, {"retension.ms", Operation::kSet, "1"})),
            "retension.ms is not an option of a topic; did you mean retention.ms?");
  EXPECT_THAT(message(alter_topic(topic, {"retention.ms", Operation::kSet, "x"})),
              HasSubstr("'x' is not possible"));
  EXPECT_THAT(message(alter_topic(topic, {"retention.ms", Operation::kSet, {}})),
              HasSubstr("a value is missing"));
  EXPECT_THAT(message(alter_topic(topic, {"retention.ms", Operation::kAppend, "1"})),
              HasSubstr("is not a list"));
  EXPECT_THAT(message(alter_topic(topic, {"cleanup.policy", Operation::kAppend, "shred"})),
              HasSubstr("compact, delete"));
  EXPECT_EQ(topic, before);
}

TEST(Alterations, ABrokerTakesOnlyWhatCanChangeWhileItRuns) {
  Overrides broker;
  EXPECT_THAT(message(alter_broker(broker, {"log.dirs", Operation::kSet, "/a"}, false)),
              HasSubstr("when the broker starts"));
  EXPECT_THAT(message(alter_broker(broker, {"num.io.threads", Operation::kSet, "4"}, false)),
              HasSubstr("when the broker starts"));
  EXPECT_THAT(message(alter_broker(broker, {"background.threads", Operation::kSet, "4"}, false)),
              HasSubstr("no effect"));
  EXPECT_THAT(message(alter_broker(broker, {"nope", Operation::kSet, "4"}, false)),
              HasSubstr("not an option of a broker"));
  EXPECT_TRUE(broker.empty());
  broker["log.dirs"] = "/a";
  EXPECT_EQ(message(alter_broker(broker, {"log.dirs", Operation::kDelete, {}}, false)), "ok");
  EXPECT_EQ(message(alter_broker(broker, {"not.known.here", Operation::kDelete, {}}, false)), "ok")
      << "kafka-reassign-partitions --verify deletes what it may have set";
}

TEST(Alterations, CompactionLagsMustNotCross) {
  Overrides topic = {{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "5"}};
  EXPECT_EQ(message(check_topic(topic, {})),
            "min.compaction.lag.ms (10) is above max.compaction.lag.ms (5)");
  topic["max.compaction.lag.ms"] = "10";
  EXPECT_EQ(message(check_topic(topic, {})), "ok");
}

TEST(Alterations, WhatABrokersOptionsSayTogetherIsChecked) {
  Overrides broker = {{"log.cleaner.min.compaction.lag.ms", "10"}};
  Overrides file = {{"log.cleaner.max.compaction.lag.ms", "5"}};
  EXPECT_THAT(message(check_broker({.broker = &broker, .file = &file})),
              HasSubstr("log.cleaner.min.compaction.lag.ms (10) is above"));
  EXPECT_EQ(message(check_broker({.broker = &broker})), "ok");
  broker = {{"log.roll.ms", "0"}};
  EXPECT_EQ(message(check_broker({.broker = &broker})), "log.roll.ms must be 1 or more");
}

}  // namespace
}  // namespace longhaul::broker::config
