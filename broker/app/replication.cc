#include "broker/app/replication.h"

#include <chrono>

namespace longhaul::broker::app {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kProposalTimeout{10};

replication::FetcherSettings fetcher_settings(const config::BrokerConfig& config) {
  return {.max_wait = milliseconds(config.integer("replica.fetch.wait.max.ms")),
          .min_bytes = config.integer("replica.fetch.min.bytes"),
          .max_bytes = config.integer("replica.fetch.response.max.bytes"),
          .partition_bytes = config.integer("replica.fetch.max.bytes"),
          .backoff = milliseconds(config.integer("replica.fetch.backoff.ms"))};
}

}  // namespace

std::optional<client::Endpoint> broker_address(const metadata::MetadataImage& image, int32_t id,
                                               const std::string& listener) {
  const metadata::Broker* broker = image.broker(id);
  const metadata::BrokerEndpoint* endpoint = broker ? broker->endpoint(listener) : nullptr;
  if (!endpoint) return std::nullopt;
  return client::Endpoint{endpoint->host, endpoint->port};
}

std::optional<int64_t> Replication::Eligible::epoch_of(int32_t broker_id) const {
  auto image = image_.load();
  const metadata::Broker* broker = image->broker(broker_id);
  return broker && broker->is_active() ? std::optional(broker->epoch) : std::nullopt;
}

void Replication::Proposals::propose(const log::TopicPartition& partition,
                                     const base::Uuid& topic_id, partition::IsrProposal proposal) {
  updater->propose(partition, topic_id, std::move(proposal));
}

Replication::Replication(Params params)
    : params_(std::move(params)),
      eligible_(params_.image),
      surroundings_{.broker_id = params_.config.node_id,
                    .clock = params_.clock,
                    .brokers = eligible_,
                    .proposals = proposals_,
                    .max_lag = milliseconds(params_.config.long_integer("replica.lag.time.max.ms")),
                    .workers = params_.workers},
      fetchers_({.loops = params_.fetcher_loops,
                 .workers = &params_.workers,
                 .clock = &params_.clock,
                 .logger = base::Logger(params_.log, "fetcher"),
                 .broker_id = params_.config.node_id,
                 .broker_epoch = [this] { return broker_epoch(); },
                 .channel = [this](int32_t leader, size_t lane) { return channel(leader, lane); },
                 .settings = fetcher_settings(params_.config),
                 .quota = &params_.quotas.follower}),
      mover_(replication::ReplicaMover::create({.loop = params_.loop,
                                                .workers = params_.workers,
                                                .clock = params_.clock,
                                                .logger = base::Logger(params_.log, "mover"),
                                                .logs = params_.logs,
                                                .replicas = params_.replicas,
                                                .quota = params_.quotas.moves,
                                                .tell = params_.tell_directory})) {}

std::shared_ptr<client::Channel> Replication::channel(int32_t broker, size_t lane) const {
  auto image = params_.image.load();
  auto where = broker_address(*image, broker, params_.config.inter_broker_listener);
  return where && params_.connect ? params_.connect(*where, lane) : nullptr;
}

void Replication::set_controller(metadata::ControllerClient& controller) {
  auto send = [this, &controller](protocol::AlterPartitionRequest request,
                                  partition::IsrUpdater::Answer answer) {
    controller.ask(&metadata::alter_partition, std::move(request),
                   {&params_.loop, params_.clock.monotonic() + kProposalTimeout},
                   [answer = std::move(answer)](const protocol::AlterPartitionResponse& response) {
                     answer(response);
                   });
  };
  proposals_.updater =
      partition::IsrUpdater::create({.loop = &params_.loop,
                                     .logger = base::Logger(params_.log, "replicas"),
                                     .broker_id = params_.config.node_id,
                                     .broker_epoch = [this] { return broker_epoch(); },
                                     .send = std::move(send),
                                     .find =
                                         [this](const log::TopicPartition& id) {
                                           return params_.replicas.find(id.topic, id.partition);
                                         }});
}

int64_t Replication::broker_epoch() const {
  auto image = params_.image.load();
  const metadata::Broker* self = image->broker(params_.config.node_id);
  return self ? self->epoch : -1;
}

void Replication::take_up(const partition::Applied& applied) {
  for (const auto& partition : applied.not_following) fetchers_.unfollow(*partition);
  fetchers_.follow(applied.following);
  for (const auto& partition : applied.moving) mover_->add(partition);
}

void Replication::shrink_isrs() const {
  for (const auto& partition : params_.replicas.all()) partition->shrink_isr();
}

void Replication::stop(base::Task done) {
  if (proposals_.updater) proposals_.updater->stop();
  mover_->stop([this, done = std::move(done)]() mutable { fetchers_.stop(std::move(done)); });
}

}  // namespace longhaul::broker::app
