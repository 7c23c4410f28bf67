// What every answer about the cluster shows in the same way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metadata/image.h"
#include "protocol/error_code.h"

namespace longhaul::broker::handlers {

/// Bits of the operations that a principal may do (KIP-430), for a cluster without authorizer: all
/// that there are. The value of the schema's default says that nobody asked.
inline constexpr int32_t kOperationsNotAsked = INT32_MIN;
/// Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs
inline constexpr int32_t kAllTopicOperations =
    (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11);
/// Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite
inline constexpr int32_t kAllClusterOperations =
    (1 << 5) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12);
/// Read, Delete, Describe, DescribeConfigs, AlterConfigs
inline constexpr int32_t kAllGroupOperations =
    (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

/// A broker with the address that clients of one listener use.
struct VisibleBroker {
  const metadata::Broker* broker = nullptr;
  const metadata::BrokerEndpoint* endpoint = nullptr;
};

/// Brokers that have this listener, in the order of their IDs. Views into the image.
std::vector<VisibleBroker> visible_brokers(const metadata::MetadataImage& image,
                                           std::string_view listener, bool with_fenced);

/// Who clients take for the controller: any broker, for each passes on what is the controller's.
/// This one where clients can see it, since it surely runs: another may be gone for as long as
/// broker.session.timeout.ms before it is fenced. -1: none.
int32_t controller_for_clients(const std::vector<VisibleBroker>& visible, int32_t this_broker);

/// A partition as Metadata and DescribeTopicPartitions show it.
struct PartitionView {
  protocol::ErrorCode error =
      protocol::ErrorCode::kNone;  // LEADER_NOT_AVAILABLE, LISTENER_NOT_FOUND
  int32_t leader = metadata::kNoLeader;
  std::vector<int32_t> offline_replicas;
};
PartitionView view_partition(const metadata::MetadataImage& image,
                             const metadata::Partition& partition, std::string_view listener);

}  // namespace longhaul::broker::handlers
