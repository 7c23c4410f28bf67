#include "broker/app/node.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>

#include "broker/app/housekeeping.h"
#include "broker/app/log_params.h"
#include "broker/app/offsets_log.h"
#include "broker/app/option_rules.h"
#include "broker/app/quorum_network.h"
#include "broker/app/registration.h"
#include "broker/app/replication.h"
#include "broker/app/room_settings.h"
#include "broker/handlers/auto_create.h"
#include "broker/handlers/dispatcher.h"
#include "broker/metadata/bootstrap.h"
#include "broker/metadata/broker_lifecycle.h"
#include "broker/metadata/directory_assignments.h"
#include "broker/metadata/features.h"
#include "broker/metadata/node.h"

namespace longhaul::broker::app {
namespace {

constexpr std::chrono::seconds kRegistrationTimeout{30};
constexpr std::chrono::seconds kRetryUnserved{1};

log::LogManager::Loaded load(log::LogManager& logs, base::Executor* several) {
  if (!several) return logs.load();
  std::promise<log::LogManager::Loaded> loaded;
  logs.load(*several, [&](log::LogManager::Loaded found) { loaded.set_value(found); });
  return loaded.get_future().get();
}

Replication::Params replication_params(const config::BrokerConfig& config,
                                       const NodeEnvironment& environment,
                                       const handlers::CurrentImage& image,
                                       const partition::ReplicaManager& replicas,
                                       partition::ReplicationQuotas& quotas,
                                       log::LogManager& logs) {
  std::vector<base::EventLoop*> loops = environment.fetcher_loops;
  if (loops.empty()) loops.push_back(&environment.metadata_loop);
  return {.config = config,
          .clock = environment.clock,
          .log = environment.log,
          .image = image,
          .replicas = replicas,
          .quotas = quotas,
          .logs = logs,
          .loop = environment.metadata_loop,
          .workers = environment.workers,
          .fetcher_loops = std::move(loops),
          .connect = environment.connect_leader};
}

/// How the controller finds out whether a broker's process is gone.
metadata::ControllerUpkeep::Reach reach_by(const NodeEnvironment& environment,
                                           const std::string& listener) {
  if (!environment.probe) return {};
  return [probe = environment.probe, loop = &environment.metadata_loop, listener](
             const metadata::Broker& broker, base::Callback<void(bool refused)> done) {
    const metadata::BrokerEndpoint* at = broker.endpoint(listener);
    if (!at) return done(false);
    probe({at->host, at->port}, [loop, done = std::move(done)](bool refused) mutable {
      loop->post([refused, done = std::move(done)]() mutable { done(refused); });
    });
  };
}

std::string describe_refusal(protocol::ErrorCode why, const metadata::MetadataImage& image) {
  std::string message = "the controller does not take this broker: ";
  message += protocol::name(why);
  std::string features = metadata::unsupported_features(image);
  if (features.empty()) return message;
  return message + "; this version of the broker lacks features of the cluster: " + features;
}

}  // namespace

metadata::BirthConfig birth_config(const config::BrokerConfig& config) {
  metadata::BirthConfig birth;
  switch (config.format) {
    case config::FormatPolicy::kRefuse:
      birth.permission = metadata::FormatPermission::kRefuse;
      break;
    case config::FormatPolicy::kJoin:
      birth.permission = metadata::FormatPermission::kJoin;
      break;
    case config::FormatPolicy::kFound:
      birth.permission = metadata::FormatPermission::kFound;
      break;
  }
  if (config.cluster_id) birth.cluster_id = config.cluster_id->to_string();
  birth.directory_id = config.directory_id;
  birth.node_id = config.node_id;
  birth.log_dirs = config.log_dirs;
  birth.metadata_dir = config.metadata_log_dir;
  birth.controller_endpoints =
      controller_endpoints(config, config::advertised_at(config, "localhost", config.listeners));
  return birth;
}

struct Node::Rooms {
  Rooms(std::shared_ptr<const config::BrokerConfig> configuration, NodeEnvironment env,
        metadata::Identity id, std::unique_ptr<log::LogManager> log_manager)
      : kept_config(std::move(configuration)),
        config(*kept_config),
        environment(std::move(env)),
        log(environment.log, "node"),
        identity(std::move(id)),
        incarnation(base::Uuid::random(environment.random)),
        logs(std::move(log_manager)),
        rules(config),
        image(std::make_shared<const metadata::MetadataImage>()),
        quotas(environment.clock, replication_quota_window(config), move_quota_window(config)),
        replication(params_of_replication()),
        log_repair(std::make_shared<LogRepair>(LogRepair::Params{
            .loop = environment.metadata_loop,
            .workers = environment.workers,
            .logger = base::Logger(environment.log, "scrubber"),
            .broker_id = config.node_id,
            .image = image,
            .channel = [this](int32_t broker) { return replication.channel(broker, 0); }})),
        cleaner(log_cleaner_params(config, environment, *logs, log_repair)),
        scrubber(log_scrubber_params(config, environment, *logs, log_repair)),
        replicas(config, *logs, replication.surroundings(),
                 base::Logger(environment.log, "replicas")),
        offsets({.replicas = replicas,
                 .loop = environment.groups_loop,
                 .workers = environment.workers,
                 .clock = environment.clock,
                 .codec = static_cast<records::Codec>(
                     config.integer("offsets.topic.compression.codec"))}),
        groups(std::make_unique<groups::GroupCoordinator>(
            group_config(config), environment.groups_loop, environment.clock, environment.random,
            offsets, base::Logger(environment.log, "groups"))),
        fetch_sessions(static_cast<size_t>(std::max(
                           0, config.integer("max.incremental.fetch.session.cache.slots"))),
                       environment.clock, environment.random),
        housekeeping(environment.timers, environment.workers) {}

  Replication::Params params_of_replication();
  base::Result<void> open_metadata();
  void serve();
  void take_up(const metadata::Shared<metadata::MetadataImage>& after,
               const metadata::MetadataChanges& changes);
  void tell_groups(const metadata::MetadataImage& after, partition::Applied applied);
  void retry_unserved();
  void join(const std::vector<config::Listener>& advertised, base::Task on_ready);
  void join_as_broker(const std::vector<config::Listener>& advertised);
  std::vector<base::Uuid> offline_directories() const;
  std::shared_ptr<metadata::DirectoryAssignments> directory_assignments();
  void register_controller(protocol::ControllerRegistrationRequest request);
  void tell_if_ready();
  void stop_replicating(base::Task done);
  protocol::BrokerRegistrationRequest registration(
      const std::vector<config::Listener>& advertised) const;

  std::shared_ptr<const config::BrokerConfig> kept_config;  // others hold references to it
  const config::BrokerConfig& config;
  NodeEnvironment environment;
  base::Logger log;
  metadata::Identity identity;
  const base::Uuid incarnation;  // of this run
  std::unique_ptr<log::LogManager> logs;
  OptionRules rules;
  handlers::CurrentImage image;
  partition::ReplicationQuotas quotas;
  Replication replication;
  std::shared_ptr<LogRepair> log_repair;
  log::LogCleaner cleaner;
  log::LogScrubber scrubber;
  partition::ReplicaManager replicas;
  OffsetsLog offsets;
  std::unique_ptr<groups::GroupCoordinator> groups;
  handlers::FetchSessionCache fetch_sessions;
  Housekeeping housekeeping;
  handlers::CodecsPool codecs;
  std::shared_ptr<metadata::MetadataNode> metadata;
  std::unique_ptr<handlers::ProducerIds> producer_ids;
  std::unique_ptr<handlers::Dispatcher> dispatcher;
  std::shared_ptr<metadata::BrokerLifecycle> lifecycle;         // on the metadata loop
  std::shared_ptr<metadata::DirectoryAssignments> directories;  // likewise; null: no broker
  bool took_up_first_image = false;                             // likewise
  base::TimerId retry_timer = 0;                                // likewise
  base::TimerId registration_timer = 0;                         // likewise
  bool unfenced = false;                                        // likewise
  base::Task on_ready;                                          // likewise; until it is
  bool resigning = false;                                       // likewise
  bool stopping = false;                                        // likewise
  std::atomic<bool> ready{false};
};

Replication::Params Node::Rooms::params_of_replication() {
  auto params = replication_params(config, environment, image, replicas, quotas, *logs);
  params.tell_directory = [this](const base::Uuid& topic_id, int32_t partition) {
    if (directories) directories->look_at(topic_id, partition);
  };
  return params;
}

base::Result<void> Node::Rooms::open_metadata() {
  auto opened = metadata::MetadataLog::open({.files = &environment.files,
                                             .clock = &environment.clock,
                                             .logger = base::Logger(environment.log, "metadata"),
                                             .metadata_dir = config.metadata_log_dir,
                                             .options = metadata_log_options(config),
                                             .on_failure = {}});
  if (!opened) return tl::unexpected(std::move(opened.error()));
  LH_ASSIGN(auto bootstrap, metadata::read_bootstrap(environment.files, config.metadata_log_dir));
  metadata =
      metadata::MetadataNode::create({.loop = &environment.metadata_loop,
                                      .io = &environment.workers,
                                      .clock = &environment.clock,
                                      .random = &environment.random,
                                      .logger = base::Logger(environment.log, "metadata"),
                                      .log = std::move(*opened),
                                      .log_options = metadata_log_options(config),
                                      .self = {config.node_id, identity.metadata_directory_id},
                                      .settings = controller_settings(config, identity.cluster_id),
                                      .upkeep = upkeep_settings(config),
                                      .reach = reach_by(environment, config.inter_broker_listener),
                                      .configs = &rules,
                                      .bootstrap = std::move(bootstrap),
                                      .network = quorum_network(config, environment),
                                      .connect_controller = environment.connect_controller,
                                      .on_fatal = environment.on_fatal});
  return {};
}

void Node::Rooms::serve() {
  auto broker_epoch = [this] {
    auto now = image.load();
    const metadata::Broker* self = now->broker(config.node_id);
    return self ? self->epoch : -1;
  };
  producer_ids = std::make_unique<handlers::ProducerIds>(
      handlers::ProducerIds::Params{.broker_id = config.node_id,
                                    .broker_epoch = broker_epoch,
                                    .controller = *metadata,
                                    .executor = environment.metadata_loop,
                                    .clock = environment.clock});
  dispatcher = std::make_unique<handlers::Dispatcher>(
      handlers::Services{.config = config,
                         .cluster_id = identity.cluster_id,
                         .clock = environment.clock,
                         .workers = environment.workers,
                         .log = base::Logger(environment.log, "requests"),
                         .image = image,
                         .controller = *metadata,
                         .quorum = *metadata,
                         .replicas = replicas,
                         .logs = *logs,
                         .mover = replication.mover(),
                         .leader_quota = quotas.leader,
                         .groups = *groups,
                         .groups_loop = environment.groups_loop,
                         .fetch_sessions = fetch_sessions,
                         .producer_ids = *producer_ids,
                         .codecs = codecs});
  replication.set_controller(*metadata);
  add_log_chores(housekeeping, config, *logs);
  housekeeping.add(
      std::chrono::duration_cast<std::chrono::milliseconds>(replication.surroundings().max_lag) / 2,
      [this] { replication.shrink_isrs(); });
  base::Executor& background = environment.background ? *environment.background  //
                                                      : environment.workers;
  add_cleaner_chores(housekeeping, config, background, cleaner);
  add_scrubber_chore(housekeeping, config, background, scrubber);
}

// On the metadata loop. Handlers see an image only after its partitions are here. Those begin with
// the image that has this run of the broker: what an earlier run led is not ours yet.
void Node::Rooms::take_up(const metadata::Shared<metadata::MetadataImage>& after,
                          const metadata::MetadataChanges& changes) {
  const metadata::Broker* self = after->broker(config.node_id);
  bool is_first = !took_up_first_image;
  bool is_here = self && self->incarnation == incarnation;
  if (is_first && config.is_broker && !is_here) return;
  partition::Applied applied = is_first ? replicas.start(*after) : replicas.apply(*after, changes);
  took_up_first_image = true;
  if (is_first || !changes.configs.empty()) {
    set_rates(quotas, *after, config);
    cleaner.set_rate(cleaner_rate(*after, config));
  }
  image.store(after);
  if (directories) directories->follow(after, is_first ? metadata::all_of(*after) : changes);
  replication.take_up(applied);
  tell_groups(*after, std::move(applied));
  retry_unserved();
  tell_if_ready();
}

// Room on a full disk is no news that anybody would bring: it has to be looked for.
void Node::Rooms::retry_unserved() {
  if (retry_timer != 0 || !replicas.has_unserved()) return;
  retry_timer = environment.metadata_loop.after(kRetryUnserved, [this] {
    retry_timer = 0;
    auto now = image.load();
    partition::Applied applied = replicas.retry_unserved(*now);
    replication.take_up(applied);
    tell_groups(*now, std::move(applied));
    if (directories) directories->look_again();
    retry_unserved();
  });
}

void Node::Rooms::tell_groups(const metadata::MetadataImage& after, partition::Applied applied) {
  const metadata::Topic* topic = after.topic(handlers::kOffsetsTopic);
  auto count = topic ? static_cast<int32_t>(topic->partitions.size()) : 0;
  environment.groups_loop.post([this, count, applied = std::move(applied)] {
    if (!groups) return;
    groups->set_partition_count(count);
    for (const log::TopicPartition& id : applied.resigned) {
      if (id.topic == handlers::kOffsetsTopic) groups->resign(id.partition);
    }
    for (const log::TopicPartition& id : applied.became_leader) {
      if (id.topic == handlers::kOffsetsTopic) groups->lead(id.partition);
    }
    if (!applied.deleted_topics.empty()) groups->topics_deleted(applied.deleted_topics);
  });
}

// On the metadata loop.
void Node::Rooms::join(const std::vector<config::Listener>& advertised, base::Task when_ready) {
  metadata->images().subscribe(
      [this](const auto&, const auto& after, const auto& changes) { take_up(after, changes); });
  on_ready = std::move(when_ready);
  metadata->start(controller_endpoints(config, advertised));
  if (config.is_controller) {
    register_controller(
        controller_registration_of(config, advertised, base::Uuid::random(environment.random)));
  }
  if (config.is_broker) join_as_broker(advertised);
}

void Node::Rooms::join_as_broker(const std::vector<config::Listener>& advertised) {
  directories = directory_assignments();
  lifecycle = std::make_shared<metadata::BrokerLifecycle>(metadata::BrokerLifecycle::Params{
      .loop = &environment.metadata_loop,
      .clock = &environment.clock,
      .logger = log,
      .controller = metadata.get(),
      .images = &metadata->images(),
      .registration = registration(advertised),
      .heartbeat_interval_ms = config.integer("broker.heartbeat.interval.ms"),
      .request_timeout_ms = std::max(config.integer("broker.session.timeout.ms") / 2, 1),
      .on_refused =
          [this](protocol::ErrorCode why) {
            environment.on_fatal(
                {base::Errc::kConflict, describe_refusal(why, *metadata->images().current())});
          },
      .on_fenced =
          [this](bool fenced) {
            unfenced = !fenced;
            if (fenced) ready = false;
            tell_if_ready();
          },
      .offline_directories = [this] { return offline_directories(); }});
  lifecycle->register_broker([this](int64_t) { lifecycle->unfence([] {}); });
}

// Where one is all there is, its failure ends the node.
std::vector<base::Uuid> Node::Rooms::offline_directories() const {
  if (config.log_dirs.size() == 1) return {};
  return logs->offline_directory_ids();
}

std::shared_ptr<metadata::DirectoryAssignments> Node::Rooms::directory_assignments() {
  std::map<std::string, base::Uuid> ids;
  for (const log::LogDirStatus& status : logs->directories())
    ids[status.path] = status.directory_id;
  return std::make_shared<metadata::DirectoryAssignments>(metadata::DirectoryAssignments::Params{
      .loop = &environment.metadata_loop,
      .clock = &environment.clock,
      .logger = log,
      .controller = metadata.get(),
      .broker_id = config.node_id,
      .directory_of = [this, ids](const metadata::Topic& topic, int32_t partition) {
        auto moving = replicas.find(topic.name, partition);
        if (auto next = moving ? moving->announced_directory() : std::nullopt) return next;
        auto found = ids.find(logs->directory_of(topic.name, partition));
        return found == ids.end() ? std::nullopt : std::optional(found->second);
      }});
}

/// What the active controller has decided may come here only later.
void Node::Rooms::tell_if_ready() {
  auto now = image.load();
  const metadata::Broker* self = now->broker(config.node_id);
  bool is_alive =
      unfenced && lifecycle && self && !self->fenced && self->epoch == lifecycle->broker_epoch();
  if (resigning || (config.is_broker && !is_alive)) return;
  ready = true;
  if (on_ready) std::exchange(on_ready, {})();
}

/// Nothing is written any more when this is done: by fetchers, by the quorum, or to partitions.
void Node::Rooms::stop_replicating(base::Task done) {
  log_repair->stop();
  replication.stop([this, done = std::move(done)]() mutable {
    environment.metadata_loop.post([this, done = std::move(done)]() mutable {
      metadata->stop([this, done = std::move(done)]() mutable {
        replicas.stop();
        done();
      });
    });
  });
}

// Once a run; nothing waits for it.
void Node::Rooms::register_controller(protocol::ControllerRegistrationRequest request) {
  metadata::ReplyTo reply_to{&environment.metadata_loop,
                             environment.clock.monotonic() + kRegistrationTimeout};
  metadata->ask(&metadata::register_controller, request, reply_to,
                [this, request](const protocol::ControllerRegistrationResponse& response) {
                  if (response.error_code == protocol::ErrorCode::kNone || stopping) return;
                  log.warn("the endpoints of this controller are not known to others: {}",
                           protocol::name(response.error_code));
                  if (!protocol::is_retriable(response.error_code)) return;
                  registration_timer = environment.metadata_loop.after(
                      kRetryUnserved, [this, request] { register_controller(request); });
                });
}

protocol::BrokerRegistrationRequest Node::Rooms::registration(
    const std::vector<config::Listener>& advertised) const {
  return registration_of(config, identity.cluster_id, advertised, logs->online_directory_ids(),
                         incarnation, logs->previous_broker_epoch());
}

base::Result<std::unique_ptr<Node>> Node::open(config::BrokerConfig config,
                                               NodeEnvironment environment) {
  LH_ASSIGN(auto identity, metadata::ensure_born(environment.files, environment.clock,
                                                 environment.random, birth_config(config)));
  base::Logger log(environment.log, "node");
  for (const std::string& directory : identity.formatted) {
    log.info("formatted {} for cluster {}", directory, identity.cluster_id);
  }
  auto kept = std::make_shared<const config::BrokerConfig>(std::move(config));
  LH_ASSIGN(auto logs, log::LogManager::open(log_manager_params(*kept, environment)));
  auto loaded = load(*logs, environment.recovery);
  if (loaded.shortage) return tl::unexpected(*loaded.shortage);
  if (loaded.cancelled) {
    return base::fail(base::Errc::kCancelled, "stopped while logs were being recovered");
  }
  log.info("loaded {} logs in {} ms, {} of {} directories after an unclean stop", loaded.logs,
           loaded.took_ms, loaded.unclean_directories, kept->log_dirs.size());
  auto rooms =
      std::make_unique<Rooms>(kept, std::move(environment), std::move(identity), std::move(logs));
  LH_TRY(rooms->open_metadata());
  rooms->serve();
  return std::unique_ptr<Node>(new Node(std::move(rooms)));
}

Node::Node(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
Node::~Node() = default;

const metadata::Identity& Node::identity() const { return rooms_->identity; }
const config::BrokerConfig& Node::config() const { return rooms_->config; }
net::RequestHandler& Node::handler() { return *rooms_->dispatcher; }
metadata::ImagePublisher& Node::images() { return rooms_->metadata->images(); }
log::LogManager& Node::logs() { return *rooms_->logs; }
log::LogCleaner& Node::cleaner() { return rooms_->cleaner; }
log::LogScrubber& Node::scrubber() { return rooms_->scrubber; }
bool Node::is_ready() const { return rooms_->ready; }

void Node::start(const std::vector<config::Listener>& advertised, base::Task ready) {
  Rooms& rooms = *rooms_;
  rooms.environment.timers.post([&rooms] { rooms.housekeeping.start(); });
  rooms.environment.groups_loop.post([&rooms] { rooms.groups->start(); });
  rooms.environment.metadata_loop.post([&rooms, advertised, ready = std::move(ready)]() mutable {
    rooms.join(advertised, std::move(ready));
  });
}

void Node::resign(base::Task done) {
  Rooms& rooms = *rooms_;
  rooms.environment.metadata_loop.post([&rooms, done = std::move(done)]() mutable {
    rooms.resigning = true;
    rooms.ready = false;
    auto held = std::make_shared<base::Task>(std::move(done));
    auto leave = [&rooms, held] {
      rooms.metadata->resign();
      (*held)();
    };
    if (!rooms.lifecycle || !rooms.config.boolean("controlled.shutdown.enable")) return leave();
    rooms.lifecycle->shut_down(leave);
  });
}

void Node::stop(base::Callback<void(base::Result<void>)> done) {
  Rooms& rooms = *rooms_;
  rooms.ready = false;
  rooms.environment.timers.post([&rooms] { rooms.housekeeping.stop(); });
  rooms.environment.groups_loop.post([&rooms, done = std::move(done)]() mutable {
    rooms.groups.reset();
    rooms.environment.metadata_loop.post([&rooms, done = std::move(done)]() mutable {
      int64_t epoch = rooms.lifecycle ? rooms.lifecycle->broker_epoch() : -1;
      rooms.lifecycle.reset();
      rooms.directories.reset();
      rooms.stopping = true;
      rooms.environment.metadata_loop.cancel(std::exchange(rooms.retry_timer, 0));
      rooms.environment.metadata_loop.cancel(std::exchange(rooms.registration_timer, 0));
      rooms.stop_replicating([&rooms, epoch, done = std::move(done)]() mutable {
        rooms.environment.workers.post([&rooms, epoch, done = std::move(done)]() mutable {
          done(rooms.logs->shutdown(epoch));
        });
      });
    });
  });
}

}  // namespace longhaul::broker::app
