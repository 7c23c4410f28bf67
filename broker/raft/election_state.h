// What a replica must not forget about elections, and Kafka's `quorum-state` file for it
// (docs/formats/metadata-log.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/raft/types.h"

namespace longhaul::broker::raft {

/// The newest epoch this replica has seen, who leads it as far as known, and whom it voted for.
struct ElectionState {
  int32_t epoch = 0;
  std::optional<int32_t> leader;
  std::optional<ReplicaKey> voted;
  bool operator==(const ElectionState&) const = default;
};

inline constexpr std::string_view kQuorumStateFile = "quorum-state";

/// Version 1 of the file (KIP-853: with the directory ID of the vote): one line of JSON, no
/// newline.
std::string encode_quorum_state(const ElectionState& state);

/// Reads versions 0 and 1; kCorrupt with what is wrong.
base::Result<ElectionState> decode_quorum_state(std::string_view text);

}  // namespace longhaul::broker::raft
