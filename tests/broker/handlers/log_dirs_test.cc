// Several log directories, one of which fails (KIP-112).
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class LogDirs : public NodeFixture {
 protected:
  void SetUp() override { start_with_two(); }

  void start_with_two() { start("metadata.log.dir=/m\nlog.dirs=/d,/e\n"); }

  void on_fatal(const base::Error& why) override { fatal_.push_back(why.message); }

  /// Nothing below `path` can be written or read any more.
  void break_disk(const std::string& path) {
    broken_.push_back(path + "/");
    files_.set_fault_hook([this](base::DiskOperation, std::string_view at) {
      std::optional<base::Fault> fault;
      for (const auto& prefix : broken_) {
        if ((std::string(at) + "/").starts_with(prefix)) {
          fault = {{base::Errc::kIo, "the medium is bad"}, 0};
        }
      }
      return fault;
    });
  }
  ErrorCode produce_to(int32_t partition) {
    base::Bytes records = batch();
    auto response =
        ask<protocol::ProduceResponse>(produce_request("t", records, partition), kProduce);
    return response.responses.at(0).partition_responses.at(0).error_code;
  }
  ErrorCode list_latest(int32_t partition) {
    protocol::ListOffsetsRequest request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({.partition_index = partition, .timestamp = -1});
    auto response = ask<protocol::ListOffsetsResponse>(request, 10);
    return response.topics.at(0).partitions.at(0).error_code;
  }
  std::map<std::string, ErrorCode> described() {
    std::map<std::string, ErrorCode> states;
    auto response = ask<protocol::DescribeLogDirsResponse>(protocol::DescribeLogDirsRequest{}, 4);
    for (const auto& each : response.results) states[each.log_dir] = each.error_code;
    return states;
  }

  std::vector<std::string> broken_;
  std::vector<std::string> fatal_;
};

TEST_F(LogDirs, OneThatFailsTakesItsOwnPartitionsAlong) {
  create_topic("t", 2);
  ASSERT_EQ(node_->logs().directory_of("t", 0), "/d");
  ASSERT_EQ(node_->logs().directory_of("t", 1), "/e");
  ASSERT_EQ(produce_to(0), ErrorCode::kNone);
  ASSERT_EQ(produce_to(1), ErrorCode::kNone);
  break_disk("/e");
  EXPECT_EQ(produce_to(1), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(list_latest(1), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(produce_to(0), ErrorCode::kNone);
  EXPECT_EQ(list_latest(0), ErrorCode::kNone);
  EXPECT_EQ(described(), (std::map<std::string, ErrorCode>{{"/d", ErrorCode::kNone},
                                                           {"/e", ErrorCode::kKafkaStorageError}}));
  create_topic("later", 2);
  EXPECT_EQ(node_->logs().directory_of("later", 0), "/d");
  EXPECT_EQ(node_->logs().directory_of("later", 1), "/d");
  EXPECT_TRUE(fatal_.empty());
}

TEST_F(LogDirs, TheLastOneTakesTheBrokerAlong) {
  create_topic("t", 2);
  break_disk("/e");
  EXPECT_EQ(produce_to(1), ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(fatal_.empty());
  break_disk("/d");
  EXPECT_EQ(produce_to(0), ErrorCode::kKafkaStorageError);
  ASSERT_EQ(fatal_.size(), 1u);
  EXPECT_NE(fatal_[0].find("/d: "), std::string::npos);
}

TEST_F(LogDirs, ABrokerStartsWithoutOneThatHasFailedAndDoesNotBeginItsPartitionsAnew) {
  create_topic("t", 2);
  ASSERT_EQ(produce_to(0), ErrorCode::kNone);
  ASSERT_EQ(produce_to(1), ErrorCode::kNone);
  TearDown();
  break_disk("/e");
  start_with_two();
  EXPECT_EQ(produce_to(0), ErrorCode::kNone);
  EXPECT_EQ(produce_to(1), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(list_latest(1), ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(files_.exists("/d/t-1"));
  TearDown();
  files_.set_fault_hook({});
  start_with_two();
  EXPECT_EQ(node_->logs().get("t", 1)->log_end_offset(), 1) << "nothing was lost";
}

TEST_F(LogDirs, TheControllerKnowsWhatAFailedOneTook) {
  create_topic("t", 2);
  ASSERT_EQ(node_->logs().directory_of("t", 0), "/d");
  run();
  auto leaders = [this] {
    protocol::MetadataRequest request;
    request.topics.emplace().push_back({.name = "t"});
    std::vector<int32_t> ids;
    auto response = ask<protocol::MetadataResponse>(request, 12);
    for (const auto& each : response.topics.at(0).partitions) ids.push_back(each.leader_id);
    return ids;
  };
  EXPECT_EQ(leaders(), (std::vector<int32_t>{1000, 1000}));
  break_disk("/d");
  EXPECT_EQ(produce_to(0), ErrorCode::kKafkaStorageError);
  advance(std::chrono::milliseconds(2'100));
  EXPECT_EQ(leaders(), (std::vector<int32_t>{-1, 1000}));
  EXPECT_EQ(produce_to(1), ErrorCode::kNone);
  EXPECT_TRUE(fatal_.empty());
}

}  // namespace
}  // namespace longhaul::broker::handlers
