#include "broker/groups/group.h"

namespace longhaul::broker::groups {

const CommittedOffset* Group::find_offset(const std::string& topic, int32_t partition) const {
  auto of_topic = offsets.find(topic);
  if (of_topic == offsets.end()) return nullptr;
  auto found = of_topic->second.find(partition);
  return found == of_topic->second.end() ? nullptr : &found->second;
}

void Group::erase_offset(const std::string& topic, int32_t partition) {
  auto of_topic = offsets.find(topic);
  if (of_topic == offsets.end()) return;
  of_topic->second.erase(partition);
  if (of_topic->second.empty()) offsets.erase(of_topic);
}

bool Group::is_expired(const std::string& topic, const CommittedOffset& offset, int64_t now_ms,
                       int64_t retention_ms) const {
  if (offset.expire_time_ms) return now_ms >= *offset.expire_time_ms;
  int64_t unused_since = offset.commit_time_ms;
  if (!members.protocol_type().empty()) {
    if (members.state() == GroupState::kEmpty) {
      unused_since = members.state_since_ms();
    } else if (members.state() != GroupState::kStable || members.protocol_type() != "consumer" ||
               members.subscribes_to(topic)) {
      return false;
    }
  }
  return now_ms - unused_since >= retention_ms;
}

bool Group::is_spent() const {
  return offsets.empty() && !members.has_members() && members.state() == GroupState::kEmpty;
}

}  // namespace longhaul::broker::groups
