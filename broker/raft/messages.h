// What replicas of the metadata log say to each other: Kafka's Vote, BeginQuorumEpoch,
// EndQuorumEpoch, Fetch, FetchSnapshot and the changes of voters, reduced to what the state machine
// decides by (KIP-595, 630, 853, 996). wire.h translates.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "broker/raft/types.h"
#include "protocol/error_code.h"

namespace longhaul::broker::raft {

using protocol::ErrorCode;

/// One of the two is not yet where the other is: that passes by itself.
constexpr bool is_of_epochs(ErrorCode error) {
  return error == ErrorCode::kNone || error == ErrorCode::kFencedLeaderEpoch ||
         error == ErrorCode::kUnknownLeaderEpoch || error == ErrorCode::kNotLeaderOrFollower;
}

/// What every answer tells of the receiver.
struct Standing {
  ErrorCode error = ErrorCode::kNone;
  int32_t epoch = 0;
  std::optional<int32_t> leader;
};

struct VoteRequest {
  int32_t epoch = 0;
  ReplicaKey candidate;
  ReplicaKey voter;        ///< whom it is meant for; -1 and a zero directory ID say nothing
  OffsetAndEpoch log_end;  ///< of the candidate
  bool pre_vote = false;   ///< asks without changing anything (KIP-996)
};
struct VoteResponse {
  Standing standing;
  bool granted = false;
};

/// A new leader makes itself known to voters that do not fetch from it yet.
struct BeginQuorumEpochRequest {
  int32_t epoch = 0;
  int32_t leader = -1;
  ReplicaKey voter;
};
/// A leader steps down.
struct EndQuorumEpochRequest {
  int32_t epoch = 0;
  int32_t leader = -1;
  std::vector<ReplicaKey> preferred;  ///< who should follow it, best first
};
/// To either of the two.
struct QuorumEpochResponse {
  Standing standing;
};

/// Asks for records from `offset` on, and says that everything below is durable at `replica`.
struct FetchRequest {
  int32_t epoch = 0;
  ReplicaKey replica;
  int64_t offset = 0;
  int32_t last_epoch = 0;       ///< of the record before `offset`
  int64_t high_watermark = -1;  ///< what the replica knows: a newer one is worth an answer
  std::chrono::milliseconds max_wait{0};
};

/// A batch as it lies in the leader's log.
struct Batch {
  int64_t base_offset = 0;
  int64_t next_offset = 0;
  int32_t epoch = 0;
  std::shared_ptr<const base::Bytes> bytes;
  /// If it holds a VotersRecord: its offset, within the batch, and what it says.
  std::optional<std::pair<int64_t, VoterSet>> voters;
};

struct FetchResponse {
  Standing standing;
  int64_t high_watermark = -1;
  /// The replica's log has parted from the leader's: the largest epoch not above its last one that
  /// the leader has, and where it ends.
  std::optional<OffsetAndEpoch> diverging;
  /// What was asked for is only in this snapshot of the leader's.
  std::optional<OffsetAndEpoch> snapshot;
  std::vector<Batch> batches;
};

/// Asks for bytes of a snapshot (KIP-630).
struct FetchSnapshotRequest {
  int32_t epoch = 0;
  ReplicaKey replica;
  OffsetAndEpoch snapshot;
  int64_t position = 0;
};
struct FetchSnapshotResponse {
  Standing standing;
  OffsetAndEpoch snapshot;
  int64_t size = 0;  ///< of the whole snapshot
  int64_t position = 0;
  std::shared_ptr<const base::Bytes> bytes;  ///< from `position` on
};

/// Changes of the voters (KIP-853), each by one replica.
struct AddVoterRequest {
  Voter voter;
  bool ack_when_committed = true;        ///< else as soon as it is in the leader's log
  std::chrono::milliseconds timeout{0};  ///< how long the answer may wait for that; 0: the default
};
struct RemoveVoterRequest {
  ReplicaKey voter;
};
/// A voter's endpoints or versions are others than the VotersRecord says.
struct UpdateVoterRequest {
  int32_t epoch = 0;
  Voter voter;
};
struct VoterChangeResponse {
  Standing standing;
  std::string message;  ///< why it was refused
};

using Request =
    std::variant<VoteRequest, BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest,
                 FetchSnapshotRequest, AddVoterRequest, RemoveVoterRequest, UpdateVoterRequest>;
using Response = std::variant<VoteResponse, QuorumEpochResponse, FetchResponse,
                              FetchSnapshotResponse, VoterChangeResponse>;

inline const Standing& standing_in(const Response& response) {
  return std::visit([](const auto& it) -> const Standing& { return it.standing; }, response);
}

}  // namespace longhaul::broker::raft
