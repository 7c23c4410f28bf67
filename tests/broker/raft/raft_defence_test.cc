// What a replica refuses to believe, and what it bounds.
#include <algorithm>
#include <limits>
#include <optional>

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

}  // namespace
}  // namespace longhaul::broker::raft
