#include "broker/metadata/placement.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;

/// A broker while replicas are placed.
struct Host {
  const Broker* broker = nullptr;
  int32_t leads = 0;
  int32_t replicas = 0;
};

std::vector<Host> hosts(const MetadataImage& image) {
  std::vector<Host> result;
  image.brokers.for_each([&](int32_t, const Shared<Broker>& broker) {
    const auto& online = broker->directories;
    bool all_cordoned =
        !online.empty() && std::includes(broker->cordoned.begin(), broker->cordoned.end(),
                                         online.begin(), online.end());
    if (!all_cordoned) result.push_back({broker.get()});
  });
  return result;
}

/// Chooses the brokers of one partition after the other.
class ReplicaPlacer {
 public:
  ReplicaPlacer(std::vector<Host> hosts, base::Random& random)
      : hosts_(std::move(hosts)), random_(random) {}

  std::vector<int32_t> place(size_t replication_factor) {
    std::vector<Host*> chosen;
    while (chosen.size() < replication_factor) {
      Host& next = best(chosen);
      if (chosen.empty()) ++next.leads;
      ++next.replicas;
      chosen.push_back(&next);
    }
    std::vector<int32_t> ids;
    for (const Host* host : chosen) ids.push_back(host->broker->id);
    return ids;
  }

 private:
  /// What makes a broker a worse choice, the weightiest first; equals are left to chance, so that
  /// the followers of one broker's partitions are not all on one other.
  using Cost = std::tuple<bool, int32_t, int32_t, int32_t, uint64_t>;
  Cost cost(const Host& host, const std::vector<Host*>& chosen) const {
    auto in_rack = std::count_if(chosen.begin(), chosen.end(), [&](const Host* other) {
      return other->broker->rack == host.broker->rack;
    });
    return {!host.broker->is_active(), static_cast<int32_t>(in_rack),
            chosen.empty() ? host.leads : 0, host.replicas, random_.next()};
  }
  /// There must be one more broker than chosen.
  Host& best(const std::vector<Host*>& chosen) {
    Host* best = nullptr;
    Cost lowest;
    for (Host& host : hosts_) {
      if (std::find(chosen.begin(), chosen.end(), &host) != chosen.end()) continue;
      Cost its = cost(host, chosen);
      if (best == nullptr || its < lowest) {
        best = &host;
        lowest = its;
      }
    }
    return *best;
  }

  std::vector<Host> hosts_;
  base::Random& random_;
};

}  // namespace

base::Uuid directory_on(const MetadataImage& image, int32_t broker_id) {
  const Broker* broker = image.broker(broker_id);
  if (broker == nullptr || broker->directories.size() != 1) return {};
  return broker->directories.front();
}

protocol::KafkaResult<Assignment> place(const MetadataImage& image, int32_t partitions,
                                        int16_t replication_factor, base::Random& random) {
  std::vector<Host> from = hosts(image);
  std::string prefix =
      fmt::format("Unable to replicate the partition {} time(s): ", replication_factor);
  bool any_active = std::any_of(from.begin(), from.end(),
                                [](const Host& host) { return host.broker->is_active(); });
  if (!any_active)
    return kafka_fail(ErrorCode::kInvalidReplicationFactor,
                      prefix + "All brokers are currently fenced.");
  auto wanted = static_cast<size_t>(replication_factor);
  if (wanted > from.size())
    return kafka_fail(
        ErrorCode::kInvalidReplicationFactor,
        prefix + fmt::format("The target replication factor of {} cannot be reached because only "
                             "{} broker(s) are registered or some brokers have all their log "
                             "directories cordoned.",
                             replication_factor, from.size()));
  ReplicaPlacer placer(std::move(from), random);
  Assignment result;
  for (int32_t p = 0; p < partitions; ++p) result.push_back(placer.place(wanted));
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
