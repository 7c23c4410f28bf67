// One node's part in the metadata quorum: log, raft, controller and images put together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/metadata/active_controller.h"
#include "broker/metadata/controller_client.h"
#include "broker/metadata/metadata_log.h"
#include "broker/metadata/publisher.h"

namespace longhaul::broker::metadata {

/// Created before its loop runs anything for it; `start` and all else happens on the loop.
class MetadataNode : public ControllerClient, public std::enable_shared_from_this<MetadataNode> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;  ///< raft, controller and listeners run here
    base::Executor* io = nullptr;     ///< fsync and snapshots
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;  ///< used on the loop alone
    base::Logger logger{base::null_sink(), "metadata"};
    std::shared_ptr<MetadataLog> log;
    MetadataLogOptions log_options;
    raft::ReplicaKey self;
    ControllerSettings settings;
    const ConfigRules* configs = nullptr;
    MetadataRecords bootstrap;  ///< the first records of a new cluster
    /// The metadata log failed: the process should end. On the loop, once.
    std::function<void(const base::Error&)> on_fatal;
  };

  static std::shared_ptr<MetadataNode> create(Params params);

  /// Takes part from now on; subscribe listeners first. On the loop.
  void start();
  /// Refuses what waits, lets what runs on `io` end, closes the log; then `done` on the loop.
  void stop(base::Task done);

  ImagePublisher& images() { return images_; }
  /// On the loop.
  const raft::Raft& raft() const { return driver_->raft(); }
  /// Writes a snapshot of the newest image now, unless one is being written. On the loop.
  void snapshot_now();

  // ControllerClient
  void create_topics(protocol::CreateTopicsRequest request, ReplyTo reply_to,
                     Done<protocol::CreateTopicsResponse> done) override;
  void delete_topics(protocol::DeleteTopicsRequest request, ReplyTo reply_to,
                     Done<protocol::DeleteTopicsResponse> done) override;
  void create_partitions(protocol::CreatePartitionsRequest request, ReplyTo reply_to,
                         Done<protocol::CreatePartitionsResponse> done) override;
  void incremental_alter_configs(protocol::IncrementalAlterConfigsRequest request, ReplyTo reply_to,
                                 Done<protocol::IncrementalAlterConfigsResponse> done) override;
  void alter_configs(protocol::AlterConfigsRequest request, ReplyTo reply_to,
                     Done<protocol::AlterConfigsResponse> done) override;
  void register_broker(protocol::BrokerRegistrationRequest request, ReplyTo reply_to,
                       Done<protocol::BrokerRegistrationResponse> done) override;
  void broker_heartbeat(protocol::BrokerHeartbeatRequest request, ReplyTo reply_to,
                        Done<protocol::BrokerHeartbeatResponse> done) override;
  void register_controller(protocol::ControllerRegistrationRequest request, ReplyTo reply_to,
                           Done<protocol::ControllerRegistrationResponse> done) override;
  void allocate_producer_ids(protocol::AllocateProducerIdsRequest request, ReplyTo reply_to,
                             Done<protocol::AllocateProducerIdsResponse> done) override;
  void update_features(protocol::UpdateFeaturesRequest request, ReplyTo reply_to,
                       Done<protocol::UpdateFeaturesResponse> done) override;

 private:
  explicit MetadataNode(Params params);
  void wire();

  template <class Request, class Response>
  void submit(Request request, ReplyTo reply_to, Done<Response> done,
              Decision<Response> (*decide)(const ControllerInput&, const Request&));

  void role_changed(const raft::RoleChange& change);
  void committed(int64_t high_watermark);
  base::Result<void> publish_up_to(int64_t high_watermark);
  base::Result<void> publish_from_log(int64_t end);
  void publish(const ImageStep& step, size_t bytes);
  void activate_if_ready();
  void snapshot_if_due();
  void write_snapshot(bool roll);
  void snapshot_written(const raft::OffsetAndEpoch& id, const base::Result<void>& result);
  void arm_snapshot_timer();
  void fatal(const base::Error& error);

  Params params_;
  ImagePublisher images_;
  std::shared_ptr<QuorumDriver> driver_;
  std::unique_ptr<ActiveController> controller_;
  ImageLoader loader_;
  int64_t published_ = 0;  // everything below is part of the image, or of an open transaction
  size_t bytes_since_snapshot_ = 0;
  int64_t snapshot_offset_ = 0;
  bool snapshotting_ = false;
  bool stopping_ = false;
  bool failed_ = false;
  base::TimerId snapshot_timer_ = 0;
  base::Task after_snapshot_;
};

}  // namespace longhaul::broker::metadata
