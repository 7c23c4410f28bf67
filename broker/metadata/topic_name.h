// Which names a topic may have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/raft/types.h"

namespace longhaul::broker::metadata {

inline constexpr size_t kMaxTopicNameLength = 249;
using raft::kMetadataTopic;
inline constexpr const char* kOffsetsTopic = "__consumer_offsets";

/// What is wrong with a name, in Kafka's words; absent if it may be used.
std::optional<std::string> topic_name_problem(std::string_view name);

/// Whether a name may collide with another one than itself: it holds '.' or '_'.
bool may_collide(std::string_view name);

/// Two names with the same key collide: metrics cannot tell '.' from '_'.
std::string collision_key(std::string_view name);

}  // namespace longhaul::broker::metadata
