// A consumer group of the simulation that does nothing but commit offsets.
#pragma once

#include <map>
#include <set>
#include <string>

#include "protocol/error_code.h"
#include "protocol/messages/offset_fetch.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// What a group has committed.
std::map<PartitionId, int64_t> offsets_of(
    const protocol::OffsetFetchResponse::OffsetFetchResponseGroup& group);

/// Either commits from outside of any membership, or as the one member of its group. Offsets only
/// grow, so that each tells which commit it is of.
class Committer final : public Actor {
 public:
  Committer(Region& region, std::string name, const ConnectionOptions& connection, bool is_member,
            const Topics& topics)
      : Actor(region, std::move(name), connection), is_member_(is_member), topics_(topics) {}

  /// Its group has its name.
  const std::string& group() const { return name(); }
  /// Holds what the group has committed against what was acknowledged: a commit that was stays
  /// unless a later one replaced it, or an end without a sync may have cost it.
  void audit(const std::map<PartitionId, int64_t>& committed, Loss loss);

 private:
  struct Commits {
    int64_t acknowledged = -1;
    std::set<int64_t> open;  // without an answer, or a clear one: any of them may yet count
    std::set<int64_t> ever;

    bool may_be(int64_t offset) const { return offset == acknowledged || open.contains(offset); }
  };

  void work() override { find_coordinator(); }
  void find_coordinator();
  void join();
  void sync();
  /// Whether a coordinator of a region knows what others acknowledged. One that does not may not
  /// know yet that it is none any more; but nothing is committed over its ignorance, so that the
  /// auditor finds it too.
  void look();
  void commit();
  void begin_anew();
  /// -1 if there is none.
  static int64_t offset_in(const std::map<PartitionId, int64_t>& committed,
                           const PartitionId& partition);
  /// What to do about an error: begin anew, or say that there should be none.
  void refused(const char* what, protocol::ErrorCode code);

  const bool is_member_;
  const Topics& topics_;
  int32_t coordinator_ = 1;
  std::string member_id_;
  int32_t generation_ = -1;
  int64_t last_offset_ = 0;
  std::map<PartitionId, Commits> commits_;
};

}  // namespace longhaul::sim
