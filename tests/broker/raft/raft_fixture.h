// One replica as a test drives it: what it is told, what it answers.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "base/random.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

inline const ReplicaKey kSelf{1000, base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value()};
inline constexpr Raft::Now kNow{1'000'000};

inline LogState founded(std::vector<ReplicaKey> keys = {kSelf}) {
  std::vector<Voter> voters;
  for (const ReplicaKey& key : keys) voters.push_back(Voter{key, {{"C", "localhost", 9093}}, 0, 1});
  LogState log;
  log.voters.reset(-1, VoterSet(voters));
  return log;
}

struct OwnRandom {
  base::SeededRandom random{1};
};
/// Without endpoints, which could differ from the record.
struct TestRaft : private OwnRandom, public Raft {
  TestRaft(const ReplicaKey& self, const ElectionState& election, const LogState& log)
      : Raft(Voter{self, {}}, election, log, random) {}
};

template <class T>
const T& at(const Outputs& out, size_t index) {
  EXPECT_LT(index, out.size());
  return std::get<T>(out.at(index));
}

inline constexpr std::chrono::seconds kLong{10};

inline ReplicaKey peer(int32_t id) {
  ReplicaKey key{id, {}};
  key.directory.bytes[15] = static_cast<uint8_t>(id);
  return key;
}

/// Requests of one kind among outputs.
template <class Request>
std::vector<Send> sent(const Outputs& out) {
  std::vector<Send> found;
  for (const Output& output : out) {
    const auto* send = std::get_if<Send>(&output);
    if (send != nullptr && std::holds_alternative<Request>(send->request)) found.push_back(*send);
  }
  return found;
}

/// Wins an election of three: `raft` asks, the first peer asked says yes, twice.
inline void campaign(Raft& raft) {
  Outputs out = raft.tick(kNow + kLong);
  auto pre = sent<VoteRequest>(out).at(0);
  out =
      raft.answered(pre.id, VoteResponse{{ErrorCode::kNone, raft.epoch(), {}}, true}, kNow + kLong);
  auto vote = sent<VoteRequest>(out).at(0);
  raft.answered(vote.id, VoteResponse{{ErrorCode::kNone, raft.epoch(), {}}, true}, kNow + kLong);
  ASSERT_TRUE(raft.is_leader());
}

inline void win(Raft& raft) {
  raft.start(kNow);
  campaign(raft);
}

/// A follower of peer 2 in epoch 7 with the records 0 to 29 of epochs 1 and 5, and its first fetch.
struct Following {
  static LogState log() {
    LogState log = founded({peer(1), peer(2), peer(3)});
    log.voters.add(2, log.voters.latest());
    log.epochs.assign(1, 0);
    log.epochs.assign(5, 20);
    log.end_offset = 30;
    return log;
  }
  uint64_t begin() {
    Outputs out = raft.start(kNow);
    return sent<FetchRequest>(out).at(0).id;
  }
  TestRaft raft{peer(1), ElectionState{7, 2, {}}, log()};
};

}  // namespace longhaul::broker::raft
