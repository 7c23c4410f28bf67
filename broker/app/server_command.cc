#include "broker/app/server_command.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <optional>

#include "base/posix_file_system.h"
#include "base/thread_loop.h"
#include "broker/app/connections.h"
#include "broker/app/format_command.h"
#include "broker/app/node.h"
#include "broker/app/open_files.h"
#include "broker/metrics/broker_metrics.h"
#include "broker/metrics/endpoint.h"
#include "broker/metrics/process_metrics.h"
#include "broker/metrics/request_metrics.h"
#include "broker/net/server.h"

namespace longhaul::broker::app {
namespace {

constexpr std::chrono::seconds kStopPatience{5};

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0) return "localhost";
  return name;
}

// Tells the main thread that the node is ready.
constexpr int kReady = SIGUSR1;

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kReady);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// True if a signal to stop has come that nobody has taken yet. From any thread.
bool is_stop_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

/// A thread for each task that may take hours.
unsigned background_threads(const config::BrokerConfig& config) {
  int cleaners = config.boolean("log.cleaner.enable") ? config.integer("log.cleaner.threads") : 0;
  int scrubbers = config.long_integer("longhaul.scrub.bytes.per.second") > 0 ? 1 : 0;
  return static_cast<unsigned>(cleaners + scrubbers);
}

/// Lets background work wait, until it is to stop.
class Patience {
 public:
  /// False once `end` was called.
  bool wait(std::chrono::microseconds time) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, time, [this] { return end_; });
    return !end_;
  }
  void end() {
    {
      std::lock_guard lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
};

/// Threads and what else a node runs on. Loops end before the node is destroyed.
struct Machine {
  Machine(const config::BrokerConfig& config, base::LogSink& sink)
      : metadata("metadata"),
        groups("groups"),
        timers("timers"),
        workers("worker", static_cast<unsigned>(config.integer("num.io.threads"))),
        background("background", background_threads(config)),
        frames(net::request_memory_bytes(config)),
        connections(std::chrono::milliseconds(
            std::max(config.integer("controller.quorum.request.timeout.ms"), 1))),
        fetchers(static_cast<size_t>(config.integer("num.replica.fetchers")),
                 std::chrono::milliseconds(config.integer("replica.socket.timeout.ms"))),
        log(sink) {
    for (int i = 0; i < config.integer("num.network.threads"); ++i) {
      reactors.push_back(std::make_unique<net::Reactor>("reactor-" + std::to_string(i)));
    }
  }

  NodeEnvironment environment(std::function<void(const base::Error&)> on_fatal) {
    return {.files = files,
            .clock = clock,
            .random = random,
            .log = log,
            .metadata_loop = metadata,
            .groups_loop = groups,
            .timers = timers,
            .workers = workers,
            .on_fatal = std::move(on_fatal),
            .background = &background,
            .pause = [this](auto time) { return patience.wait(time); },
            .connect_quorum = [this](const auto& at) { return connections.to_quorum(at); },
            .connect_controller = [this](const auto& at) { return connections.to_controller(at); },
            .probe = [this](const auto& at, auto done) { connections.probe(at, std::move(done)); },
            .fetcher_loops = fetchers.loops(),
            .connect_leader = [this](const auto& at,
                                     size_t lane) { return fetchers.connect(at, lane); }};
  }

  std::unique_ptr<net::Server> make_server(const net::ServerOptions& options,
                                           net::RequestHandler& handler) {
    std::vector<net::Reactor*> all;
    for (const auto& reactor : reactors) all.push_back(reactor.get());
    return std::make_unique<net::Server>(options,
                                         net::ServerContext{.pool = frames,
                                                            .reactors = std::move(all),
                                                            .handler = handler,
                                                            .workers = workers,
                                                            .clock = clock,
                                                            .log = base::Logger(log, "net")});
  }

  void show(metrics::Endpoint& endpoint) {
    endpoint.watch("the metadata loop", metadata);
    endpoint.watch("the group coordinator's loop", groups);
    endpoint.watch("the timers' loop", timers);
    std::vector<const net::Reactor*> all;
    for (size_t i = 0; i < reactors.size(); ++i) {
      endpoint.watch("reactor " + std::to_string(i), *reactors[i]);
      all.push_back(reactors[i].get());
    }
    metrics::Exposition& exposition = endpoint.exposition();
    exposition.add(std::make_unique<metrics::ReactorMetrics>(std::move(all), frames));
    exposition.add(std::make_unique<metrics::ProcessMetrics>(clock));
  }

  void stop() {
    patience.end();
    background.stop();
    for (const auto& reactor : reactors) reactor->stop();
    timers.stop();
    groups.stop();
    metadata.stop();
    connections.close();
    fetchers.stop();
    workers.stop();
  }

  base::PosixFileSystem files;
  base::SystemClock clock;
  base::SystemRandom random;
  base::ThreadLoop metadata;
  base::ThreadLoop groups;
  base::ThreadLoop timers;
  base::WorkerPool workers;
  Patience patience;
  base::WorkerPool background;
  net::FramePool frames;
  std::vector<std::unique_ptr<net::Reactor>> reactors;
  Connections connections;  // of the metadata loop
  FetcherLanes fetchers;
  base::LogSink& log;
};

/// What a broker is at; told by /readyz.
enum class Phase { kRecovering, kJoining, kServing, kStopping };

/// A broker as a process: a node, sockets for it, and the machine below both.
class Broker {
 public:
  Broker(const config::BrokerConfig& config, base::LogSink& sink)
      : config_(config), machine_(config, sink), log_(sink, "broker") {}
  ~Broker() {
    endpoint_.reset();
    machine_.stop();  // before the server and the node go
  }

  base::Result<void> open();
  /// Until a signal or a failure ends it.
  base::Result<void> serve(const sigset_t& signals);

 private:
  base::Result<void> open_endpoint();
  std::string not_ready() const;
  net::RequestHandler& handler();
  void begin_to_answer();
  /// From any thread: the broker stops.
  void fail(const base::Error& error);
  std::optional<base::Error> failure();
  void resign();
  base::Result<void> stop();

  const config::BrokerConfig& config_;
  Machine machine_;
  base::Logger log_;
  pthread_t main_thread_ = pthread_self();
  std::mutex failure_mutex_;
  std::optional<base::Error> failure_;  // the first, of whichever thread
  std::atomic<Phase> phase_{Phase::kRecovering};
  std::unique_ptr<metrics::RequestStats> request_stats_;  // replies that the node holds use it
  std::unique_ptr<metrics::CountingHandler> counting_;    // likewise
  std::unique_ptr<Node> node_;
  std::unique_ptr<net::Server> server_;
  std::vector<config::Listener> advertised_;
  std::unique_ptr<net::Reactor> endpoint_reactor_;
  std::unique_ptr<metrics::Endpoint> endpoint_;
};

/// Before the node, so that it answers while logs are recovered.
base::Result<void> Broker::open_endpoint() {
  constexpr const char* kOption = "longhaul.metrics.listener";
  auto where = config_.maybe_string(kOption);
  if (!where) return {};
  auto address = config::parse_host_port(*where);
  if (!address) return base::fail_in(kOption, std::move(address.error()));
  endpoint_reactor_ = std::make_unique<net::Reactor>("metrics");
  endpoint_ = std::make_unique<metrics::Endpoint>(
      metrics::Endpoint::Context{.reactor = *endpoint_reactor_,
                                 .workers = machine_.workers,
                                 .clock = machine_.clock,
                                 .log = base::Logger(machine_.log, "metrics"),
                                 .not_ready = [this] { return not_ready(); }});
  machine_.show(*endpoint_);
  endpoint_->exposition().add(std::make_unique<metrics::NodeMetrics>(
      config_.node_id, LONGHAUL_VERSION, [this] { return not_ready().empty(); }));
  if (auto started = endpoint_->start(*address); !started) {
    return base::fail_in(kOption, std::move(started.error()));
  }
  log_.info("metrics and health at {}", *where);
  return {};
}

std::string Broker::not_ready() const {
  switch (phase_.load()) {
    case Phase::kRecovering:
      return "recovering logs";
    case Phase::kJoining:
      return "joining the cluster";
    case Phase::kServing:
      return node_->is_ready() ? "" : "the broker is fenced";
    case Phase::kStopping:
      break;
  }
  return "stopping";
}

/// The node's, counted if there is somebody to tell.
net::RequestHandler& Broker::handler() {
  if (!endpoint_) return node_->handler();
  std::vector<const base::EventLoop*> loops;
  for (const auto& reactor : machine_.reactors) loops.push_back(reactor.get());
  request_stats_ = std::make_unique<metrics::RequestStats>(std::move(loops));
  counting_ =
      std::make_unique<metrics::CountingHandler>(node_->handler(), *request_stats_, machine_.clock);
  endpoint_->exposition().add(std::make_unique<metrics::RequestMetrics>(*request_stats_));
  return *counting_;
}

void Broker::fail(const base::Error& error) {
  {
    std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = error;
  }
  pthread_kill(main_thread_, SIGTERM);
}

std::optional<base::Error> Broker::failure() {
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

base::Result<void> Broker::open() {
  LH_TRY(open_endpoint());
  NodeEnvironment environment =
      machine_.environment([this](const base::Error& error) { fail(error); });
  auto threads = static_cast<size_t>(config_.integer("num.recovery.threads.per.data.dir"));
  base::WorkerPool recovery("recovery", static_cast<unsigned>(threads * config_.log_dirs.size()));
  environment.recovery = &recovery;
  environment.cancelled = is_stop_pending;
  auto opened = Node::open(config_, std::move(environment));
  if (!opened) return tl::unexpected(std::move(opened.error()));
  node_ = std::move(*opened);
  LH_ASSIGN(auto options, net::server_options(node_->config()));
  server_ = machine_.make_server(options, handler());
  LH_TRY(server_->bind(node_->config()));
  if (endpoint_) {
    endpoint_->exposition().add(std::make_unique<metrics::ConnectionMetrics>(*server_));
    endpoint_->exposition().add(std::make_unique<metrics::LogMetrics>(node_->logs()));
    endpoint_->exposition().add(
        std::make_unique<metrics::CleanerMetrics>(node_->logs(), node_->cleaner()));
    endpoint_->exposition().add(std::make_unique<metrics::ScrubMetrics>(node_->scrubber()));
  }
  return {};
}

void Broker::begin_to_answer() {
  server_->start();
  phase_ = Phase::kServing;
  for (const config::Listener& listener : advertised_) {
    log_.info("ready: {}", config::to_string(listener));
  }
}

base::Result<void> Broker::serve(const sigset_t& signals) {
  phase_ = Phase::kJoining;
  advertised_ = config::advertised_at(node_->config(), host_name(), server_->bound());
  node_->start(advertised_, [this] { pthread_kill(main_thread_, kReady); });
  server_->start_controllers();  // what makes a quorum of them
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == kReady) {
    if (node_->is_ready() && phase_ != Phase::kServing) begin_to_answer();
  }
  log_.info("stopping on {}", failure() ? "a failure" : strsignal(signal));
  return stop();
}

/// While clients are still answered, and told who leads now.
void Broker::resign() {
  std::promise<void> resigned;
  node_->resign([&resigned] { resigned.set_value(); });
  resigned.get_future().wait();
}

base::Result<void> Broker::stop() {
  phase_ = Phase::kStopping;
  machine_.patience.end();
  if (!failure()) resign();
  server_->stop(kStopPatience);
  std::promise<base::Result<void>> stopped;
  node_->stop([&stopped](base::Result<void> outcome) { stopped.set_value(std::move(outcome)); });
  auto outcome = stopped.get_future().get();
  if (auto failed = failure()) return tl::unexpected(std::move(*failed));
  return outcome;
}

base::Result<void> serve(const config::LoadedConfig& loaded, base::LogSink& sink) {
  sigset_t signals = awaited_signals();
  // Blocked in every thread, so that only sigwait takes them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  if (std::string few = warn_of_open_file_limit(raise_open_file_limit()); !few.empty()) {
    base::Logger(sink, "broker").warn("{}", few);
  }
  Broker broker(loaded.config, sink);
  auto opened = broker.open();
  if (!opened && opened.error().code == base::Errc::kCancelled) {
    base::Logger(sink, "broker").info("{}", opened.error().message);
    return {};
  }
  LH_TRY(std::move(opened));
  return broker.serve(signals);
}

}  // namespace

base::Result<void> run_server(const std::string& config_file) {
  auto sink = base::make_stderr_sink(base::LogLevel::kInfo);
  LH_ASSIGN(auto loaded, read_config_file(config_file));
  for (const std::string& warning : loaded.warnings) {
    base::Logger(*sink, "config").warn("{}", warning);
  }
  return serve(loaded, *sink);
}

}  // namespace longhaul::broker::app
