#include "broker/raft/election_state.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace longhaul::broker::raft {

std::string encode_quorum_state(const ElectionState& state) {
  ReplicaKey voted = state.voted.value_or(ReplicaKey{});
  return fmt::format(
      R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}})",
      state.leader.value_or(-1), state.epoch, voted.id, voted.directory.to_string());
}

namespace {

base::Result<int32_t> number(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer())
    return base::fail(base::Errc::kCorrupt, fmt::format("quorum-state: no integer '{}'", name));
  auto value = found->get<int64_t>();
  if (value < INT32_MIN || value > INT32_MAX)
    return base::fail(base::Errc::kCorrupt, fmt::format("quorum-state: '{}' is too large", name));
  return static_cast<int32_t>(value);
}

}  // namespace

base::Result<ElectionState> decode_quorum_state(std::string_view text) {
  auto object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    return base::fail(base::Errc::kCorrupt, "quorum-state: not a JSON object");
  LH_ASSIGN(int32_t version, number(object, "data_version"));
  if (version != 0 && version != 1)
    return base::fail(base::Errc::kUnsupported,
                      fmt::format("quorum-state: unknown data_version {}", version));
  ElectionState state;
  LH_ASSIGN(state.epoch, number(object, "leaderEpoch"));
  LH_ASSIGN(int32_t leader, number(object, "leaderId"));
  LH_ASSIGN(int32_t voted, number(object, "votedId"));
  if (state.epoch < 0) return base::fail(base::Errc::kCorrupt, "quorum-state: negative epoch");
  if (leader >= 0) state.leader = leader;
  if (voted < 0) return state;
  state.voted = ReplicaKey{voted, {}};
  auto directory = object.find("votedDirectoryId");
  if (directory != object.end() && directory->is_string()) {
    LH_ASSIGN(state.voted->directory, base::Uuid::parse(directory->get<std::string>()));
  }
  return state;
}

}  // namespace longhaul::broker::raft
