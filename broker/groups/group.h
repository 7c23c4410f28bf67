// A group as the coordinator keeps it: the members of its protocol and the offsets it committed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/groups/classic_group.h"
#include "broker/groups/records.h"

namespace longhaul::broker::groups {

/// Offsets by topic and partition.
using Offsets = std::map<std::string, std::map<int32_t, CommittedOffset>>;

struct Group {
  Group(const std::string& id, GroupContext& context) : members(id, context) {}

  ClassicGroup members;
  Offsets offsets;

  const CommittedOffset* find_offset(const std::string& topic, int32_t partition) const;
  void erase_offset(const std::string& topic, int32_t partition);
  /// True if `offset` of `topic` is no longer kept at wall-clock time `now_ms`: its own expiry has
  /// passed, or nobody has used it for the retention time (KIP-211).
  bool is_expired(const std::string& topic, const CommittedOffset& offset, int64_t now_ms,
                  int64_t retention_ms) const;
  /// Nobody is in it and nothing is kept in it.
  bool is_spent() const;
};

}  // namespace longhaul::broker::groups
