#include "broker/raft/election_state.h"

#include <gtest/gtest.h>

namespace longhaul::broker::raft {
namespace {

// Written by Apache Kafka 4.3.1.
constexpr const char* kLeaderLine =
    R"({"leaderId":1000,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})";

TEST(ElectionState, ReadsAndWritesKafkasFile) {
  auto state = decode_quorum_state(kLeaderLine);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(*state, (ElectionState{1, 1000, {}}));
  EXPECT_EQ(encode_quorum_state(*state), kLeaderLine);
}

TEST(ElectionState, KeepsTheVote) {
  ReplicaKey voted{7, base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value()};
  ElectionState state{12, {}, voted};
  auto back = decode_quorum_state(encode_quorum_state(state));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, state);
}

TEST(ElectionState, ReadsVersionZero) {
  auto state = decode_quorum_state(
      R"({"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":3,"appliedOffset":0,)"
      R"("currentVoters":[{"voterId":1}],"data_version":0})");
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, (ElectionState{2, 1, ReplicaKey{3, {}}}));
}

TEST(ElectionState, RefusesNonsense) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"data_version":1})", R"({"data_version":9,"leaderEpoch":1})",
        R"({"leaderId":1,"leaderEpoch":-4,"votedId":-1,"data_version":1})",
        R"({"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"data_version":1})",
        R"({"leaderId":1,"leaderEpoch":1,"votedId":2,"votedDirectoryId":"?","data_version":1})"})
    EXPECT_FALSE(decode_quorum_state(text)) << text;
}

}  // namespace
}  // namespace longhaul::broker::raft
