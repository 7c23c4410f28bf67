// A member of a classic consumer group.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/executor.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/sync_group.h"

namespace longhaul::broker::groups {

using JoinReply = base::Callback<void(protocol::JoinGroupResponse)>;
using SyncReply = base::Callback<void(protocol::SyncGroupResponse)>;

/// Who sent a request, as far as a group wants to know.
struct Caller {
  std::string client_id;
  std::string client_host;  // "/127.0.0.1", as Kafka's tools show it
  int16_t api_version = 0;
};

/// An assignment strategy that a member can use, with what it wants the leader to know.
struct MemberProtocol {
  std::string name;
  base::Bytes metadata;
  bool operator==(const MemberProtocol&) const = default;
};

struct Member {
  std::string id;
  std::optional<std::string> instance_id;  // static membership (KIP-345)
  std::string client_id;
  std::string client_host;
  std::chrono::milliseconds rebalance_timeout{};
  std::chrono::milliseconds session_timeout{};
  std::vector<MemberProtocol> protocols;  // in the member's order of preference
  base::Bytes assignment;

  bool is_new = false;  // waits in its first JoinGroup
  bool synced = false;  // sent SyncGroup in this generation
  std::chrono::microseconds session_deadline{};
  base::TimerId session_timer = 0;
  JoinReply join_reply;  // set while it waits in JoinGroup
  SyncReply sync_reply;  // set while it waits in SyncGroup

  bool awaits_join() const { return static_cast<bool>(join_reply); }
  bool awaits_sync() const { return static_cast<bool>(sync_reply); }
  /// Its metadata for a protocol, or null if it does not know it.
  const base::Bytes* metadata_for(const std::string& protocol) const {
    for (const MemberProtocol& known : protocols) {
      if (known.name == protocol) return &known.metadata;
    }
    return nullptr;
  }
};

}  // namespace longhaul::broker::groups
