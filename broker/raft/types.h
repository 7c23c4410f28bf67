// The nouns of the metadata quorum (KIP-595, KIP-853).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"

namespace longhaul::broker::raft {

inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";
/// Kafka's fixed ID of the metadata topic: AAAAAAAAAAAAAAAAAAAAAQ.
base::Uuid metadata_topic_id();

/// Beyond it nobody could be elected any more: who names a higher one is not believed.
inline constexpr int32_t kLastEpoch = std::numeric_limits<int32_t>::max() - 1;
/// Nor is who names one that is so far ahead of all that was heard before: an election a second
/// takes days to get there, and one message would have taken from the quorum the epochs between.
inline constexpr int32_t kFarthestEpoch = 1 << 20;

/// A place in the log: `offset` is the first one not included, `epoch` that of the last record
/// before it. Names a snapshot, and the end of a log when logs are compared.
struct OffsetAndEpoch {
  int64_t offset = 0;
  int32_t epoch = 0;
  auto operator<=>(const OffsetAndEpoch&) const = default;
};

/// A replica of the log: a node ID is reused when a disk is lost, a directory ID never is.
struct ReplicaKey {
  int32_t id = -1;
  base::Uuid directory;
  auto operator<=>(const ReplicaKey&) const = default;
};

struct Endpoint {
  std::string name;  // of the listener
  std::string host;
  uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

/// One voter, as VotersRecord has it.
struct Voter {
  ReplicaKey key;
  std::vector<Endpoint> endpoints;
  int16_t min_kraft_version = 0;
  int16_t max_kraft_version = 1;
  auto operator<=>(const Voter&) const = default;
};

/// The voters at one point of the log, by node ID.
class VoterSet {
 public:
  VoterSet() = default;
  explicit VoterSet(const std::vector<Voter>& voters);

  size_t size() const { return voters_.size(); }
  bool empty() const { return voters_.empty(); }
  /// How many replicas decide: more than half.
  size_t majority() const { return voters_.size() / 2 + 1; }
  const Voter* find(int32_t id) const;
  /// True if this very disk votes: what has the node ID of a voter and another disk does not.
  bool contains(const ReplicaKey& key) const;
  bool is_only(const ReplicaKey& key) const { return size() == 1 && contains(key); }
  const std::map<int32_t, Voter>& all() const { return voters_; }
  /// The set with `voter` in it, in place of the one with its node ID if there is one.
  VoterSet with(Voter voter) const;
  VoterSet without(int32_t id) const;
  bool operator==(const VoterSet&) const = default;

 private:
  std::map<int32_t, Voter> voters_;
};

/// The voter sets that the log holds, each with the offset of its record: the newest one counts
/// from the moment it is in the log, committed or not, and truncation brings back the one before.
class VoterHistory {
 public:
  /// The set that a snapshot (or the configuration) gives; replaces all older ones.
  void reset(int64_t offset, VoterSet voters);
  void add(int64_t offset, VoterSet voters);
  /// Forgets sets that no longer held just before `offset`, nor do behind it.
  void forget_before(int64_t offset);
  /// Forgets sets whose record lies at `end_offset` or behind.
  void truncate(int64_t end_offset);
  const VoterSet& latest() const;
  /// The set that holds just before `offset`, for a snapshot that ends there.
  const VoterSet& before(int64_t offset) const;
  bool empty() const { return sets_.empty(); }
  /// Offset of the newest set's record.
  int64_t latest_offset() const;

 private:
  std::map<int64_t, VoterSet> sets_;
};

/// Which leader epoch begins where, for a log without gaps. Epochs and offsets both ascend.
class EpochTable {
 public:
  /// `origin` is where the log begins, with the epoch of the record before: {0, 0}, or a snapshot.
  explicit EpochTable(OffsetAndEpoch origin = {}) : origin_(origin) {}
  /// Notes that records from `start_offset` on are of `epoch`; not newer than the last: no change.
  void assign(int32_t epoch, int64_t start_offset);
  void truncate_end(int64_t end_offset);
  /// Moves the origin to `start_offset`, keeping the epoch that holds there.
  void truncate_start(int64_t start_offset);
  const OffsetAndEpoch& origin() const { return origin_; }
  /// The epoch of the last record; of an empty log, the origin's.
  int32_t last() const { return starts_.empty() ? origin_.epoch : starts_.rbegin()->first; }
  /// The largest epoch not above `epoch` and where it ends, given where the log ends. The origin
  /// if every epoch here is newer.
  OffsetAndEpoch end_of(int32_t epoch, int64_t log_end) const;
  /// The epoch of the record just before `offset`; the origin's where that is not known.
  int32_t epoch_before(int64_t offset) const;
  const std::map<int32_t, int64_t>& starts() const { return starts_; }

 private:
  OffsetAndEpoch origin_;
  std::map<int32_t, int64_t> starts_;
};

}  // namespace longhaul::broker::raft
