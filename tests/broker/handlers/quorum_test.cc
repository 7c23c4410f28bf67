// The quorum's RPCs on the wire, in every version there is.
#include "broker/raft/wire.h"
#include "protocol/messages/describe_quorum.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class QuorumHandlers : public NodeFixture {
 protected:
  void SetUp() override {
    start();
    connection_->listener = "CONTROLLER";
    connection_->controller_listener = true;
  }
  /// Calls `check` with the answer in each version.
  template <class Response, class Request, class Check>
  void in_all_versions(const Request& request, Check check) {
    const protocol::ApiInfo& api = *protocol::find_api(Request::kApiKey);
    for (int16_t version = api.min_version; version <= api.max_stable_version(); ++version) {
      SCOPED_TRACE(std::string(api.name) + " " + std::to_string(version));
      check(ask<Response>(request, version));
    }
  }
  static constexpr const char* kCluster = "4L6g3nShT-eMCtK--X86sw";
  raft::Sender sender_{kCluster, {{"CONTROLLER", "elsewhere", 9093}}};
  raft::ReplicaKey other_{2000, {}};
};

TEST_F(QuorumHandlers, ALeaderTellsOthersOfItself) {
  auto is_refused = [](const auto& response) {
    ASSERT_EQ(response.topics.size(), 1u);
    const auto& partition = response.topics[0].partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kFencedLeaderEpoch);
    EXPECT_EQ(partition.leader_id, 1000);
    EXPECT_EQ(partition.leader_epoch, 1);
  };
  in_all_versions<protocol::VoteResponse>(
      to_wire(raft::VoteRequest{0, other_, {1000, {}}, {}}, sender_), is_refused);
  in_all_versions<protocol::BeginQuorumEpochResponse>(
      to_wire(raft::BeginQuorumEpochRequest{0, 2000, {1000, {}}}, sender_), is_refused);
  in_all_versions<protocol::EndQuorumEpochResponse>(
      to_wire(raft::EndQuorumEpochRequest{0, 2000, {}}, sender_), is_refused);
}

TEST_F(QuorumHandlers, AFetchGetsTheLog) {
  raft::FetchRequest asked{1, other_, 0, 0};
  protocol::FetchRequest request = to_wire(asked, sender_);
  for (int16_t version = 12; version <= 18; ++version) {  // those that tell the last epoch
    request.replica_id = version < 15 ? 2000 : -1;
    request.replica_state.replica_id = version < 15 ? -1 : 2000;
    auto response = ask<protocol::FetchResponse>(request, version);
    ASSERT_EQ(response.responses.size(), 1u) << version;
    const auto& partition = response.responses[0].partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kNone) << version;
    EXPECT_GT(partition.records->bytes.size(), 0u) << version;
    EXPECT_GT(partition.high_watermark, 0) << version;
    EXPECT_EQ(partition.current_leader.leader_id, 1000) << version;
  }
  request.cluster_id = "another";
  EXPECT_EQ(ask<protocol::FetchResponse>(request, 17).error_code,
            ErrorCode::kInconsistentClusterId);
}

TEST_F(QuorumHandlers, ASnapshotIsServedInParts) {
  raft::FetchSnapshotRequest asked{1, other_, {0, 0}, 0};  // the founding one
  raft::Sender greedless = sender_;
  greedless.max_fetch_bytes = 20;
  in_all_versions<protocol::FetchSnapshotResponse>(
      to_wire(asked, greedless), [](const protocol::FetchSnapshotResponse& response) {
        const auto& partition = response.topics.at(0).partitions.at(0);
        EXPECT_EQ(partition.error_code, ErrorCode::kNone);
        EXPECT_EQ(partition.unaligned_records.bytes.size(), 20u);
        EXPECT_GT(partition.size, 100);
      });
  asked.position = 1 << 20;
  in_all_versions<protocol::FetchSnapshotResponse>(
      to_wire(asked, sender_), [](const protocol::FetchSnapshotResponse& response) {
        EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code,
                  ErrorCode::kPositionOutOfRange);
      });
  asked.snapshot = {5, 0};
  in_all_versions<protocol::FetchSnapshotResponse>(
      to_wire(asked, sender_), [](const protocol::FetchSnapshotResponse& response) {
        EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kSnapshotNotFound);
      });
}

TEST_F(QuorumHandlers, TheQuorumIsDescribedOnEveryListener) {
  protocol::DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back();
  auto check = [](const protocol::DescribeQuorumResponse& response) {
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.leader_id, 1000);
    ASSERT_EQ(partition.current_voters.size(), 1u);
    EXPECT_EQ(partition.current_voters[0].replica_id, 1000);
  };
  in_all_versions<protocol::DescribeQuorumResponse>(request, check);
  connection_->listener = "PLAINTEXT";
  connection_->controller_listener = false;
  in_all_versions<protocol::DescribeQuorumResponse>(request, check);
}

TEST_F(QuorumHandlers, ChangesOfTheVotersAreJudged) {
  protocol::AddRaftVoterRequest add;
  add.cluster_id = kCluster;
  add.voter_id = 1000;
  add.voter_directory_id = base::Uuid::random(random_);
  add.listeners.push_back({"CONTROLLER", "elsewhere", 9093});
  in_all_versions<protocol::AddRaftVoterResponse>(add, [](const auto& response) {
    EXPECT_EQ(response.error_code, ErrorCode::kDuplicateVoter);
  });
  protocol::RemoveRaftVoterRequest remove;
  remove.cluster_id = kCluster;
  remove.voter_id = 3;
  in_all_versions<protocol::RemoveRaftVoterResponse>(remove, [](const auto& response) {
    EXPECT_EQ(response.error_code, ErrorCode::kVoterNotFound);
  });
  raft::UpdateVoterRequest update{1, raft::Voter{other_, sender_.endpoints, 0, 1}};
  in_all_versions<protocol::UpdateRaftVoterResponse>(
      to_wire(update, sender_),
      [](const auto& response) { EXPECT_EQ(response.error_code, ErrorCode::kVoterNotFound); });
}

}  // namespace
}  // namespace longhaul::broker::handlers
