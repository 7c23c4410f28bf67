// The way of the rest of the broker to the active controller.
#pragma once

#include "base/clock.h"
#include "base/executor.h"
#include "base/task.h"
#include "broker/metadata/controller.h"

namespace longhaul::broker::metadata {

/// Where and until when an answer is wanted.
struct ReplyTo {
  /// The answer is posted here; must live until it has come.
  base::Executor* executor = nullptr;
  /// By then there is an answer: REQUEST_TIMED_OUT if it is not decided and committed. What was
  /// appended may still be committed later.
  base::Clock::Monotonic deadline{};
  /// Asked by another node or a controller's client: if this is not the active controller, the
  /// answer is NOT_CONTROLLER at once.
  bool only_here = false;
};

/// Any thread. Each request is answered exactly once, unless the executor is stopped: once its
/// outcome is committed and all image listeners of the active controller's node have taken it up,
/// or with an error in its response. If another node is the active controller, it is asked; while
/// there is none, requests wait for one. What a controller did not answer before it was lost is
/// asked again, as in Kafka: it may have been done already.
class ControllerClient {
 public:
  template <class Response>
  using Done = base::Callback<void(Response)>;

  virtual ~ControllerClient() = default;
  virtual void create_topics(protocol::CreateTopicsRequest request, ReplyTo reply_to,
                             Done<protocol::CreateTopicsResponse> done) = 0;
  virtual void delete_topics(protocol::DeleteTopicsRequest request, ReplyTo reply_to,
                             Done<protocol::DeleteTopicsResponse> done) = 0;
  virtual void create_partitions(protocol::CreatePartitionsRequest request, ReplyTo reply_to,
                                 Done<protocol::CreatePartitionsResponse> done) = 0;
  virtual void incremental_alter_configs(protocol::IncrementalAlterConfigsRequest request,
                                         ReplyTo reply_to,
                                         Done<protocol::IncrementalAlterConfigsResponse> done) = 0;
  virtual void alter_configs(protocol::AlterConfigsRequest request, ReplyTo reply_to,
                             Done<protocol::AlterConfigsResponse> done) = 0;
  virtual void register_broker(protocol::BrokerRegistrationRequest request, ReplyTo reply_to,
                               Done<protocol::BrokerRegistrationResponse> done) = 0;
  virtual void broker_heartbeat(protocol::BrokerHeartbeatRequest request, ReplyTo reply_to,
                                Done<protocol::BrokerHeartbeatResponse> done) = 0;
  virtual void register_controller(protocol::ControllerRegistrationRequest request,
                                   ReplyTo reply_to,
                                   Done<protocol::ControllerRegistrationResponse> done) = 0;
  virtual void allocate_producer_ids(protocol::AllocateProducerIdsRequest request, ReplyTo reply_to,
                                     Done<protocol::AllocateProducerIdsResponse> done) = 0;
  virtual void update_features(protocol::UpdateFeaturesRequest request, ReplyTo reply_to,
                               Done<protocol::UpdateFeaturesResponse> done) = 0;
  virtual void unregister_broker(protocol::UnregisterBrokerRequest request, ReplyTo reply_to,
                                 Done<protocol::UnregisterBrokerResponse> done) = 0;
  virtual void alter_partition(protocol::AlterPartitionRequest request, ReplyTo reply_to,
                               Done<protocol::AlterPartitionResponse> done) = 0;
  virtual void elect_leaders(protocol::ElectLeadersRequest request, ReplyTo reply_to,
                             Done<protocol::ElectLeadersResponse> done) = 0;
  virtual void alter_partition_reassignments(
      protocol::AlterPartitionReassignmentsRequest request, ReplyTo reply_to,
      Done<protocol::AlterPartitionReassignmentsResponse> done) = 0;
  virtual void list_partition_reassignments(
      protocol::ListPartitionReassignmentsRequest request, ReplyTo reply_to,
      Done<protocol::ListPartitionReassignmentsResponse> done) = 0;
  virtual void assign_replicas_to_dirs(protocol::AssignReplicasToDirsRequest request,
                                       ReplyTo reply_to,
                                       Done<protocol::AssignReplicasToDirsResponse> done) = 0;
};

}  // namespace longhaul::broker::metadata
