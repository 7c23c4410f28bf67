#include "tests/broker/raft/raft_fixture.h"

namespace longhaul::broker::raft {
namespace {

TEST(Raft, OnlyVoterTakesTheLeadUnderANewEpoch) {
  TestRaft raft(kSelf, {}, founded());
  Outputs out = raft.start(kNow);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(at<PersistElection>(out, 0).state, (ElectionState{1, 1000, {}}));
  EXPECT_EQ(at<RoleChange>(out, 1).role, Role::kLeader);
  EXPECT_EQ(at<RoleChange>(out, 1).epoch, 1);
  EXPECT_EQ(at<RoleChange>(out, 1).epoch_start_offset, 0);
  const auto& control = at<AppendControl>(out, 2);
  EXPECT_EQ(control.base_offset, 0);
  EXPECT_EQ(control.epoch, 1);
  EXPECT_EQ(control.voters, std::vector<int32_t>{1000});
  EXPECT_TRUE(control.bootstrap_voters);
  at<Flush>(out, 3);
  EXPECT_EQ(raft.end_offset(), 3);
  EXPECT_EQ(raft.high_watermark(), -1);
}

TEST(Raft, CommitsOnlyWhatIsDurable) {
  TestRaft raft(kSelf, {}, founded());
  raft.start(kNow);
  Outputs out = raft.synced(3, kNow);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(at<HighWatermark>(out, 0).offset, 3);
  EXPECT_EQ(raft.appended(5).size(), 1u);
  EXPECT_EQ(raft.appended(2).size(), 1u);
  EXPECT_EQ(raft.end_offset(), 10);
  EXPECT_EQ(raft.high_watermark(), 3);
  EXPECT_EQ(at<HighWatermark>(raft.synced(8, kNow), 0).offset, 8);
  EXPECT_TRUE(raft.synced(8, kNow).empty());
  EXPECT_EQ(at<HighWatermark>(raft.synced(10, kNow), 0).offset, 10);
}

TEST(Raft, RestartBumpsTheEpochAndKeepsTheLog) {
  LogState log = founded();
  log.voters.add(2, log.voters.latest());
  log.end_offset = 40;
  log.epochs.assign(1, 0);
  TestRaft raft(kSelf, ElectionState{1, 1000, {}}, log);
  Outputs out = raft.start(kNow);
  EXPECT_EQ(at<PersistElection>(out, 0).state.epoch, 2);
  const auto& control = at<AppendControl>(out, 2);
  EXPECT_EQ(control.base_offset, 40);
  EXPECT_FALSE(control.bootstrap_voters);
  EXPECT_EQ(raft.epochs().last(), 2);
  // What the last run left uncommitted commits with this leader's first record, not before.
  EXPECT_TRUE(raft.synced(40, kNow).empty());
  EXPECT_EQ(at<HighWatermark>(raft.synced(41, kNow), 0).offset, 41);
}

TEST(Raft, ALostQuorumStateNeverLeadsBack) {
  LogState log = founded();
  log.end_offset = 9;
  log.epochs.assign(6, 0);
  TestRaft raft(kSelf, {}, log);
  raft.start(kNow);
  EXPECT_EQ(raft.epoch(), 7);
}

TEST(Raft, AnEmptyDiskOfTheSameNodeDoesNotLead) {
  ReplicaKey other{1000, base::Uuid::parse("AAAAAAAAAAAAAAAAAAAAAg").value()};
  TestRaft raft(other, {}, founded());
  Outputs out = raft.start(kNow);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(at<RoleChange>(out, 0).role, Role::kUnattached);
  // It looks for a leader among others than itself.
  EXPECT_EQ(at<Send>(out, 1).to, kBootstrapServer);
}

TEST(Raft, CleaningMovesTheStart) {
  TestRaft raft(kSelf, {}, founded());
  raft.start(kNow);
  raft.appended(10);
  raft.synced(13, kNow);
  raft.snapshot_written({12, 1});
  raft.log_start_moved(12);
  EXPECT_EQ(raft.start_offset(), 12);
  EXPECT_EQ(raft.epochs().starts(), (std::map<int32_t, int64_t>{{1, 12}}));
}

TEST(Raft, OlderRecordsCommitOnlyWithOneOfTheLeaders) {
  LogState log = founded({peer(1), peer(2), peer(3)});
  log.voters.add(2, log.voters.latest());
  log.end_offset = 10;
  log.epochs.assign(1, 0);
  TestRaft raft(peer(1), ElectionState{1, {}, {}}, log);
  win(raft);
  raft.synced(raft.end_offset(), kNow + kLong);
  // A majority has everything of epoch 1, which a later leader could still overwrite.
  raft.receive(FetchRequest{raft.epoch(), peer(2), 10, 1}, 1, kNow + kLong);
  EXPECT_EQ(raft.high_watermark(), -1);
  raft.receive(FetchRequest{raft.epoch(), peer(2), 11, raft.epoch()}, 2, kNow + kLong);
  EXPECT_EQ(raft.high_watermark(), 11);
}

TEST(Raft, AnotherDiskOfAVotersIdCountsForNothing) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win(raft);
  raft.synced(3, kNow + kLong);
  ReplicaKey impostor{2, peer(9).directory};
  raft.receive(FetchRequest{raft.epoch(), impostor, 3, raft.epoch()}, 1, kNow + kLong);
  EXPECT_EQ(raft.high_watermark(), -1);
}

TEST(Raft, NoVoteInAnEpochThatHasALeader) {
  LogState log = founded({peer(1), peer(2), peer(3)});
  for (const ElectionState& election :
       {ElectionState{5, 2, {}}, ElectionState{5, 1, {}}, ElectionState{5, {}, peer(2)}}) {
    TestRaft raft(peer(1), election, log);  // restarted: only the file remembers
    raft.start(kNow);
    Outputs out = raft.receive(VoteRequest{5, peer(3), peer(1), {100, 4}, false}, 1, kNow);
    EXPECT_FALSE(std::get<VoteResponse>(at<Reply>(out, 0).response).granted);
    out = raft.receive(VoteRequest{6, peer(3), peer(1), {100, 4}, false}, 2, kNow);
    ASSERT_TRUE(std::holds_alternative<Reply>(out.back()));
    EXPECT_TRUE(std::get<VoteResponse>(std::get<Reply>(out.back()).response).granted);
    // The vote is on disk before it is told.
    ASSERT_GE(out.size(), 2u);
    EXPECT_EQ(std::get<PersistElection>(out[out.size() - 2]).state,
              (ElectionState{6, {}, peer(3)}));
  }
}

TEST(Raft, AVoteForAnotherDiskIsRefused) {
  TestRaft raft(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  raft.start(kNow);
  ReplicaKey lost{1, peer(8).directory};
  Outputs out = raft.receive(VoteRequest{1, peer(3), lost, {0, 0}, false}, 1, kNow);
  auto response = std::get<VoteResponse>(at<Reply>(out, 0).response);
  EXPECT_EQ(response.standing.error, ErrorCode::kInvalidVoterKey);
  EXPECT_FALSE(response.granted);
}

TEST(Raft, ALeaderSaysWhereTheLogsPart) {
  LogState log = founded({peer(1), peer(2), peer(3)});
  log.voters.reset(0, log.voters.latest());
  log.epochs = EpochTable({10, 2});
  log.epochs.assign(3, 10);
  log.epochs.assign(5, 20);
  log.end_offset = 30;
  log.snapshot = {15, 3};
  TestRaft raft(peer(1), ElectionState{5, {}, {}}, log);
  win(raft);
  int64_t end = raft.end_offset();
  uint64_t id = 0;
  auto ask = [&](int64_t offset, int32_t last_epoch) {
    Outputs out =
        raft.receive(FetchRequest{raft.epoch(), peer(2), offset, last_epoch}, ++id, kNow + kLong);
    const Reply& reply = std::get<Reply>(out.back());
    EXPECT_EQ(reply.id, id);
    return std::pair(std::get<FetchResponse>(reply.response), reply.records_from);
  };
  // What only a snapshot has, or cannot be compared any more.
  EXPECT_EQ(ask(9, 2).first.snapshot, (OffsetAndEpoch{15, 3}));
  EXPECT_EQ(ask(0, 0).first.snapshot, (OffsetAndEpoch{15, 3}));
  EXPECT_EQ(ask(10, 1).first.snapshot, (OffsetAndEpoch{15, 3}));
  EXPECT_EQ(ask(25, 1).first.snapshot, (OffsetAndEpoch{15, 3}));
  // Where it parts.
  EXPECT_EQ(ask(25, 3).first.diverging, (OffsetAndEpoch{20, 3}));
  EXPECT_EQ(ask(25, 4).first.diverging, (OffsetAndEpoch{20, 3}));
  EXPECT_EQ(ask(12, 2).first.diverging, (OffsetAndEpoch{10, 2}));
  EXPECT_EQ(ask(end + 5, raft.epoch()).first.diverging, (OffsetAndEpoch{end, raft.epoch()}));
  // What fits.
  EXPECT_EQ(ask(10, 2).second, 10);
  EXPECT_EQ(ask(20, 3).second, 20);
  EXPECT_EQ(ask(30, 5).second, 30);
}

TEST(Raft, AFollowerAcknowledgesOnlyWhatIsSynced) {
  Following following;
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 33};
  response.batches.push_back(Batch{30, 35, 7, {}, {}});
  Outputs out = following.raft.answered(following.begin(), response, kNow);
  EXPECT_EQ(at<AppendFetched>(out, 0).batches.size(), 1u);
  EXPECT_TRUE(sent<FetchRequest>(out).empty());
  EXPECT_EQ(following.raft.high_watermark(), 30);  // the leader's, as far as it is synced here
  out = following.raft.synced(35, kNow);
  EXPECT_EQ(at<HighWatermark>(out, 0).offset, 33);
  ASSERT_EQ(sent<FetchRequest>(out).size(), 1u);
  auto next = std::get<FetchRequest>(sent<FetchRequest>(out)[0].request);
  EXPECT_EQ(next.offset, 35);
  EXPECT_EQ(next.last_epoch, 7);
}

TEST(Raft, WhoHearsFromALeaderHelpsNobodyToUnseatIt) {
  Following following;
  auto ask = [&](bool pre_vote) {
    VoteRequest request{7, peer(3), peer(1), {100, 7}, pre_vote};
    Outputs out = following.raft.receive(request, 50, kNow);
    return std::get<VoteResponse>(std::get<Reply>(out.back()).response).granted;
  };
  uint64_t fetch = following.begin();
  EXPECT_TRUE(ask(/*pre_vote=*/true));  // it has not heard from it in this run
  EXPECT_FALSE(ask(/*pre_vote=*/false));
  following.raft.answered(fetch, FetchResponse{{ErrorCode::kNone, 7, 2}, 30}, kNow);
  EXPECT_FALSE(ask(/*pre_vote=*/true));
  following.raft.tick(kNow + kLong);
  EXPECT_EQ(following.raft.role(), Role::kProspective);
  EXPECT_TRUE(ask(/*pre_vote=*/true));
  EXPECT_EQ(following.raft.epoch(), 7);

  TestRaft leader(peer(1), {}, founded({peer(1), peer(2), peer(3)}));
  win(leader);
  Outputs out =
      leader.receive(VoteRequest{leader.epoch(), peer(3), peer(1), {100, 7}, true}, 50, kNow);
  EXPECT_FALSE(std::get<VoteResponse>(at<Reply>(out, 0).response).granted);
}

TEST(Raft, AVoterDoesNotWaitForALeaderWhoseProcessIsGone) {
  Following following;
  Raft& raft = following.raft;
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 0};
  raft.answered(following.begin(), response, kNow);
  VoteRequest asked{7, peer(3), peer(1), {100, 7}, true};
  auto granted = [&] {
    Outputs out = raft.receive(asked, 1, kNow);
    return std::get<VoteResponse>(at<Reply>(out, 0).response).granted;
  };
  raft.leader_gone(2, 6, kNow);
  raft.leader_gone(3, 7, kNow);
  EXPECT_FALSE(granted()) << "somebody else is";
  EXPECT_EQ(raft.role(), Role::kFollower);
  raft.leader_gone(2, 7, kNow);
  EXPECT_TRUE(granted());
  Outputs out = raft.tick(kNow + std::chrono::milliseconds(250));
  EXPECT_EQ(raft.role(), Role::kProspective);
  EXPECT_EQ(sent<VoteRequest>(out).size(), 2u);
}

TEST(Raft, AnObserverAsksAroundOnceItsLeadersProcessIsGone) {
  TestRaft raft(peer(9), ElectionState{7, 2, {}}, Following::log());
  uint64_t fetch = sent<FetchRequest>(raft.start(kNow)).at(0).id;
  raft.failed(fetch, true, kNow);
  auto asked = sent<FetchRequest>(raft.leader_gone(2, 7, kNow));
  EXPECT_EQ(raft.role(), Role::kUnattached);
  std::map<int32_t, int> counts;
  // The others do not know better yet. Each is asked in turn, and the one that is gone is not.
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(asked.size(), 1u);
    ++counts[asked[0].to];
    Raft::Now now = kNow + i * std::chrono::milliseconds(300);
    FetchResponse gone{{ErrorCode::kNotLeaderOrFollower, 7, 2}};
    EXPECT_TRUE(raft.answered(asked[0].id, gone, now).empty());
    EXPECT_EQ(raft.role(), Role::kUnattached);
    asked = sent<FetchRequest>(raft.tick(now + std::chrono::milliseconds(500)));
  }
  EXPECT_EQ(counts, (std::map<int32_t, int>{{kBootstrapServer, 1}, {1, 1}, {3, 1}}));
  // After a while it may be back.
  ASSERT_EQ(asked.size(), 1u);
  raft.answered(asked[0].id, FetchResponse{{ErrorCode::kNotLeaderOrFollower, 7, 2}}, kNow + kLong);
  EXPECT_EQ(raft.role(), Role::kFollower);
}

TEST(Raft, WhoseLeaderHasNoRoomLooksForAnotherAtOnce) {
  Following following;
  Raft& raft = following.raft;
  raft.answered(following.begin(), FetchResponse{{ErrorCode::kKafkaStorageError, 0, {}}}, kNow);
  raft.tick(kNow + std::chrono::milliseconds(250));
  EXPECT_EQ(raft.role(), Role::kProspective);
}

TEST(Raft, NoChangeOfVotersBeforeTheEpochHasBegun) {
  Following following;
  Raft& raft = following.raft;
  raft.answered(following.begin(), FetchResponse{{ErrorCode::kNone, 7, 2}, 30}, kNow);
  campaign(raft);
  EXPECT_EQ(raft.high_watermark(), 30);  // all that an earlier leader wrote is committed
  int64_t end = raft.end_offset();
  raft.synced(end, kNow + kLong);
  auto remove = [&](uint64_t id) {
    Outputs out = raft.receive(RemoveVoterRequest{peer(3)}, id, kNow + kLong);
    const auto* reply = std::get_if<Reply>(&out.at(0));
    return reply ? std::get<VoterChangeResponse>(reply->response).standing.error : ErrorCode::kNone;
  };
  EXPECT_EQ(remove(1), ErrorCode::kRequestTimedOut);
  raft.receive(FetchRequest{raft.epoch(), peer(2), end, raft.epoch()}, 2, kNow + kLong);
  EXPECT_EQ(remove(3), ErrorCode::kNone);
  EXPECT_EQ(raft.voters().latest().size(), 2u);
}

TEST(Raft, AFollowerNeverGivesUpWhatIsCommitted) {
  Following following;
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 25};
  following.raft.answered(following.begin(), response, kNow);
  EXPECT_EQ(following.raft.high_watermark(), 25);
  for (int round = 0; round < 3; ++round) {
    Outputs out = following.raft.tick(kNow + round * std::chrono::milliseconds(600));
    auto asked = sent<FetchRequest>(out);
    uint64_t id = asked.empty() ? 2 : asked[0].id;
    response.diverging = OffsetAndEpoch{20, 1};
    out = following.raft.answered(id, response, kNow + round * std::chrono::milliseconds(600));
    ASSERT_TRUE(std::holds_alternative<Alarm>(out.at(0)));
    EXPECT_EQ(following.raft.end_offset(), 30);
  }
}

TEST(Raft, ASnapshotReplacesTheLog) {
  Following following;
  Raft& raft = following.raft;
  FetchResponse response{{ErrorCode::kNone, 7, 2}, 100};
  response.snapshot = OffsetAndEpoch{90, 6};
  Outputs out = raft.answered(following.begin(), response, kNow);
  auto chunk = [&](int64_t position, size_t length) {
    FetchSnapshotResponse bytes{{ErrorCode::kNone, 7, 2}, {90, 6}, 10, position};
    bytes.bytes = std::make_shared<base::Bytes>(length);
    Send asked = sent<FetchSnapshotRequest>(out).at(0);
    EXPECT_EQ(std::get<FetchSnapshotRequest>(asked.request).position, position);
    return raft.answered(asked.id, bytes, kNow);
  };
  out = chunk(0, 6);
  EXPECT_EQ(at<WriteSnapshot>(out, 0).position, 0);
  out = chunk(6, 4);
  EXPECT_EQ(at<WriteSnapshot>(out, 0).position, 6);
  EXPECT_EQ(at<InstallSnapshot>(out, 1).snapshot, (OffsetAndEpoch{90, 6}));
  out = raft.snapshot_installed({90, 6}, VoterSet({Voter{peer(2), {}}, Voter{peer(3), {}}}), kNow);
  EXPECT_EQ(at<HighWatermark>(out, 0).offset, 90);
  EXPECT_EQ(raft.start_offset(), 90);
  EXPECT_EQ(raft.end_offset(), 90);
  EXPECT_FALSE(raft.is_voter());
  auto next = std::get<FetchRequest>(sent<FetchRequest>(out).at(0).request);
  EXPECT_EQ(next.offset, 90);
  EXPECT_EQ(next.last_epoch, 6);
}

}  // namespace
}  // namespace longhaul::broker::raft
