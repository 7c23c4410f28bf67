#include "broker/metadata/placement.h"

#include <fmt/core.h>

#include <algorithm>

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;

/// The directory of a new replica: the broker's, if it has only one; else the broker will choose
/// and tell (KIP-858), and the zero ID says so.
base::Uuid directory_on(const MetadataImage& image, int32_t broker_id) {
  const Broker* broker = image.broker(broker_id);
  if (broker == nullptr || broker->directories.size() != 1) return {};
  return broker->directories.front();
}

struct Candidates {
  std::vector<int32_t> active;
  std::vector<int32_t> inactive;
};

Candidates candidates(const MetadataImage& image) {
  Candidates result;
  image.brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
    bool all_cordoned =
        !broker->cordoned.empty() && broker->cordoned.size() >= broker->directories.size();
    if (all_cordoned) return;
    (broker->is_active() ? result.active : result.inactive).push_back(id);
  });
  return result;
}

}  // namespace

protocol::KafkaResult<Assignment> place(const MetadataImage& image, int32_t partitions,
                                        int16_t replication_factor, base::Random& random) {
  Candidates from = candidates(image);
  std::string prefix =
      fmt::format("Unable to replicate the partition {} time(s): ", replication_factor);
  if (from.active.empty())
    return kafka_fail(ErrorCode::kInvalidReplicationFactor,
                      prefix + "All brokers are currently fenced.");
  size_t known = from.active.size() + from.inactive.size();
  auto wanted = static_cast<size_t>(replication_factor);
  if (wanted > known)
    return kafka_fail(
        ErrorCode::kInvalidReplicationFactor,
        prefix + fmt::format("The target replication factor of {} cannot be reached because only "
                             "{} broker(s) are registered or some brokers have all their log "
                             "directories cordoned.",
                             replication_factor, known));
  size_t first = random.below(from.active.size());
  Assignment result(static_cast<size_t>(partitions));
  for (size_t p = 0; p < result.size(); ++p) {
    // A second round over the brokers pairs them anew, so that followers spread too.
    size_t shift = p / from.active.size();
    for (size_t r = 0; r < std::min(wanted, from.active.size()); ++r) {
      size_t step = r == 0 ? 0 : 1 + (r - 1 + shift) % (from.active.size() - 1);
      result[p].push_back(from.active[(first + p + step) % from.active.size()]);
    }
    for (size_t r = 0; result[p].size() < wanted; ++r)
      result[p].push_back(from.inactive[(first + p + r) % from.inactive.size()]);
  }
  return result;
}

protocol::KafkaResult<> check_manual(const MetadataImage& image,
                                     const std::vector<int32_t>& replicas,
                                     std::optional<size_t> replication_factor) {
  auto wrong = [](std::string message) {
    return kafka_fail(ErrorCode::kInvalidReplicaAssignment, std::move(message));
  };
  if (replicas.empty())
    return wrong("The manual partition assignment includes an empty replica list.");
  std::vector<int32_t> sorted = replicas;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (image.broker(sorted[i]) == nullptr)
      return wrong(
          fmt::format("The manual partition assignment includes broker {}, but no such "
                      "broker is registered.",
                      sorted[i]));
    if (i > 0 && sorted[i] == sorted[i - 1])
      return wrong(fmt::format(
          "The manual partition assignment includes the broker {} more than once.", sorted[i]));
  }
  if (replication_factor && replicas.size() != *replication_factor)
    return wrong(
        fmt::format("The manual partition assignment includes a partition with {} "
                    "replica(s), but this is not consistent with previous partitions, "
                    "which have {} replica(s).",
                    replicas.size(), *replication_factor));
  return {};
}

protocol::KafkaResult<protocol::PartitionRecord> new_partition(
    const MetadataImage& image, const base::Uuid& topic_id, int32_t index,
    const std::vector<int32_t>& replicas) {
  protocol::PartitionRecord record;
  record.partition_id = index;
  record.topic_id = topic_id;
  record.replicas = replicas;
  for (int32_t id : replicas) {
    const Broker* broker = image.broker(id);
    if (broker != nullptr && broker->is_active()) record.isr.push_back(id);
    record.directories.push_back(directory_on(image, id));
  }
  if (record.isr.empty())
    return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                      fmt::format("All brokers specified in the manual partition assignment for "
                                  "partition {} are fenced or in controlled shutdown.",
                                  index));
  record.leader = record.isr.front();
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  return record;
}

}  // namespace longhaul::broker::metadata
