#include "broker/config/broker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longhaul::broker::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kOneNode =
    "process.roles=broker,controller\n"
    "node.id=1001\n"
    "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n"
    "controller.listener.names=CONTROLLER\n"
    "controller.quorum.bootstrap.servers=127.0.0.1:9093\n"
    "log.dirs=/data/a, /data/b\n";

LoadedConfig good(const std::string& text) {
  auto loaded = load_broker_config(text);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? *loaded : LoadedConfig{};
}

std::string error(const std::string& text) {
  auto loaded = load_broker_config(text);
  return loaded ? "no error" : loaded.error().message;
}

TEST(BrokerConfig, ACombinedNode) {
  LoadedConfig loaded = good(kOneNode);
  const BrokerConfig& config = loaded.config;
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_TRUE(config.is_broker && config.is_controller);
  EXPECT_EQ(config.node_id, 1001);
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(to_string(config.listeners[1]), "CONTROLLER://127.0.0.1:9093");
  EXPECT_EQ(config.listeners[1].protocol, SecurityProtocol::kPlaintext);
  EXPECT_TRUE(config.is_controller_listener("CONTROLLER"));
  EXPECT_FALSE(config.is_controller_listener("PLAINTEXT"));
  EXPECT_EQ(config.inter_broker_listener, "PLAINTEXT");
  EXPECT_THAT(config.log_dirs, ElementsAre("/data/a", "/data/b"));
  EXPECT_EQ(config.metadata_log_dir, "/data/a");
  EXPECT_EQ(config.format, FormatPolicy::kRefuse);
  EXPECT_EQ(config.integer("num.network.threads"), 3);
  EXPECT_EQ(config.long_integer("log.retention.ms"), 604'800'000) << "from log.retention.hours";
  EXPECT_EQ(config.maybe_string("broker.rack"), std::nullopt);
  EXPECT_TRUE(config.boolean("auto.create.topics.enable"));
}

TEST(BrokerConfig, AdvertisedAddressesTakeHostAndPortFromTheMachine) {
  LoadedConfig loaded = good(kOneNode + "listeners=PLAINTEXT://:0,CONTROLLER://127.0.0.1:0\n");
  Listener bound{"PLAINTEXT", "", 4711, SecurityProtocol::kPlaintext};
  std::vector<Listener> advertised = advertised_at(loaded.config, "box", {bound});
  EXPECT_EQ(to_string(advertised[0]), "PLAINTEXT://box:4711");
  EXPECT_EQ(to_string(advertised[1]), "CONTROLLER://127.0.0.1:0");
}

TEST(BrokerConfig, WarningsNameWhatHasNoEffect) {
  LoadedConfig loaded = good(kOneNode +
                             "zookeeper.connect=zk:2181\n"
                             "background.threads=10\n"
                             "cordoned.log.dirs=2\n"
                             "flux.capacitor=1\n"
                             "num.partition=3\n"
                             "listener.name.plaintext.ssl.client.auth=none\n"
                             "node.id=1001\n");
  EXPECT_THAT(loaded.warnings,
              Contains(HasSubstr("zookeeper.connect (line 7) does nothing, Kafka has dropped it")));
  EXPECT_THAT(loaded.warnings, Contains("background.threads (line 8) has no effect: "
                                        "num.io.threads workers do this"));
  EXPECT_THAT(loaded.warnings,
              Contains(HasSubstr("cordoned.log.dirs (line 9) has no effect in this version")));
  EXPECT_THAT(loaded.warnings,
              Contains("flux.capacitor (line 10) is not an option and does nothing"));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("did you mean num.partitions?")));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("listener.name.plaintext.ssl.client.auth")));
  EXPECT_THAT(loaded.warnings, Contains("node.id stands on lines 2 and 13; the last counts"));
  EXPECT_EQ(loaded.warnings.size(), 7u);
}

TEST(BrokerConfig, AnUnknownOptionOfOursStopsTheStart) {
  EXPECT_EQ(error(kOneNode + "longhaul.fromat=join\n"),
            "line 7: longhaul.fromat is not an option; did you mean longhaul.format?");
}

TEST(BrokerConfig, EveryErrorIsListed) {
  std::string text = error(kOneNode + "num.io.threads=0\nnum.partitions=many\n");
  EXPECT_THAT(text, HasSubstr("line 7: num.io.threads"));
  EXPECT_THAT(text, HasSubstr("line 8: num.partitions: 'many'"));
}

TEST(BrokerConfig, WhatIsMissingIsNamed) {
  EXPECT_THAT(error(""), HasSubstr("process.roles is missing"));
  EXPECT_THAT(error(""), HasSubstr("node.id is missing"));
  EXPECT_THAT(error(""), HasSubstr("controller.listener.names is missing"));
  EXPECT_THAT(error(""), HasSubstr("controller.quorum.bootstrap.servers is missing"));
}

TEST(BrokerConfig, ContradictionsAreErrors) {
  EXPECT_THAT(error(kOneNode + "broker.id=7\n"), HasSubstr("broker.id and node.id differ"));
  EXPECT_THAT(error(kOneNode + "process.roles=broker\n"), HasSubstr("this node is no controller"));
  EXPECT_THAT(error(kOneNode + "process.roles=controller\n"), HasSubstr("this node is no broker"));
  EXPECT_THAT(error(kOneNode + "listeners=PLAINTEXT://127.0.0.1:9092\n"),
              HasSubstr("none of controller.listener.names"));
  EXPECT_THAT(error(kOneNode + "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093\n"),
              HasSubstr("cannot be advertised"));
  EXPECT_THAT(error(kOneNode + "inter.broker.listener.name=CONTROLLER\n"),
              HasSubstr("which is not advertised"));
  EXPECT_THAT(error(kOneNode + "advertised.listeners=SSL://a:1\n"),
              HasSubstr("advertised.listeners has SSL, listeners has not"));
  EXPECT_THAT(error(kOneNode + "controller.quorum.voters=1@a:9093\n"),
              HasSubstr("does not hold node 1001, which is a controller"));
  EXPECT_THAT(error(kOneNode + "listener.security.protocol.map=PLAINTEXT:PLAINTEXT\n"),
              HasSubstr("listener CONTROLLER has no protocol"));
}

TEST(BrokerConfig, WhatKafkaRefusesTogetherIsRefused) {
  for (const char* options :
       {"replica.fetch.wait.max.ms=30001\n", "replica.lag.time.max.ms=499\n",
        "replica.socket.timeout.ms=499\n",
        "log.cleaner.threads=2\nlog.cleaner.dedupe.buffer.size=2097152\n", "log.roll.ms=0\n",
        "log.roll.jitter.ms=-1\n", "log.retention.ms=0\n", "log.retention.hours=0\n",
        "log.cleaner.min.compaction.lag.ms=2\nlog.cleaner.max.compaction.lag.ms=1\n"}) {
    EXPECT_NE(error(kOneNode + options), "no error") << options;
  }
  EXPECT_EQ(error(kOneNode + "replica.fetch.wait.max.ms=500\nreplica.lag.time.max.ms=500\n"
                             "log.retention.ms=-1\n"
                             "log.cleaner.dedupe.buffer.size=1048577\nlog.roll.ms=1\n"),
            "no error");
}

TEST(BrokerConfig, WhatHardlyAnybodyWantsIsAWarning) {
  EXPECT_THAT(good(kOneNode + "min.insync.replicas=2\n").warnings,
              ElementsAre(HasSubstr("above default.replication.factor=1")));
  EXPECT_THAT(good(kOneNode + "message.max.bytes=200000000\n").warnings,
              ElementsAre(HasSubstr("above socket.request.max.bytes")));
  EXPECT_THAT(good(kOneNode + "message.max.bytes=2000000\nlog.segment.bytes=1048576\n").warnings,
              ElementsAre(HasSubstr("above log.segment.bytes")));
  EXPECT_THAT(good(kOneNode + "min.insync.replicas=2\ndefault.replication.factor=3\n").warnings,
              IsEmpty());
}

TEST(BrokerConfig, AnOffsetsTopicThatCouldNotBeMadeIsAnError) {
  EXPECT_THAT(error(kOneNode + "offsets.topic.segment.bytes=1048575\n"),
              HasSubstr("a topic's segments are of 1048576 bytes at least"));
  EXPECT_EQ(error(kOneNode + "offsets.topic.segment.bytes=1048576\n"), "no error");
}

TEST(BrokerConfig, Birth) {
  EXPECT_THAT(error(kOneNode + "longhaul.format=found\n"), HasSubstr("needs longhaul.cluster.id"));
  EXPECT_THAT(error(kOneNode + "longhaul.format=found\nlonghaul.cluster.id=x\n"),
              HasSubstr("'x' is no identifier"));
  LoadedConfig loaded =
      good(kOneNode + "longhaul.format=found\nlonghaul.cluster.id=MkU3OEVBNTcwNTJENDM2Qg\n");
  EXPECT_EQ(loaded.config.format, FormatPolicy::kFound);
  ASSERT_TRUE(loaded.config.cluster_id);
  EXPECT_EQ(loaded.config.cluster_id->to_string(), "MkU3OEVBNTcwNTJENDM2Qg");
}

TEST(BrokerConfig, JavaKeyStoresAreRefusedWithTheCommandThatConverts) {
  std::string text = error(kOneNode + "ssl.keystore.location=/k/server.jks\n");
  EXPECT_THAT(text, HasSubstr("keytool -importkeystore -srckeystore /k/server.jks"));
  EXPECT_THAT(text, HasSubstr("ssl.keystore.location=/k/server.jks.pem"));
  EXPECT_THAT(error(kOneNode + "ssl.truststore.location=/k/trust.jks\nssl.truststore.type=JKS\n"),
              HasSubstr("keytool -list -rfc -keystore /k/trust.jks"));
  good(kOneNode + "ssl.keystore.location=/k/server.pem\nssl.keystore.type=PEM\n");
}

}  // namespace
}  // namespace longhaul::broker::config
