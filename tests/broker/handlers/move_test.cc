// Replicas that go to another log directory (KIP-113, KIP-858).
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class Move : public NodeFixture {
 protected:
  void SetUp() override {
    start_with_two();
    topic_id_ = create_topic("t");
    ASSERT_EQ(place(), "/d");
  }
  void start_with_two() { start("metadata.log.dir=/m\nlog.dirs=/d,/e\n"); }
  void on_fatal(const base::Error& why) override { fatal_.push_back(why.message); }

  ErrorCode alter(const std::string& directory, const std::string& topic = "t",
                  int32_t partition = 0) {
    protocol::AlterReplicaLogDirsRequest request;
    auto& to = request.dirs.emplace_back();
    to.path = directory;
    to.topics.push_back({.name = topic, .partitions = {partition}});
    auto response = ask<protocol::AlterReplicaLogDirsResponse>(request, 2);
    EXPECT_EQ(response.results.at(0).topic_name, topic);
    return response.results.at(0).partitions.at(0).error_code;
  }
  void produce_some(int count) {
    for (int i = 0; i < count; ++i) {
      base::Bytes records = batch(10);
      ASSERT_EQ(produce("t", records).error_code, ErrorCode::kNone);
    }
  }
  /// More than one step copies.
  void produce_much() {
    for (int i = 0; i < 30; ++i) {
      records::BatchBuilder builder({});
      builder.append(clock_.wall_ms(), std::nullopt, base::as_bytes(std::string(100'000, 'x')));
      base::Bytes records = builder.build(codecs_);
      ASSERT_EQ(produce("t", records).error_code, ErrorCode::kNone);
    }
  }
  /// Bytes per second that moves may take.
  void throttle(int64_t rate) {
    protocol::IncrementalAlterConfigsRequest request;
    auto& broker = request.resources.emplace_back();
    broker.resource_type = 4;
    broker.resource_name = "1000";
    broker.configs.push_back({.name = "replica.alter.log.dirs.io.max.bytes.per.second",
                              .config_operation = 0,
                              .value = std::to_string(rate)});
    auto response = ask<protocol::IncrementalAlterConfigsResponse>(request, 1);
    ASSERT_EQ(response.responses.at(0).error_code, ErrorCode::kNone);
    run();
  }
  std::string place() { return node_->logs().directory_of("t", 0); }
  int64_t end() { return node_->logs().get("t", 0)->log_end_offset(); }
  void wait() { advance(std::chrono::seconds(2)); }

  struct Shown {
    std::string directory;
    int64_t lag;
    bool is_future;
    bool operator==(const Shown&) const = default;
  };
  std::vector<Shown> shown() {
    std::vector<Shown> all;
    protocol::DescribeLogDirsRequest request;
    request.topics.reset();
    auto response = ask<protocol::DescribeLogDirsResponse>(request, 4);
    for (const auto& directory : response.results) {
      for (const auto& topic : directory.topics) {
        for (const auto& each : topic.partitions) {
          all.push_back({directory.log_dir, each.offset_lag, each.is_future_key});
        }
      }
    }
    return all;
  }
  void break_disk(const std::string& path) {
    files_.set_fault_hook([path](base::DiskOperation, std::string_view at) {
      std::optional<base::Fault> fault;
      if ((std::string(at) + "/").starts_with(path + "/")) fault = {{base::Errc::kIo, "bad"}, 0};
      return fault;
    });
  }

  base::Uuid topic_id_;
  std::vector<std::string> fatal_;
};

TEST_F(Move, GoesWithAllItHasWhileItIsWritten) {
  produce_some(20);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  produce_some(5);
  wait();
  EXPECT_EQ(place(), "/e");
  EXPECT_EQ(end(), 250);
  EXPECT_EQ(shown(), (std::vector<Shown>{{"/e", 0, false}}));
  produce_some(1);
  EXPECT_EQ(end(), 260);
  EXPECT_FALSE(files_.exists("/d/t-0"));
  TearDown();
  start_with_two();
  EXPECT_EQ(place(), "/e");
  EXPECT_EQ(end(), 260);
  produce_some(1);
}

TEST_F(Move, IsSeenOnItsWayAndCalledOff) {
  throttle(0);
  produce_some(3);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  wait();
  EXPECT_EQ(shown(), (std::vector<Shown>{{"/d", 0, false}, {"/e", 30, true}}));
  EXPECT_EQ(alter("/e"), ErrorCode::kNone) << "once more is no news";
  EXPECT_EQ(alter("/d"), ErrorCode::kNone);
  EXPECT_EQ(shown(), (std::vector<Shown>{{"/d", 0, false}}));
  throttle(1 << 30);
  wait();
  EXPECT_EQ(place(), "/d");
  EXPECT_EQ(alter("/d"), ErrorCode::kNone) << "where it is";
  EXPECT_EQ(shown().size(), 1u);
}

TEST_F(Move, KeepsToTheRate) {
  produce_much();
  throttle(100'000);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  wait();
  ASSERT_EQ(shown().size(), 2u);
  int64_t lag = shown()[1].lag;
  EXPECT_GT(lag, 5);
  EXPECT_LT(lag, 25) << "about a megabyte at once, and then it waits";
  EXPECT_EQ(place(), "/d");
  advance(std::chrono::seconds(60));
  EXPECT_EQ(place(), "/e");
}

TEST_F(Move, GoesOnAfterARestart) {
  throttle(0);
  produce_some(3);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  wait();
  TearDown();
  start_with_two();
  EXPECT_EQ(shown().size(), 2u);
  produce_some(1);
  throttle(1 << 30);
  wait();
  EXPECT_EQ(place(), "/e");
  EXPECT_EQ(end(), 40);
}

TEST_F(Move, IsRefusedWhereThereIsNothingToMoveOrNoWay) {
  EXPECT_EQ(alter("/nowhere"), ErrorCode::kLogDirNotFound);
  EXPECT_EQ(alter("/e", "unknown"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter("/e", "t", 7), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter("/e", std::string(230, 'x')), ErrorCode::kInvalidTopicException);
  create_topic("other");  // in /e
  base::Bytes records = batch();
  break_disk("/e");
  EXPECT_EQ(produce("other", records).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(alter("/e"), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(alter("/d", "other"), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(place(), "/d");
}

TEST_F(Move, WhatDoesNotExistYetComesWhereItIsWanted) {
  EXPECT_EQ(alter("/d", "later", 1), ErrorCode::kUnknownTopicOrPartition);
  create_topic("later", 2);
  EXPECT_EQ(node_->logs().directory_of("later", 1), "/d");
}

TEST_F(Move, DeletedRecordsStayDeleted) {
  throttle(0);
  produce_some(4);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  throttle(1 << 30);
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = 1000;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.partition_index = 0, .offset = 25});
  auto response = ask<protocol::DeleteRecordsResponse>(request, 2);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  wait();
  EXPECT_EQ(place(), "/e");
  EXPECT_EQ(node_->logs().get("t", 0)->log_start_offset(), 25);
  TearDown();
  start_with_two();
  EXPECT_EQ(node_->logs().get("t", 0)->log_start_offset(), 25);
}

TEST_F(Move, ATopicThatIsDeletedTakesItsCopyAlong) {
  throttle(0);
  produce_some(4);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topics.push_back({.name = "t"});
  auto response = ask<protocol::DeleteTopicsResponse>(request, 6);
  EXPECT_EQ(response.responses.at(0).error_code, ErrorCode::kNone);
  throttle(1 << 30);
  wait();
  EXPECT_TRUE(shown().empty());
  create_topic("t");
  produce_some(1);
  EXPECT_EQ(end(), 10);
}

TEST_F(Move, ATargetThatFailsLeavesTheReplicaWhereItIs) {
  throttle(0);
  produce_some(4);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  break_disk("/e");
  throttle(1 << 30);
  wait();
  EXPECT_EQ(place(), "/d");
  produce_some(4);
  EXPECT_EQ(shown(), (std::vector<Shown>{{"/d", 0, false}}));
  wait();
  TearDown();
  files_.set_fault_hook({});
  start_with_two();
  wait();
  EXPECT_EQ(end(), 80);
  EXPECT_EQ(place(), "/e") << "what is wanted is known as long as its directory is";
}

TEST_F(Move, ASourceThatFailsTakesTheReplicaAlong) {
  throttle(0);
  produce_some(4);
  EXPECT_EQ(alter("/e"), ErrorCode::kNone);
  break_disk("/d");
  base::Bytes records = batch();
  EXPECT_EQ(produce("t", records).error_code, ErrorCode::kKafkaStorageError);
  throttle(1 << 30);
  wait();
  EXPECT_EQ(produce("t", records).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(place(), "/d");
  EXPECT_TRUE(fatal_.empty());
  TearDown();
  files_.set_fault_hook({});
  start_with_two();
  wait();
  EXPECT_EQ(end(), 40);
  EXPECT_EQ(place(), "/e");
}

}  // namespace
}  // namespace longhaul::broker::handlers
