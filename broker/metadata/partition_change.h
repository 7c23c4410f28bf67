// What a partition becomes: who leads it, who is in sync, and which record says so. The one place
// that elects leaders, keeps eligible leader replicas (KIP-966) and completes reassignments
// (KIP-455).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "broker/metadata/image.h"
#include "protocol/messages/partition_change_record.h"

namespace longhaul::broker::metadata {

enum class Election {
  kClean,      ///< the leader stays if it can; else the first replica that is in sync
  kPreferred,  ///< the first replica, if it is in sync; else as kClean
  kUnclean,    ///< as kClean, and if nobody is in sync then any replica that is alive: data may go
};

/// LeaderRecoveryState of KIP-704.
inline constexpr int8_t kRecovered = 0;
inline constexpr int8_t kRecovering = 1;

/// What to know beside the partition itself.
struct PartitionRules {
  /// True for a replica that may lead and be in sync: its broker and its directory are there.
  std::function<bool(int32_t)> may_lead;
  /// True for a replica that may have lost what it had: its broker died or is registered no more,
  /// or its directory failed. It is not eligible (KIP-966).
  std::function<bool(int32_t)> lost = [](int32_t) { return false; };
  /// The directory of a replica that is new on this broker.
  std::function<base::Uuid(int32_t)> directory;
  Election election = Election::kClean;
  bool elr = false;  ///< eligible.leader.replicas.version is finalized
  int32_t min_insync_replicas = 1;
};

/// What is wanted of a partition, before rules make it consistent. Begin with `of(partition)`.
struct PartitionTarget {
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;  ///< empty: nobody that is alive is in sync
  std::vector<int32_t> removing;
  std::vector<int32_t> adding;
  std::vector<base::Uuid> directories;  ///< one for each of the partition's present replicas
  int8_t leader_recovery_state = kRecovered;
  /// A replica whose log begins anew: no last leader to come back to.
  int32_t begun_anew = kNoLeader;

  static PartitionTarget of(const Partition& partition);
};

/// The record that leads from `partition` to what is wanted, or none if that is what it is already.
/// Applying it raises the partition epoch, and the leader epoch if the leader is named in it.
/// Without ELR the last members of an ISR stay in it while they are away, so that a clean leader
/// can be told when they come back. A reassignment whose replicas-to-be are all in sync ends here.
std::optional<protocol::PartitionChangeRecord> partition_change(const base::Uuid& topic,
                                                                int32_t index,
                                                                const Partition& partition,
                                                                PartitionTarget target,
                                                                const PartitionRules& rules);

/// True if `list` holds `id`.
bool holds(const std::vector<int32_t>& list, int32_t id);
/// `list` without what `other` holds, in its order.
std::vector<int32_t> without(const std::vector<int32_t>& list, const std::vector<int32_t>& other);

}  // namespace longhaul::broker::metadata
