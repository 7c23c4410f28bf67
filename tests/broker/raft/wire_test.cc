#include "broker/raft/wire.h"

#include <gtest/gtest.h>

#include "broker/raft/describe_quorum.h"
#include "protocol/encoder.h"

namespace longhaul::broker::raft {
namespace {

const Sender kSender{"cluster", {{"C", "node1", 9093}, {"D", "node1", 9094}}, 1 << 20};
const Endpoint kLeaderEndpoint{"C", "leader", 9095};

ReplicaKey replica(int32_t id) {
  ReplicaKey key{id, {}};
  key.directory.bytes[0] = static_cast<uint8_t>(id);
  return key;
}

/// What comes out at the other end of a connection.
template <class Wire>
Wire sent_over(const Wire& message, int16_t version, base::Bytes& bytes) {
  protocol::Encoder encoder;
  auto done = message.encode(encoder, version);
  EXPECT_TRUE(done) << done.error().message;
  bytes = encoder.take();
  auto decoded = Wire::decode(bytes, version);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return std::move(*decoded);
}

template <class Request>
Request requested(const Request& request) {
  auto wire = to_wire(request, kSender);
  base::Bytes bytes;
  auto read = from_wire(sent_over(wire, wire.kMaxVersion, bytes), "cluster");
  EXPECT_TRUE(read) << read.error().message;
  auto foreign = from_wire(wire, "another");
  EXPECT_TRUE(!foreign && foreign.error().code == ErrorCode::kInconsistentClusterId);
  return std::move(*read);
}

template <class Wire>
auto answered(const Wire& wire) {
  base::Bytes bytes;
  return from_wire(sent_over(wire, Wire::kMaxVersion, bytes));
}

void expect_standing(const Standing& standing) {
  EXPECT_EQ(standing.error, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(standing.epoch, 7);
  EXPECT_EQ(standing.leader, 3);
}
const Standing kStanding{ErrorCode::kFencedLeaderEpoch, 7, 3};

TEST(Wire, Vote) {
  VoteRequest request = requested(VoteRequest{7, replica(1), replica(2), {40, 6}, true});
  EXPECT_EQ(request.epoch, 7);
  EXPECT_EQ(request.candidate, replica(1));
  EXPECT_EQ(request.voter, replica(2));
  EXPECT_EQ(request.log_end, (OffsetAndEpoch{40, 6}));
  EXPECT_TRUE(request.pre_vote);

  auto response = answered(to_wire(VoteResponse{{ErrorCode::kNone, 8, {}}, true}, {}));
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->granted);
  EXPECT_EQ(response->standing.epoch, 8);
  EXPECT_FALSE(response->standing.leader);
  auto refused = to_wire(VoteResponse{kStanding, false}, kLeaderEndpoint);
  ASSERT_EQ(refused.node_endpoints.size(), 1u);
  EXPECT_EQ(refused.node_endpoints[0].node_id, 3);
  EXPECT_EQ(refused.node_endpoints[0].host, "leader");
  expect_standing(answered(refused)->standing);
}

TEST(Wire, NoEpochAfterWhichThereIsNone) {
  auto refusal = [](const auto& request) {
    auto read = from_wire(to_wire(request, kSender), "cluster");
    return read ? ErrorCode::kNone : read.error().code;
  };
  for (int32_t epoch : {kLastEpoch, kLastEpoch + 1}) {
    ErrorCode expected = epoch == kLastEpoch ? ErrorCode::kNone : ErrorCode::kInvalidRequest;
    EXPECT_EQ(refusal(VoteRequest{epoch, replica(1), replica(2), {40, 6}, true}), expected);
    EXPECT_EQ(refusal(BeginQuorumEpochRequest{epoch, 1, replica(2)}), expected);
    EXPECT_EQ(refusal(EndQuorumEpochRequest{epoch, 1, {}}), expected);
  }
}

TEST(Wire, NoVoteOfVersionZeroNamesADisk) {
  auto wire = to_wire(VoteRequest{7, replica(1), replica(2), {40, 6}, false}, kSender);
  base::Bytes bytes;
  auto read = from_wire(sent_over(wire, 0, bytes), "cluster");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->voter.directory.is_zero());
}

TEST(Wire, BeginAndEndQuorumEpoch) {
  auto begin = requested(BeginQuorumEpochRequest{7, 3, replica(2)});
  EXPECT_EQ(begin.epoch, 7);
  EXPECT_EQ(begin.leader, 3);
  EXPECT_EQ(begin.voter, replica(2));
  auto wire = to_wire(BeginQuorumEpochRequest{7, 3, replica(2)}, kSender);
  ASSERT_EQ(wire.leader_endpoints.size(), 2u);
  EXPECT_EQ(wire.leader_endpoints[1].port, 9094);

  auto end = requested(EndQuorumEpochRequest{7, 3, {replica(2), replica(1)}});
  EXPECT_EQ(end.epoch, 7);
  EXPECT_EQ(end.preferred, (std::vector<ReplicaKey>{replica(2), replica(1)}));

  expect_standing(answered(begin_response({kStanding}, kLeaderEndpoint))->standing);
  expect_standing(answered(end_response({kStanding}, kLeaderEndpoint))->standing);
}

TEST(Wire, Fetch) {
  FetchRequest asked{7, replica(2), 40, 6, 33, std::chrono::milliseconds(500)};
  FetchRequest request = requested(asked);
  EXPECT_EQ(request.epoch, 7);
  EXPECT_EQ(request.replica, replica(2));
  EXPECT_EQ(request.offset, 40);
  EXPECT_EQ(request.last_epoch, 6);
  EXPECT_EQ(request.high_watermark, 33);
  EXPECT_EQ(request.max_wait, std::chrono::milliseconds(500));

  FetchResponse response{{ErrorCode::kNone, 7, 3}, 50};
  EXPECT_EQ(answered(to_wire(response, {}))->high_watermark, 50);
  EXPECT_FALSE(answered(to_wire(response, {}))->diverging);
  response.diverging = OffsetAndEpoch{30, 5};
  EXPECT_EQ(answered(to_wire(response, {}))->diverging, response.diverging);
  response.diverging.reset();
  response.snapshot = OffsetAndEpoch{45, 6};
  EXPECT_EQ(answered(to_wire(response, {}))->snapshot, response.snapshot);
  expect_standing(answered(to_wire(FetchResponse{kStanding}, kLeaderEndpoint))->standing);
}

TEST(Wire, FetchSnapshot) {
  auto request = requested(FetchSnapshotRequest{7, replica(2), {45, 6}, 1000});
  EXPECT_EQ(request.epoch, 7);
  EXPECT_EQ(request.replica, replica(2));
  EXPECT_EQ(request.snapshot, (OffsetAndEpoch{45, 6}));
  EXPECT_EQ(request.position, 1000);

  FetchSnapshotResponse response{{ErrorCode::kNone, 7, 3}, {45, 6}, 1003, 1000};
  response.bytes = std::make_shared<base::Bytes>(base::Bytes{1, 2, 3});
  auto read = answered(to_wire(response, kLeaderEndpoint));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->standing.leader, 3);
  EXPECT_EQ(read->snapshot, (OffsetAndEpoch{45, 6}));
  EXPECT_EQ(read->size, 1003);
  EXPECT_EQ(read->position, 1000);
  EXPECT_EQ(*read->bytes, (base::Bytes{1, 2, 3}));
}

TEST(Wire, ChangesOfVoters) {
  Voter voter{replica(2), {{"C", "node2", 9093}}, 0, 1};
  auto update = requested(UpdateVoterRequest{7, voter});
  EXPECT_EQ(update.epoch, 7);
  EXPECT_EQ(update.voter, voter);
  auto response = answered(update_voter_response({kStanding, ""}, kLeaderEndpoint));
  expect_standing(response.standing);

  protocol::AddRaftVoterRequest add;
  add.cluster_id = "cluster";
  add.voter_id = 2;
  add.voter_directory_id = replica(2).directory;
  add.listeners.push_back({"C", "node2", 9093});
  add.ack_when_committed = false;
  auto added = from_wire(add, "cluster");
  ASSERT_TRUE(added);
  EXPECT_EQ(added->voter, voter);
  EXPECT_FALSE(added->ack_when_committed);
  EXPECT_FALSE(from_wire(add, "another"));
  auto refused = add_voter_response({{ErrorCode::kDuplicateVoter, 7, 3}, "why"});
  EXPECT_EQ(refused.error_code, ErrorCode::kDuplicateVoter);
  EXPECT_EQ(refused.error_message, "why");

  protocol::RemoveRaftVoterRequest remove;
  remove.cluster_id = std::nullopt;
  remove.voter_id = 2;
  remove.voter_directory_id = replica(2).directory;
  EXPECT_EQ(from_wire(remove, "cluster")->voter, replica(2));
}

TEST(Wire, OnlyTheMetadataLog) {
  auto vote = to_wire(VoteRequest{7, replica(1), replica(2), {40, 6}, true}, kSender);
  auto two = vote;
  two.topics.push_back(two.topics[0]);
  EXPECT_EQ(from_wire(two, "cluster").error().code, ErrorCode::kInvalidRequest);
  auto other = vote;
  other.topics[0].topic_name = "other";
  EXPECT_EQ(from_wire(other, "cluster").error().code, ErrorCode::kInvalidRequest);
  auto second = vote;
  second.topics[0].partitions[0].partition_index = 1;
  EXPECT_EQ(from_wire(second, "cluster").error().code, ErrorCode::kInvalidRequest);
  auto impossible = vote;
  impossible.topics[0].partitions[0].last_offset_epoch = 8;  // newer than its own
  EXPECT_EQ(from_wire(impossible, "cluster").error().code, ErrorCode::kInvalidRequest);

  protocol::VoteResponse whole;
  whole.error_code = ErrorCode::kClusterAuthorizationFailed;
  EXPECT_EQ(from_wire(whole)->standing.error, ErrorCode::kClusterAuthorizationFailed);
  EXPECT_FALSE(from_wire(protocol::VoteResponse{}));
}

TEST(DescribeQuorum, TellsHowFarEverybodyIs) {
  using std::chrono::milliseconds;
  constexpr Raft::Now kStart{1'000'000};
  base::SeededRandom random(1);
  LogState log;
  Voter self{replica(1), {{"C", "node1", 9093}}, 0, 1};
  log.voters.reset(-1, VoterSet({self}));
  Raft raft(self, {}, log, random);
  protocol::DescribeQuorumRequest request;
  request.topics.push_back({"__cluster_metadata", {{0}, {1}, {0}}});
  EXPECT_EQ(describe_quorum(request, raft, kStart, 0).error_code, ErrorCode::kNotLeaderOrFollower);

  raft.start(kStart);
  raft.synced(3, kStart);
  raft.receive(FetchRequest{1, replica(2), 0, 0}, 1, kStart);
  raft.receive(FetchRequest{1, replica(2), 3, 1}, 2, kStart + milliseconds(20));
  auto response = describe_quorum(request, raft, kStart + milliseconds(50), 5'000);
  ASSERT_EQ(response.topics.size(), 1u);
  ASSERT_EQ(response.topics[0].partitions.size(), 3u);
  EXPECT_EQ(response.topics[0].partitions[2].error_code, ErrorCode::kInvalidRequest) << "twice";
  EXPECT_TRUE(response.topics[0].partitions[2].current_voters.empty());
  EXPECT_EQ(response.topics[0].partitions[1].error_code, ErrorCode::kUnknownTopicOrPartition);
  const auto& partition = response.topics[0].partitions[0];
  EXPECT_EQ(partition.leader_id, 1);
  EXPECT_EQ(partition.leader_epoch, 1);
  EXPECT_EQ(partition.high_watermark, 3);
  ASSERT_EQ(partition.current_voters.size(), 1u);
  EXPECT_EQ(partition.current_voters[0].log_end_offset, 3);
  EXPECT_EQ(partition.current_voters[0].last_fetch_timestamp, 5'000);
  ASSERT_EQ(partition.observers.size(), 1u);
  EXPECT_EQ(partition.observers[0].replica_id, 2);
  EXPECT_EQ(partition.observers[0].replica_directory_id, replica(2).directory);
  EXPECT_EQ(partition.observers[0].log_end_offset, 3);
  EXPECT_EQ(partition.observers[0].last_fetch_timestamp, 4'970);
  EXPECT_EQ(partition.observers[0].last_caught_up_timestamp, 4'970);
  ASSERT_EQ(response.nodes.size(), 1u);
  EXPECT_EQ(response.nodes[0].listeners.at(0).host, "node1");
  base::Bytes bytes;
  EXPECT_EQ(sent_over(response, 2, bytes), response);
}

}  // namespace
}  // namespace longhaul::broker::raft
