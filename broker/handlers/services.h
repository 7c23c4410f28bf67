// What handlers work with: the rooms of one node.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/config/broker_config.h"
#include "broker/groups/coordinator.h"
#include "broker/handlers/codecs_pool.h"
#include "broker/handlers/fetch_session.h"
#include "broker/handlers/producer_ids.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/controller_client.h"
#include "broker/metadata/image.h"
#include "broker/metadata/quorum_server.h"
#include "broker/partition/replica_manager.h"
#include "broker/partition/replication_quota.h"
#include "broker/replication/replica_mover.h"

namespace longhaul::broker::handlers {

/// The newest image whose partitions this broker has already taken up.
using CurrentImage = log::Published<const metadata::MetadataImage>;

/// Everything outlives every request.
struct Services {
  const config::BrokerConfig& config;
  std::string cluster_id;
  const base::Clock& clock;
  base::Executor& workers;  // for what may block
  base::Logger log;
  const CurrentImage& image;
  metadata::ControllerClient& controller;
  metadata::QuorumServer& quorum;
  partition::ReplicaManager& replicas;
  log::LogManager& logs;
  replication::ReplicaMover& mover;
  partition::ReplicationQuota& leader_quota;  // of what followers that are throttled are sent
  groups::GroupCoordinator& groups;
  base::EventLoop& groups_loop;  // where the coordinator lives
  FetchSessionCache& fetch_sessions;
  ProducerIds& producer_ids;
  CodecsPool& codecs;
};

}  // namespace longhaul::broker::handlers
