// What keeps the replicas of a node's partitions alike: fetchers where it follows, and the way of
// new in-sync replicas to the controller where it leads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/config/broker_config.h"
#include "broker/handlers/services.h"
#include "broker/metadata/controller_client.h"
#include "broker/partition/isr_updater.h"
#include "broker/partition/replica_manager.h"
#include "broker/replication/fetcher_manager.h"
#include "broker/replication/replica_mover.h"
#include "client/channel.h"
#include "client/endpoint.h"

namespace longhaul::broker::app {

/// Another broker's address on the listener between brokers, or none while the metadata do not say.
std::optional<client::Endpoint> broker_address(const metadata::MetadataImage& image, int32_t id,
                                               const std::string& listener);

class Replication {
 public:
  struct Params {
    const config::BrokerConfig& config;
    const base::Clock& clock;
    base::LogSink& log;
    const handlers::CurrentImage& image;
    const partition::ReplicaManager& replicas;
    partition::ReplicationQuotas& quotas;
    log::LogManager& logs;
    /// See ReplicaMover::Params::tell; on `loop`.
    std::function<void(const base::Uuid& topic_id, int32_t partition)> tell_directory;
    /// Proposals are made here.
    base::EventLoop& loop;
    base::Executor& workers;  // for fsync
    /// One for each of num.replica.fetchers.
    std::vector<base::EventLoop*> fetcher_loops;
    /// A connection for fetches; those of different lanes do not wait for each other. Any thread.
    std::function<std::shared_ptr<client::Channel>(const client::Endpoint&, size_t lane)> connect;
  };

  explicit Replication(Params params);
  Replication(const Replication&) = delete;
  Replication& operator=(const Replication&) = delete;

  /// What partitions are made with.
  const partition::Surroundings& surroundings() const { return surroundings_; }
  /// A connection to that broker for fetches, or null. Any thread.
  std::shared_ptr<client::Channel> channel(int32_t broker, size_t lane) const;
  /// Whom proposals go to; before any partition is led.
  void set_controller(metadata::ControllerClient& controller);

  replication::ReplicaMover& mover() { return *mover_; }
  /// What a new image changed, after the replicas took it up.
  void take_up(const partition::Applied& applied);
  /// Leaders look for members of the ISR that lag: every replica.lag.time.max.ms / 2.
  void shrink_isrs() const;
  /// Nothing is fetched, moved or proposed any more. On the loop; `done` comes on any.
  void stop(base::Task done);

 private:
  /// Those of the image that are neither fenced nor about to stop (KIP-841).
  class Eligible final : public partition::Eligibility {
   public:
    explicit Eligible(const handlers::CurrentImage& image) : image_(image) {}
    std::optional<int64_t> epoch_of(int32_t broker_id) const override;

   private:
    const handlers::CurrentImage& image_;
  };
  /// The proposals of partitions go to an updater that there is not from the beginning.
  class Proposals final : public partition::IsrProposals {
   public:
    void propose(const log::TopicPartition& partition, const base::Uuid& topic_id,
                 partition::IsrProposal proposal) override;
    std::shared_ptr<partition::IsrUpdater> updater;
  };

  int64_t broker_epoch() const;

  const Params params_;
  const Eligible eligible_;
  Proposals proposals_;
  const partition::Surroundings surroundings_;
  replication::FetcherManager fetchers_;
  const std::shared_ptr<replication::ReplicaMover> mover_;
};

}  // namespace longhaul::broker::app
