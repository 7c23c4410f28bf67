#include "broker/metadata/node.h"

#include "tests/broker/metadata/node_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class Node : public NodeFixture {};

TEST_F(Node, BeginsANewCluster) {
  start();
  run();
  EXPECT_TRUE(node_->raft().is_leader());
  EXPECT_EQ(image()->feature_level("metadata.version"), 30);
  EXPECT_EQ(image()->feature_level("eligible.leader.replicas.version"), 1);
  EXPECT_EQ(image()->config({ResourceType::kBroker, ""}).at("min.insync.replicas"), "1");
  // LeaderChange, KRaftVersion, Voters; then the bootstrap records.
  EXPECT_EQ(image()->provenance, (raft::OffsetAndEpoch{6, 1}));
  auto state = base::read_file(files_, "/d/__cluster_metadata-0/quorum-state", 1000);
  ASSERT_TRUE(state);
  EXPECT_EQ(base::as_text(*state),
            R"({"leaderId":1000,"leaderEpoch":1,"votedId":-1,)"
            R"("votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})");
}

TEST_F(Node, BrokerEpochIsTheOffsetOfItsRecord) {
  start();
  run();
  int64_t end = node_->raft().end_offset();
  EXPECT_EQ(register_broker(), end);
  EXPECT_FALSE(image()->broker(1000)->fenced);
}

TEST_F(Node, RequestsWaitForTheController) {
  start();
  auto answer = create_topic("early");
  EXPECT_TRUE(simulation_.step());  // it is there before the leader has committed anything
  EXPECT_FALSE(*answer);
  run();
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->topics[0].error_code, ErrorCode::kInvalidReplicationFactor);
}

TEST_F(Node, AnswersOnlyWhatIsDurable) {
  start();
  run();
  register_broker();
  auto answer = create_topic("t");
  advance_without_io(0);
  EXPECT_FALSE(*answer);  // appended, not flushed
  EXPECT_EQ(image()->topic("t"), nullptr);
  run();
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->topics[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(image()->topic("t")->id, (*answer)->topics[0].topic_id);
  EXPECT_TRUE(changes_.topics.at(image()->topic("t")->id).created);
}

TEST_F(Node, RequestsThatComeTogetherShareFlushes) {
  start();
  run();
  register_broker();
  int syncs = 0;
  files_.set_fault_hook([&](base::DiskOperation operation, std::string_view path) {
    if (operation == base::DiskOperation::kSync && path.ends_with(".log")) ++syncs;
    return std::optional<base::Fault>();
  });
  std::vector<std::shared_ptr<std::optional<protocol::CreateTopicsResponse>>> answers;
  for (int i = 0; i < 50; ++i) answers.push_back(create_topic("t" + std::to_string(i)));
  run();
  for (const auto& answer : answers) {
    ASSERT_TRUE(*answer);
    EXPECT_EQ((*answer)->topics[0].error_code, ErrorCode::kNone);
  }
  EXPECT_LE(syncs, 2);
  EXPECT_GE(syncs, 1);
}

TEST_F(Node, AReadSeesWhatWasAskedBefore) {
  start();
  run();
  register_broker();
  auto first = create_topic("t");
  auto second = create_topic("t");
  run();
  EXPECT_EQ((*first)->topics[0].error_code, ErrorCode::kNone);
  EXPECT_EQ((*second)->topics[0].error_code, ErrorCode::kTopicAlreadyExists);
}

TEST_F(Node, GivesUpAtTheDeadline) {
  start();
  run();
  register_broker();
  auto answer = create_topic("t");
  advance_without_io(31'000);
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->topics[0].error_code, ErrorCode::kRequestTimedOut);
  run();
  EXPECT_NE(image()->topic("t"), nullptr);  // it was committed all the same
}

TEST_F(Node, SurvivesAnOrderlyRestart) {
  start();
  run();
  register_broker();
  EXPECT_EQ(created("t", 3), ErrorCode::kNone);
  base::Uuid id = image()->topic("t")->id;
  int64_t end = node_->raft().end_offset();
  stop();
  published_ = 0;
  start();
  run();
  EXPECT_EQ(node_->raft().epoch(), 2);
  EXPECT_EQ(node_->raft().end_offset(), end + 1);
  EXPECT_EQ(published_, 1);
  EXPECT_TRUE(changes_.topics.at(id).created);
  EXPECT_EQ(image()->topic("t")->id, id);
  EXPECT_EQ(image()->topic("t")->partitions.size(), 3u);
  EXPECT_EQ(image()->provenance, (raft::OffsetAndEpoch{end + 1, 2}));
}

TEST_F(Node, AFullDiskRefusesAndGoesOn) {
  start();
  run();
  register_broker();
  files_.set_capacity(files_.used_bytes());
  EXPECT_EQ(created("t"), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(image()->topic("t"), nullptr);
  files_.set_capacity(UINT64_MAX);
  if (fatal_.empty()) {
    EXPECT_EQ(created("t"), ErrorCode::kNone);
  }
}

TEST_F(Node, AFullDiskAtAnyPointOfTheBeginningIsWaitedFor) {
  for (uint64_t room = 0; room < 3000; room += 100) {
    files_.crash(base::CrashMode::kKeepAll, random_);
    ASSERT_TRUE(files_.remove_all("/d"));
    SetUp();
    start();
    files_.set_capacity(files_.used_bytes() + room);
    advance(3000);
    ASSERT_TRUE(fatal_.empty()) << fatal_;
    files_.set_capacity(1 << 30);
    advance(3000);
    EXPECT_EQ(created("t"), ErrorCode::kInvalidReplicationFactor);  // there are no brokers
    register_broker();
    EXPECT_EQ(created("t"), ErrorCode::kNone);
    stop();
  }
}

TEST_F(Node, AFailedSyncEndsTheNode) {
  start();
  run();
  register_broker();
  files_.set_fault_hook([&](base::DiskOperation operation, std::string_view path) {
    bool fails = operation == base::DiskOperation::kSync && path.ends_with(".log");
    return fails ? std::optional<base::Fault>(base::Fault{{base::Errc::kIo, "EIO"}, 0})
                 : std::nullopt;
  });
  auto answer = create_topic("t");
  run();
  EXPECT_NE(fatal_.find("EIO"), std::string::npos) << fatal_;
  ASSERT_TRUE(*answer);
  EXPECT_NE((*answer)->topics[0].error_code, ErrorCode::kNone);
}

TEST_F(Node, LeavesTheDiskAloneWhileNothingChanges) {
  start();
  register_broker();
  int64_t end = node_->raft().end_offset();
  int touched = 0;
  files_.set_fault_hook([&](base::DiskOperation what, std::string_view) {
    touched += what != base::DiskOperation::kRead && what != base::DiskOperation::kOpen;
    return std::nullopt;
  });
  advance(10 * 60 * 1000);
  EXPECT_EQ(node_->raft().end_offset(), end);
  EXPECT_EQ(touched, 0);
  ASSERT_EQ(created("t"), ErrorCode::kNone);
  EXPECT_GT(touched, 0) << "the hook counts";
  files_.set_fault_hook({});
  stop();
}

TEST_F(Node, StopRefusesWhatWaits) {
  start();
  run();
  register_broker();
  auto answer = create_topic("t");
  advance_without_io(0);
  bool done = false;
  node_->stop([&] { done = true; });
  advance_without_io(0);
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->topics[0].error_code, ErrorCode::kNotController);
  EXPECT_FALSE(done);  // a flush is under way
  run();
  EXPECT_TRUE(done);
  auto late = create_topic("u");
  run();
  EXPECT_EQ((*late)->topics[0].error_code, ErrorCode::kNotController);
}

}  // namespace
}  // namespace longhaul::broker::metadata
