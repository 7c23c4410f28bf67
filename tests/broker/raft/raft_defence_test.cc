// What a replica refuses to believe, and what it bounds.
#include <algorithm>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "tests/broker/raft/raft_fixture.h"

namespace longhaul::broker::raft {
namespace {

bool has_alarm(const Outputs& out) {
  return std::any_of(out.begin(), out.end(),
                     [](const Output& output) { return std::holds_alternative<Alarm>(output); });
}

/// The error in the answer to request `id`; absent if there is none yet.
std::optional<ErrorCode> error_of(const Outputs& out, uint64_t id) {
  for (const Output& output : out) {
    const auto* reply = std::get_if<Reply>(&output);
    if (reply == nullptr || reply->id != id) continue;
    return std::visit([](const auto& response) { return response.standing.error; },
                      reply->response);
  }
  return std::nullopt;
}

TEST(RaftDefence, TheLogIsNeverCutBelowASnapshot) {
  Following following;
  following.raft.snapshot_written({25, 5});  // committed, though no leader has said so in this run
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 20};
  response.diverging = OffsetAndEpoch{20, 1};
  Outputs out = following.raft.answered(following.begin(), response, kNow);
  EXPECT_TRUE(has_alarm(out));
  EXPECT_EQ(following.raft.end_offset(), 30);
}

TEST(RaftDefence, NoRecordsOfAnEpochThatIsNotYet) {
  for (const Batch& batch : {Batch{30, 35, 8, {}, {}}, Batch{30, 30, 7, {}, {}}}) {
    Following following;
    FetchResponse response{{ErrorCode::kNone, 7, 2}, 30};
    response.batches.push_back(batch);
    Outputs out = following.raft.answered(following.begin(), response, kNow);
    EXPECT_TRUE(has_alarm(out));
    EXPECT_EQ(following.raft.end_offset(), 30);
    EXPECT_EQ(following.raft.epochs().last(), 5);
  }
}

TEST(RaftDefence, NoEpochHasTwoLeaders) {
  Following following;
  Raft& raft = following.raft;
  following.begin();
  Outputs out = raft.receive(BeginQuorumEpochRequest{7, 3, peer(1)}, 1, kNow);
  EXPECT_EQ(error_of(out, 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(raft.leader(), 2);
  // Nor does one that does not lead end it.
  out = raft.receive(EndQuorumEpochRequest{7, 3, {peer(1)}}, 2, kNow);
  EXPECT_EQ(error_of(out, 2), ErrorCode::kInvalidRequest);
  raft.tick(kNow);
  EXPECT_EQ(raft.role(), Role::kFollower);

  // An observer that has lost its leader asks around, and hears of another one.
  TestRaft lost(peer(9), ElectionState{7, 2, {}}, Following::log());
  lost.start(kNow);
  out = lost.tick(kNow + kLong);
  ASSERT_EQ(lost.role(), Role::kUnattached);
  uint64_t fetch = sent<FetchRequest>(out).at(0).id;
  lost.answered(fetch, FetchResponse{{ErrorCode::kNotLeaderOrFollower, 7, 3}}, kNow + kLong);
  EXPECT_EQ(lost.leader(), 2);
  EXPECT_EQ(lost.role(), Role::kUnattached);
}

TEST(RaftDefence, AFarewellDoesNotPutOffElectionsForDays) {
  Following following;
  Raft& raft = following.raft;
  following.begin();
  std::vector<ReplicaKey> preferred(100'000, peer(3));
  raft.receive(EndQuorumEpochRequest{7, 2, std::move(preferred)}, 1, kNow);
  raft.tick(kNow + kLong);
  EXPECT_EQ(raft.role(), Role::kProspective);
}

TEST(RaftDefence, NoEpochAfterWhichThereIsNone) {
  Following following;
  constexpr int32_t kTooHigh = std::numeric_limits<int32_t>::max();
  following.raft.answered(following.begin(), FetchResponse{{ErrorCode::kNone, kTooHigh, 3}}, kNow);
  EXPECT_EQ(following.raft.epoch(), 7);
}

TEST(RaftDefence, NobodyTakesAwayEpochsByNamingOneFarAhead) {
  Following following;
  Raft& raft = following.raft;
  uint64_t fetch = following.begin();
  int32_t far = 7 + kFarthestEpoch + 1;
  for (bool pre_vote : {false, true}) {
    Outputs out = raft.receive(VoteRequest{far, peer(3), peer(1), {100, 7}, pre_vote}, 1, kNow);
    EXPECT_EQ(error_of(out, 1), ErrorCode::kInvalidRequest);
  }
  Outputs out = raft.receive(BeginQuorumEpochRequest{far, 3, peer(1)}, 2, kNow);
  EXPECT_EQ(error_of(out, 2), ErrorCode::kInvalidRequest);
  out = raft.receive(EndQuorumEpochRequest{far, 3, {}}, 3, kNow);
  EXPECT_EQ(error_of(out, 3), ErrorCode::kInvalidRequest);
  raft.answered(fetch, FetchResponse{{ErrorCode::kFencedLeaderEpoch, far, 3}}, kNow);
  EXPECT_EQ(raft.epoch(), 7);
  raft.receive(VoteRequest{far - 1, peer(3), peer(1), {100, 7}, false}, 4, kNow);
  EXPECT_EQ(raft.epoch(), far - 1);
  // A quorum may be old when somebody joins it.
  TestRaft joining(peer(9), {}, founded({}));
  fetch = sent<FetchRequest>(joining.start(kNow)).at(0).id;
  joining.answered(fetch, FetchResponse{{ErrorCode::kNotLeaderOrFollower, far, 3}}, kNow);
  EXPECT_EQ(joining.epoch(), far);
}

TEST(RaftDefence, WhatWasCommittedInAnEarlierRunIsNotCutOff) {
  LogState log = Following::log();
  log.committed = 25;
  TestRaft raft(peer(1), ElectionState{7, 2, {}}, log);
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 20};
  response.diverging = OffsetAndEpoch{20, 1};
  uint64_t fetch = sent<FetchRequest>(raft.start(kNow)).at(0).id;
  EXPECT_TRUE(has_alarm(raft.answered(fetch, response, kNow)));
  EXPECT_EQ(raft.end_offset(), 30);
}

TEST(RaftDefence, ConsumersWaitBesideEachOther) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win(raft);
  FetchRequest request{raft.epoch(), {}, raft.end_offset(), raft.epoch()};
  request.high_watermark = raft.high_watermark();
  request.max_wait = std::chrono::milliseconds(500);
  EXPECT_TRUE(raft.receive(request, 1, kNow + kLong).empty());
  EXPECT_TRUE(raft.receive(request, 2, kNow + kLong).empty());
  // A replica gives up what it asked before.
  request.replica = peer(2);
  EXPECT_TRUE(raft.receive(request, 3, kNow + kLong).empty());
  EXPECT_EQ(error_of(raft.receive(request, 4, kNow + kLong), 3), ErrorCode::kNone);
}

TEST(RaftDefence, ALeaderKeepsTrackOfSoManyReplicasAndNoMore) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win(raft);
  auto claim = [&](uint32_t number, int64_t offset) {
    ReplicaKey replica{50, {}};
    base::store_big_endian(replica.directory.bytes.data(), number);
    raft.receive(FetchRequest{raft.epoch(), replica, offset, raft.epoch()}, number,
                 kNow + kLong + Raft::Now(number));
  };
  claim(1, raft.end_offset() + 100);  // its log cannot be ours
  raft.receive(FetchSnapshotRequest{raft.epoch(), peer(70), {}, 0}, 1, kNow + kLong);
  EXPECT_EQ(raft.replicas().size(), 2u);
  for (uint32_t number = 1; number <= kMostReplicas + 10; ++number) claim(number, 0);
  EXPECT_EQ(raft.replicas().size(), kMostReplicas);
  EXPECT_EQ(raft.replicas().count(peer(2)), 1u);  // a voter, though it never fetched
}

/// Leads peers 1 to 3, with its epoch committed, so that voters can be changed.
void win_and_commit(Raft& raft) {
  win(raft);
  raft.synced(raft.end_offset(), kNow + kLong);
  raft.receive(FetchRequest{raft.epoch(), peer(2), raft.end_offset(), raft.epoch()}, 1,
               kNow + kLong);
  ASSERT_EQ(raft.high_watermark(), raft.end_offset());
}

TEST(RaftDefence, AChangeOfVotersIsAnsweredInTime) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win_and_commit(raft);
  Raft::Now now = kNow + kLong;
  EXPECT_FALSE(error_of(raft.receive(RemoveVoterRequest{peer(3)}, 5, now), 5));
  std::optional<ErrorCode> answer;
  uint64_t id = 10;
  for (; !answer && now < kNow + 2 * kLong; now = raft.next_tick().value()) {
    answer = error_of(raft.tick(now), 5);
    // It fetches, but does not get on.
    raft.receive(FetchSnapshotRequest{raft.epoch(), peer(2), {}, 0}, ++id, now);
  }
  EXPECT_EQ(answer, ErrorCode::kRequestTimedOut);
  EXPECT_TRUE(raft.is_leader());
  EXPECT_FALSE(raft.voters().latest().contains(peer(3)));
}

TEST(RaftDefence, AVoterHasAFewEndpointsThatCanBeReached) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win_and_commit(raft);
  auto updated = [&](std::vector<Endpoint> endpoints) {
    Outputs out = raft.receive(
        UpdateVoterRequest{raft.epoch(), Voter{peer(2), std::move(endpoints)}}, 9, kNow + kLong);
    return error_of(out, 9);
  };
  const Endpoint good{"C", "node2", 9093};
  EXPECT_EQ(updated({}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(updated({{"C", "", 9093}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(updated({good, {"D", "node2", 0}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(updated({{"C", std::string(256, 'n'), 9093}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(updated(std::vector<Endpoint>(17, good)), ErrorCode::kInvalidRequest);
  EXPECT_EQ(updated(std::vector<Endpoint>(16, good)), ErrorCode::kNone);
}

TEST(RaftDefence, WhatStaysWrongIsNotAskedForAgainAtOnce) {
  auto waits = [](bool is_passing) {
    Following following;
    following.raft.failed(following.begin(), is_passing, kNow);
    return following.raft.next_tick().value() - kNow;
  };
  EXPECT_EQ(waits(true), std::chrono::milliseconds(20));
  EXPECT_EQ(waits(false), std::chrono::milliseconds(500));
  auto refused = [](ErrorCode error) {
    Following following;
    following.raft.answered(following.begin(), FetchResponse{{error, 7, 2}}, kNow);
    return following.raft.next_tick().value() - kNow;
  };
  EXPECT_EQ(refused(ErrorCode::kNotLeaderOrFollower), std::chrono::milliseconds(20));
  EXPECT_EQ(refused(ErrorCode::kInconsistentClusterId), std::chrono::milliseconds(500));
}

TEST(RaftDefence, AnAnswerThatComesAfterTheFarewellPutsOffNothing) {
  Following following;
  Raft& raft = following.raft;
  uint64_t fetch = following.begin();
  raft.receive(EndQuorumEpochRequest{7, 2, {peer(3), peer(1)}}, 1, kNow);
  raft.answered(fetch, FetchResponse{{ErrorCode::kNone, 7, 2}, 30}, kNow);
  Outputs out = raft.receive(VoteRequest{7, peer(3), peer(1), {100, 7}, true}, 2, kNow);
  EXPECT_TRUE(std::get<VoteResponse>(std::get<Reply>(out.back()).response).granted);
}

TEST(RaftDefence, ASnapshotHasASize) {
  Following following;
  FetchResponse offer{{ErrorCode::kNone, 7, 2}, 100};
  offer.snapshot = OffsetAndEpoch{90, 6};
  Outputs out = following.raft.answered(following.begin(), offer, kNow);
  FetchSnapshotResponse bytes{{ErrorCode::kNone, 7, 2}, {90, 6}, 10, 0};
  bytes.bytes = std::make_shared<base::Bytes>(5);
  out = following.raft.answered(sent<FetchSnapshotRequest>(out).at(0).id, bytes, kNow);
  bytes.position = 5;
  bytes.size = std::numeric_limits<int64_t>::min();
  out = following.raft.answered(sent<FetchSnapshotRequest>(out).at(0).id, bytes, kNow);
  EXPECT_TRUE(has_alarm(out));
}

TEST(RaftDefence, ANewLeaderPutsItsRecordRightWithoutBeingAsked) {
  base::SeededRandom random{1};
  Raft raft(Voter{peer(1), {{"C", "elsewhere", 9093}}}, ElectionState{7, 2, {}}, Following::log(),
            random);
  Outputs out = raft.start(kNow);
  auto fetch = sent<FetchRequest>(out).at(0).id;
  out = raft.answered(fetch, FetchResponse{{ErrorCode::kNone, 7, 2}, 30}, kNow);
  ASSERT_EQ(sent<UpdateVoterRequest>(out).size(), 1u);  // which nobody answers
  raft.receive(EndQuorumEpochRequest{7, 2, {peer(1)}}, 1, kNow);
  out = raft.tick(kNow);
  for (int round = 0; round < 2; ++round) {
    auto vote = sent<VoteRequest>(out).at(0).id;
    out = raft.answered(vote, VoteResponse{{ErrorCode::kNone, raft.epoch(), {}}, true}, kNow);
  }
  ASSERT_TRUE(raft.is_leader());
  int64_t end = raft.end_offset();
  raft.synced(end, kNow);
  Raft::Now later = kNow + std::chrono::milliseconds(2500);
  raft.receive(FetchRequest{raft.epoch(), peer(2), end, raft.epoch()}, 2, kNow);
  EXPECT_EQ(raft.high_watermark(), end);
  EXPECT_EQ(raft.end_offset(), end);  // too soon after the last attempt
  raft.tick(later);
  EXPECT_EQ(raft.end_offset(), end + 1);
}

TEST(RaftDefence, WhoStepsDownDoesNotNameItselfAsTheLeader) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win_and_commit(raft);
  raft.receive(RemoveVoterRequest{peer(3)}, 5, kNow + kLong);
  Outputs out =
      raft.receive(BeginQuorumEpochRequest{raft.epoch() + 1, 2, peer(1)}, 6, kNow + kLong);
  const Reply& reply = at<Reply>(out, 0);
  EXPECT_EQ(reply.id, 5u);
  Standing standing = standing_in(reply.response);
  EXPECT_EQ(standing.error, ErrorCode::kNotLeaderOrFollower);
  EXPECT_FALSE(standing.leader);
}

TEST(RaftDefence, ASoleVoterForgetsItsObserversToo) {
  TestRaft raft(kSelf, {}, founded());
  raft.start(kNow);
  raft.synced(raft.end_offset(), kNow);
  FetchRequest request{raft.epoch(), peer(9), raft.end_offset(), raft.epoch()};
  request.high_watermark = raft.high_watermark();
  raft.receive(request, 1, kNow);
  EXPECT_EQ(raft.replicas().size(), 1u);
  int ticks = 0;
  for (; raft.next_tick() && ticks < 10'000; ++ticks) raft.tick(*raft.next_tick());
  EXPECT_TRUE(raft.replicas().empty());
  EXPECT_LT(ticks, 1'000);
}

}  // namespace
}  // namespace longhaul::broker::raft
