// One node's part in the metadata quorum: log, raft, controller and images put together.
#pragma once

#include <atomic>
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
#include "broker/metadata/leader_requests.h"
#include "broker/metadata/metadata_log.h"
#include "broker/metadata/publisher.h"
#include "broker/metadata/quorum_server.h"

namespace longhaul::broker::metadata {

/// A voter or an observer of the metadata quorum. Created before its loop runs anything for it;
/// `start` and all else happens on the loop.
class MetadataNode : public ControllerClient,
                     public QuorumServer,
                     public std::enable_shared_from_this<MetadataNode> {
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
    UpkeepSettings upkeep;
    ControllerUpkeep::Reach reach;  ///< see there
    const ConfigRules* configs = nullptr;
    MetadataRecords bootstrap;  ///< the first records of a new cluster
    QuorumNetwork network;
    /// A connection for requests to the active controller, which may take their time; on the loop.
    std::function<std::shared_ptr<client::Channel>(const client::Endpoint&)> connect_controller;
    /// The metadata log failed: the process should end. On the loop, once.
    std::function<void(const base::Error&)> on_fatal;
  };

  static std::shared_ptr<MetadataNode> create(Params params);

  /// Takes part from now on; subscribe listeners first. `endpoints`: where other replicas reach
  /// this one, if it is a controller. On the loop.
  void start(std::vector<raft::Endpoint> endpoints = {});
  /// The quorum's leader hands over, and goes on as a follower: before `stop`, while the others can
  /// still fetch from it. Does nothing where nobody else votes. On the loop.
  void resign() { driver_->resign(); }
  /// Refuses what waits, lets what runs on `io` end, closes the log; then `done` on the loop.
  void stop(base::Task done);

  ImagePublisher& images() { return images_; }
  /// On the loop.
  const raft::Raft& raft() const { return driver_->raft(); }
  /// Writes a snapshot of the newest image now, unless one is being written. On the loop.
  void snapshot_now();

  void serve(QuorumRequest request, QuorumCall call, QuorumServer::Done done) override;
  void heartbeat_connection_closed(int32_t broker, int64_t epoch) override;
  int32_t leader_id() const override { return leader_id_.load(std::memory_order_relaxed); }

 private:
  explicit MetadataNode(Params params);
  void wire();

  // node_requests.cc
  void heard(int32_t broker, int64_t epoch, int64_t offset) override;
  void submit(ControllerRequestPtr request) override;
  void route(const ControllerRequestPtr& request);
  void decide_here(const ControllerRequestPtr& request);

  // node_quorum.cc
  template <class Request>
  void serve_here(const Request& request, QuorumCall call, QuorumServer::Done done);
  void serve_here(const protocol::DescribeQuorumRequest& request, QuorumCall call,
                  QuorumServer::Done done);
  void serve_here(const protocol::AddRaftVoterRequest& request, QuorumCall call,
                  QuorumServer::Done done);
  template <class Response>
  void hand_to_raft(const raft::Request& request, size_t max_bytes, QuorumCall call,
                    QuorumServer::Done done);
  template <class Request>
  void serve_by_leader(Request request, QuorumCall call, QuorumServer::Done done);
  raft::LeaderEndpoint endpoint_of(const raft::Standing& standing,
                                   const std::string& listener) const;

  void role_changed(const raft::RoleChange& change);
  void committed(int64_t high_watermark);
  void snapshot_taken_over(const Snapshot& snapshot);
  base::Result<void> publish_up_to(int64_t high_watermark);
  base::Result<void> publish_from_log(int64_t end);
  void publish(const ImageStep& step, size_t bytes);
  void activate_if_ready();
  void not_activated(const base::Error& why);
  void snapshot_if_due();
  void write_snapshot(bool roll);
  void snapshot_written(const raft::OffsetAndEpoch& id, const base::Result<void>& result);
  void arm_snapshot_timer();
  void fatal(const base::Error& error);

  Params params_;
  ImagePublisher images_;
  std::shared_ptr<QuorumDriver> driver_;
  std::unique_ptr<ActiveController> controller_;
  std::shared_ptr<LeaderRequests> leader_requests_;
  std::atomic<int32_t> leader_id_{-1};
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
