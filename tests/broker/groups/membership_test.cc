// Joining, rebalancing and leaving under the classic protocol.
#include "tests/broker/groups/fixture.h"

namespace longhaul::broker::groups {
namespace {

TEST_F(GroupsTest, NewcomerIsToldItsIdAndComesAgain) {
  std::string id = new_member_id();
  EXPECT_EQ(id.substr(0, 7), "client-");
  auto joined = join(join_request(id));
  ASSERT_TRUE(joined->has_value());
  EXPECT_EQ((*joined)->error_code, ErrorCode::kNone);
  EXPECT_EQ((*joined)->generation_id, 1);
  EXPECT_EQ((*joined)->leader, id);
  EXPECT_EQ((*joined)->protocol_name, "range");
  ASSERT_EQ((*joined)->members.size(), 1U);
  EXPECT_EQ((*joined)->members[0].metadata, (base::Bytes{1, 2, 3}));
}

TEST_F(GroupsTest, OldClientsJoinWithoutKnownIds) {
  auto joined = join(join_request(), 3);
  ASSERT_TRUE(joined->has_value());
  EXPECT_EQ((*joined)->error_code, ErrorCode::kNone);
}

TEST_F(GroupsTest, RefusesWhatCannotJoin) {
  auto request = join_request();
  request.session_timeout_ms = 1;
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kInvalidSessionTimeout);
  request = join_request("nobody");
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kUnknownMemberId);
  request = join_request();
  request.group_id = "";
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kInvalidGroupId);
  stable_member();
  request = join_request();
  request.protocols[0].name = "another";
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kInconsistentGroupProtocol);
  request = join_request();
  request.protocol_type = "connect";
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kInconsistentGroupProtocol);
}

TEST_F(GroupsTest, LeaderAssignsAndFollowersWaitForIt) {
  std::string first = stable_member();
  std::string second = new_member_id();
  auto second_joined = join(join_request(second));
  EXPECT_FALSE(second_joined->has_value()) << "the first member has not come again yet";
  EXPECT_EQ(heartbeat(first, 1), ErrorCode::kRebalanceInProgress);
  auto first_joined = join(join_request(first));
  ASSERT_TRUE(first_joined->has_value());
  ASSERT_TRUE(second_joined->has_value());
  EXPECT_EQ((*first_joined)->generation_id, 2);
  EXPECT_EQ((*first_joined)->members.size(), 2U);
  EXPECT_TRUE((*second_joined)->members.empty()) << "only the leader gets the list";

  auto second_synced = sync(second, 2);
  EXPECT_FALSE(second_synced->has_value());
  auto first_synced = sync(first, 2, {{first, {1}}, {second, {2}}});
  ASSERT_TRUE(second_synced->has_value());
  EXPECT_EQ((*first_synced)->assignment, base::Bytes{1});
  EXPECT_EQ((*second_synced)->assignment, base::Bytes{2});
  EXPECT_EQ(state(), "Stable");
  EXPECT_EQ(heartbeat(first, 2), ErrorCode::kNone);
  EXPECT_EQ(heartbeat(first, 1), ErrorCode::kIllegalGeneration);
}

TEST_F(GroupsTest, SilentMemberIsRemovedAfterItsSession) {
  std::string id = stable_member();
  advance(9s);
  EXPECT_EQ(heartbeat(id, 1), ErrorCode::kNone);
  advance(9s);
  EXPECT_EQ(state(), "Stable") << "the heartbeat renewed the session";
  advance(2s);
  EXPECT_EQ(state(), "Empty");
  EXPECT_EQ(heartbeat(id, 1), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupsTest, MemberThatDoesNotRejoinIsLeftBehind) {
  std::string slow = stable_member();
  std::string second = new_member_id();
  auto joined = join(join_request(second));
  for (int i = 0; i < 4; ++i) {
    advance(8s);
    heartbeat(slow, 1);  // alive, but does not come to the rebalance
  }
  ASSERT_TRUE(joined->has_value());
  EXPECT_EQ((*joined)->leader, second);
  EXPECT_EQ((*joined)->members.size(), 1U);
}

TEST_F(GroupsTest, MembersThatNeverSyncAreRemoved) {
  std::string id = new_member_id();
  ASSERT_EQ((*join(join_request(id)))->error_code, ErrorCode::kNone);
  for (int i = 0; i < 4; ++i) {
    heartbeat(id, 1);
    advance(8s);
  }
  EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupsTest, LeavingEmptiesTheGroup) {
  std::string id = stable_member();
  protocol::LeaveGroupRequest request;
  request.group_id = "g";
  request.members.push_back({.member_id = id});
  request.members.push_back({.member_id = "nobody"});
  auto response = coordinator->leave(request);
  ASSERT_EQ(response.members.size(), 2U);
  EXPECT_EQ(response.members[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.members[1].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupsTest, StaticMemberTakesItsPlaceAgainWithoutRebalance) {
  auto joined = join(join_request("", "node-1"));
  ASSERT_TRUE(joined->has_value());
  std::string old_id = (*joined)->member_id;
  ASSERT_EQ((*sync(old_id, 1, {{old_id, {9}}}))->error_code, ErrorCode::kNone);

  auto again = join(join_request("", "node-1"));
  ASSERT_TRUE(again->has_value());
  EXPECT_EQ((*again)->error_code, ErrorCode::kNone);
  EXPECT_EQ((*again)->generation_id, 1) << "nobody else has to rebalance";
  EXPECT_NE((*again)->member_id, old_id);
  EXPECT_TRUE((*again)->skip_assignment);
  EXPECT_EQ((*sync((*again)->member_id, 1))->assignment, base::Bytes{9});

  auto request = join_request(old_id, "node-1");
  EXPECT_EQ((*join(request))->error_code, ErrorCode::kFencedInstanceId);
}

TEST_F(GroupsTest, InitialDelayCollectsNewcomers) {
  config.initial_rebalance_delay_ms = 3'000;
  restart();
  std::string first = new_member_id();
  auto first_joined = join(join_request(first));
  advance(2s);
  std::string second = new_member_id();
  auto second_joined = join(join_request(second));
  EXPECT_FALSE(first_joined->has_value());
  advance(4s);
  ASSERT_TRUE(first_joined->has_value());
  ASSERT_TRUE(second_joined->has_value());
  EXPECT_EQ((*first_joined)->generation_id, 1) << "one rebalance for both";
}

TEST_F(GroupsTest, ThoseWhoWaitAreToldWhenTheShardGoes) {
  std::string first = stable_member();
  std::string second = new_member_id();
  auto waiting = join(join_request(second));
  ASSERT_FALSE(waiting->has_value());
  coordinator->resign(partition_of_group("g", kPartitions));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(heartbeat(first, 1), ErrorCode::kNotCoordinator);
}

TEST_F(GroupsTest, MembersSurviveACoordinatorThatTakesOver) {
  std::string id = stable_member();
  restart();
  EXPECT_EQ(state(), "Stable");
  EXPECT_EQ(heartbeat(id, 1), ErrorCode::kNone);
  EXPECT_EQ((*sync(id, 1))->assignment, base::Bytes{7});
  advance(11s);
  EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupsTest, AssignmentThatCannotBeStoredMakesARebalance) {
  std::string id = new_member_id();
  ASSERT_EQ((*join(join_request(id)))->error_code, ErrorCode::kNone);
  topic.fail_with = ErrorCode::kNotEnoughReplicas;
  auto synced = sync(id, 1, {{id, {1}}});
  ASSERT_TRUE(synced->has_value());
  EXPECT_EQ((*synced)->error_code, ErrorCode::kCoordinatorNotAvailable);
  topic.fail_with = ErrorCode::kNone;
  EXPECT_EQ((*join(join_request(id)))->generation_id, 2);
}

}  // namespace
}  // namespace longhaul::broker::groups
