// Records of one topic, in and out. Blocking calls, for tools.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/admin.h"
#include "records/compression.h"

namespace longhaul::client {

struct MessageHeader {
  std::string name;
  std::optional<std::string> value;
};

/// A record that owns its bytes.
struct Message {
  int64_t offset = -1;     // filled in by `fetch`
  int64_t timestamp = -1;  // milliseconds since the epoch
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<MessageHeader> headers;
};

/// What a fetch brought. `next_offset` may lie behind the last message: control batches, and what
/// compaction took away, count too.
struct Fetched {
  std::vector<Message> messages;
  int64_t next_offset = 0;
  int64_t high_watermark = 0;
};

/// Timestamps with a meaning, for `offset_for`.
inline constexpr int64_t kLatest = -1;
inline constexpr int64_t kEarliest = -2;

/// Finds the leader of each partition, and finds it again when it has moved. What Kafka calls
/// retriable (OFFSET_NOT_AVAILABLE of a new leader, say) is asked again for as long as `patience`.
/// Not thread-safe.
class TopicClient {
 public:
  TopicClient(Pool& pool, std::vector<Endpoint> bootstrap, std::string topic,
              std::chrono::milliseconds patience = std::chrono::seconds(30));

  /// How many there are. kNotFound if there is no such topic.
  base::Result<int32_t> partitions();
  /// The partition for a key as Kafka's clients choose it (murmur2 of the key).
  static int32_t partition_for(std::string_view key, int32_t partitions);

  /// Writes messages as one batch with acks=all; the offset of the first. A batch that a broker
  /// may or may not have taken, since the connection broke or the replicas did not follow in time,
  /// is not sent again: the error says so.
  base::Result<int64_t> produce(int32_t partition, const std::vector<Message>& messages,
                                records::Codec codec = records::Codec::kNone);
  /// Messages from `offset` on, as many as come within `max_bytes` (at least a batch). Waits up to
  /// `wait` for the first one; none is no error. kInvalidArgument if the offset is out of range.
  base::Result<Fetched> fetch(int32_t partition, int64_t offset, std::chrono::milliseconds wait,
                              int32_t max_bytes = 1 << 20);
  /// The first offset at or after a timestamp, or kLatest or kEarliest; -1 if there is none.
  base::Result<int64_t> offset_for(int32_t partition, int64_t timestamp);

 private:
  struct Leader {
    Endpoint endpoint;
    int32_t epoch = -1;
  };
  base::Result<void> refresh();
  base::Result<Leader> leader(int32_t partition);
  /// Calls `attempt` with the leader until it gives something else than `retry` or time is up.
  template <class T, class Attempt>
  base::Result<T> with_leader(int32_t partition, Attempt attempt);

  Pool& pool_;
  const std::vector<Endpoint> bootstrap_;
  const std::string topic_;
  const std::chrono::milliseconds patience_;
  base::Uuid topic_id_;
  std::map<int32_t, Leader> leaders_;
  int32_t partitions_ = 0;
  records::Codecs codecs_;
};

/// Kafka's murmur2 with its seed.
uint32_t murmur2(std::string_view bytes);

}  // namespace longhaul::client
