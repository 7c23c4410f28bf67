// How Kafka spreads groups over the partitions of `__consumer_offsets`.
#include <cstdint>
#include <cstdlib>

#include "base/assert.h"
#include "broker/groups/coordinator.h"

namespace longhaul::broker::groups {
namespace {

/// Decodes one UTF-8 sequence at `at`, moving it on; malformed bytes count as U+FFFD, one each.
uint32_t next_code_point(std::string_view text, size_t& at) {
  constexpr uint32_t kReplacement = 0xfffd;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(at++);
  if (first < 0x80) return first;
  size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || at + more > text.size()) return kReplacement;
  uint32_t value = first & (0x3fU >> more);
  for (size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return kReplacement;
    value = (value << 6) | (byte(at + i) & 0x3fU);
  }
  at += more;
  return value;
}

}  // namespace

int32_t partition_of_group(std::string_view group_id, int32_t partition_count) {
  LH_ASSERT(partition_count > 0, "a topic has partitions");
  uint32_t hash = 0;
  for (size_t at = 0; at < group_id.size();) {
    uint32_t point = next_code_point(group_id, at);
    if (point >= 0x10000) {  // two UTF-16 units
      hash = hash * 31 + (0xd800 + ((point - 0x10000) >> 10));
      point = 0xdc00 + ((point - 0x10000) & 0x3ff);
    }
    hash = hash * 31 + point;
  }
  auto value = static_cast<int32_t>(hash);
  return (value == INT32_MIN ? 0 : std::abs(value)) % partition_count;
}

}  // namespace longhaul::broker::groups
