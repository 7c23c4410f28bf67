#include "tests/sim/host.h"

#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/metadata/birth.h"
#include "broker/net/server.h"
#include "tests/sim/connection.h"
#include "tests/sim/process_disk.h"
#include "tests/sim/region.h"
#include "tests/sim/server_end.h"
#include "tests/support/loop.h"

namespace longhaul::sim {

using base::CrashMode;
using std::chrono::seconds;

namespace {
constexpr Time kStopPatience = seconds(5);

Time option_ms(const broker::config::BrokerConfig& config, const char* option) {
  return std::chrono::milliseconds(config.integer(option));
}
}  // namespace

/// What dies with the process. Loops end before the node is destroyed.
struct Host::Process {
  Process(Host& host, const broker::config::BrokerConfig& config)
      : world(host.world_),
        sink(world.trace, host.name_),
        disk(
            host.disk_, world.trace, host.name_, world.random(), [&host] { host.dies(); },
            [&host] { host.has_no_room(); }),
        random(world.random().next()),
        metadata(world.simulation, host.speed_.loop),
        groups(world.simulation, host.speed_.loop),
        timers(world.simulation, host.speed_.loop),
        reactor(world.simulation, host.speed_.loop),
        network(world.simulation, host.speed_.loop),
        workers(world.simulation, host.speed_.worker),
        frames(broker::net::request_memory_bytes(config)) {
    Time soon = option_ms(config, "controller.quorum.request.timeout.ms");
    quorum = pool(host, soon, soon);
    controller = pool(host, soon, seconds(40));
    for (int i = 0; i < config.integer("num.replica.fetchers"); ++i) {
      fetchers.push_back(std::make_unique<Loop>(world.simulation, host.speed_.loop));
      Time fetch = option_ms(config, "replica.socket.timeout.ms");
      leaders.push_back(pool(host, fetch, fetch));
    }
  }
  ~Process() { stop(); }

  std::unique_ptr<ConnectionPool> pool(Host& host, Time connect, Time answer) {
    return std::make_unique<ConnectionPool>(host.region_, host.name_,
                                            ConnectionOptions{.latency = host.speed_.network,
                                                              .patience = answer,
                                                              .connect_patience = connect,
                                                              .must_answer = false,
                                                              .executor = &network});
  }

  broker::app::NodeEnvironment environment(Host& host) {
    std::vector<base::EventLoop*> fetcher_loops;
    for (const auto& each : fetchers) fetcher_loops.push_back(each.get());
    return {
        .files = disk,
        .clock = host.clock_,
        .random = random,
        .log = sink,
        .metadata_loop = metadata,
        .groups_loop = groups,
        .timers = timers,
        .workers = workers,
        .on_fatal = [&host](const base::Error& error) { host.fail(error); },
        .connect_quorum = [this](const auto& at) { return quorum->to(at); },
        .connect_controller = [this](const auto& at) { return controller->to(at); },
        .fetcher_loops = std::move(fetcher_loops),
        .connect_leader = [this](const auto& at, size_t lane) { return leaders[lane]->to(at); }};
  }
  /// Nothing happens any more, and nothing is destroyed: we may be in the middle of anything.
  void halt() {
    sink.silence();
    disk.cut_off();
    for (Loop* loop : loops()) loop->halt();
    workers.halt();
    for (auto& end : ends) end->halt();
    quorum->die();
    controller->die();
    for (auto& each : leaders) each->die();
  }
  void pause(Time span) {
    for (Loop* loop : loops()) loop->pause(span);
    workers.pause(span);
  }
  void stop() {
    halt();
    world.simulation.cancel_all(this);
    for (Loop* loop : loops()) loop->stop();
    workers.stop();
  }
  std::vector<Loop*> loops() {
    std::vector<Loop*> all{&metadata, &groups, &timers, &reactor, &network};
    for (const auto& each : fetchers) all.push_back(each.get());
    return all;
  }
  broker::net::SessionContext context(base::Clock& clock) {
    return {broker::net::SessionLimits{}, frames, node->handler(), reactor, clock};
  }

  World& world;
  TraceSink sink;
  ProcessDisk disk;
  base::SeededRandom random;
  Loop metadata, groups, timers, reactor, network;
  std::vector<std::unique_ptr<Loop>> fetchers;
  Workers workers;
  broker::net::FramePool frames;  // what is asked of others may hold some, for an answer of ours
  std::unique_ptr<ConnectionPool> quorum, controller;
  std::vector<std::unique_ptr<ConnectionPool>> leaders;  // by lane
  std::optional<broker::net::SessionContext> controller_sessions;
  std::optional<broker::net::SessionContext> sessions;  // from when it serves
  std::unique_ptr<broker::app::Node> node;
  std::vector<std::shared_ptr<ServerEnd>> ends;
  bool stopping = false;
  bool draining = false;  // nobody is let in any more
};

Host::Host(Region& region, int32_t id, Speed speed)
    : region_(region),
      world_(region.world()),
      id_(id),
      name_(fmt::format("n{}", id)),
      speed_(speed),
      clock_(world_.simulation) {}

Host::~Host() {
  world_.simulation.cancel_all(this);
  process_.reset();
}

bool Host::is_serving() const { return process_ && process_->sessions && !process_->stopping; }

broker::app::Node* Host::node() { return process_ ? process_->node.get() : nullptr; }

base::Result<void> Host::format(const std::string& properties, const std::string& cluster_id,
                                const std::vector<broker::raft::Voter>& controllers) {
  LH_ASSIGN(auto loaded, broker::config::load_broker_config(properties));
  broker::metadata::FormatOptions options;
  options.birth = broker::app::birth_config(loaded.config);
  options.birth.cluster_id = cluster_id;
  options.birth.initial_controllers = controllers;
  LH_TRY(broker::metadata::format(disk_, clock_, world_.random(), options));
  return {};
}

base::Result<void> Host::start(const std::string& properties) {
  LH_ASSERT(!process_, "a host has one process at a time");
  failure_.clear();
  failed_ailing_ = false;
  auto launched = launch(properties);
  if (process_ && process_->disk.is_dead()) bury(chosen_crash_->mode);
  if (!process_) return {};  // it has died
  if (!launched) process_.reset();
  return launched;
}

base::Result<void> Host::launch(const std::string& properties) {
  auto loaded = broker::config::load_broker_config(properties);
  if (!loaded) return tl::unexpected(loaded.error());
  world_.trace.line(name_, "starts");
  process_ = std::make_unique<Process>(*this, loaded->config);
  arm();
  LH_ASSIGN(process_->node,
            broker::app::Node::open(std::move(loaded->config), process_->environment(*this)));
  region_.images().watch(name_, *process_->node);
  const auto& config = process_->node->config();
  process_->node->start(broker::config::advertised_at(config, name_, config.listeners), [this] {
    process_->sessions.emplace(process_->context(clock_));
    world_.trace.line(name_, "serves");
  });
  process_->controller_sessions.emplace(process_->context(clock_));
  return {};
}

void Host::crash_after(uint64_t changes, CrashMode mode, std::function<void()> done) {
  chosen_crash_ = {changes, mode, std::move(done)};
  if (process_) arm();
}

void Host::call_off_crash() {
  chosen_crash_.reset();
  if (process_) process_->disk.die_after(UINT64_MAX);
}

void Host::arm() {
  if (chosen_crash_) process_->disk.die_after(chosen_crash_->changes);
}

// In the middle of an operation on the disk.
void Host::dies() {
  world_.trace.line(name_, "dies");
  if (chosen_crash_->done) chosen_crash_->done();
  process_->halt();
  world_.simulation.next(process_.get(), [this] { bury(chosen_crash_->mode); });
}

void Host::crash(CrashMode mode) {
  if (process_) process_->halt();
  bury(mode);
}

void Host::bury(CrashMode mode) {
  chosen_crash_.reset();
  if (process_) {
    for (auto& end : process_->ends) end->cut();
    process_.reset();
  }
  disk_.crash(mode, world_.random());
  heal_process();
  last_end_ = End::kDied;
  last_mode_ = mode;
  world_.trace.line(name_, "is dead, {}",
                    mode == CrashMode::kKeepAll        ? "with all it wrote"
                    : mode == CrashMode::kLoseUnsynced ? "without what it did not sync"
                                                       : "with some of what it did not sync");
}

void Host::fail(const base::Error& error) {
  if (process_->disk.is_dead() || !failure_.empty()) return;
  failure_ = error.message;
  failed_ailing_ = is_ailing_;
  world_.trace.line(name_, "fails: {}", failure_);
  stop();
}

void Host::stop() {
  if (!process_ || std::exchange(process_->stopping, true)) return;
  world_.trace.line(name_, "stops");
  if (!failure_.empty() || !process_->node) return drain();
  process_->node->resign([this] { drain(); });
}

void Host::drain() {
  if (process_->disk.is_dead()) return;
  Process& process = *process_;
  process.draining = true;
  process.reactor.post([&process] {
    auto ends = process.ends;
    for (auto& end : ends) end->drain();
  });
  world_.simulation.after(kStopPatience, &process, [this] {
    if (process_->disk.is_dead()) return;
    auto ends = process_->ends;
    for (auto& end : ends) end->close("");
  });
  stop_node();
}

// Once no connection is left.
void Host::stop_node() {
  if (process_->disk.is_dead()) return;
  if (!process_->ends.empty()) {
    world_.simulation.after(std::chrono::milliseconds(1), process_.get(), [this] { stop_node(); });
    return;
  }
  process_->node->stop([this](base::Result<void> outcome) {
    if (process_->disk.is_dead()) return;
    world_.simulation.next(process_.get(), [this, outcome = std::move(outcome)]() mutable {
      ended(std::move(outcome));
    });
  });
}

void Host::ended(base::Result<void> outcome) {
  if (!outcome && failure_.empty()) failure_ = outcome.error().message;
  last_end_ = failure_.empty() ? End::kOrderly : End::kFailed;
  process_.reset();
  heal_process();
  base::SeededRandom unused(0);
  disk_.crash(CrashMode::kKeepAll, unused);  // what it left open is closed
  world_.trace.line(name_, "has ended{}{}", failure_.empty() ? "" : ": ", failure_);
}

void Host::pause(Time span) {
  if (!process_) return;
  world_.trace.line(name_, "stands still for {} us", span.count());
  process_->pause(span);
}

void Host::slow_down(int64_t factor) {
  if (!process_) return;
  world_.trace.line(name_, "has a disk that takes {} times as long", factor);
  process_->workers.set_latency(std::max(speed_.worker, Time(100)) * factor);
}

void Host::fill_disk(uint64_t spare, std::function<void()> done) {
  full_ = std::move(done);
  world_.trace.line(name_, "has {} bytes left on its disk", spare);
  is_ailing_ = true;
  disk_.set_capacity(disk_.used_bytes() + spare);
}

void Host::has_no_room() {
  if (full_) std::exchange(full_, {})();
}

void Host::empty_disk() {
  full_ = {};
  world_.trace.line(name_, "has room on its disk again");
  disk_.set_capacity(UINT64_MAX);
}

void Host::fail_disk(base::DiskOperation operation, uint64_t after, base::Task done) {
  world_.trace.line(name_, "has a bad disk: operation {} fails after {}",
                    static_cast<int>(operation), after);
  is_ailing_ = true;
  disk_.set_fault_hook(
      [operation, left = after, done = std::make_shared<base::Task>(std::move(done))](
          base::DiskOperation asked, std::string_view) mutable {
        bool fails = asked == operation && left-- == 0;
        if (fails && *done) (*done)();
        return fails ? std::optional(base::Fault{{base::Errc::kIo, "the medium is bad"}})
                     : std::nullopt;
      });
}

void Host::heal() {
  is_ailing_ = false;
  disk_.set_capacity(UINT64_MAX);
  disk_.set_fault_hook({});
  if (process_) process_->workers.set_latency(speed_.worker);
}

void Host::heal_process() {
  was_ailing_ = is_ailing_ || failed_ailing_;
  heal();
}

void Host::rot_ends() {
  --rotten_places_;
  sound_since_ = world_.simulation.now();
}

bool Host::accept(const std::shared_ptr<Link>& link, const std::string& client, uint16_t port) {
  if (!process_ || process_->draining || process_->disk.is_dead()) return false;
  bool to_controller = port == kControllerPort;
  auto& context = to_controller ? process_->controller_sessions : process_->sessions;
  if (!context) return false;
  auto info = std::make_shared<broker::net::ConnectionInfo>();
  info->id = ++connections_;
  info->listener = to_controller ? "CONTROLLER" : "PLAINTEXT";
  info->controller_listener = to_controller;
  info->client_host = client;
  Process& process = *process_;
  auto end = std::make_shared<ServerEnd>(*context, link, std::move(info));
  end->start([this, at = end.get(), client](const std::string& why) {
    if (!why.empty() && is_well() && region_.is_undisturbed()) {
      world_.findings.add("{} closed the connection of {}: {}", name_, client, why);
    }
    std::erase_if(process_->ends, [at](const auto& each) { return each.get() == at; });
  });
  process.ends.push_back(std::move(end));
  return true;
}

}  // namespace longhaul::sim
