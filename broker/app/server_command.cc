#include "broker/app/server_command.h"

#include <pthread.h>
#include <unistd.h>
#include <csignal>
#include <future>
#include <optional>

#include "base/posix_file_system.h"
#include "base/thread_loop.h"
#include "broker/app/format_command.h"
#include "broker/app/node.h"
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

/// Threads and what else a node runs on. Loops end before the node is destroyed.
struct Machine {
  Machine(const config::BrokerConfig& config, base::LogSink& sink)
      : metadata("metadata"),
        groups("groups"),
        timers("timers"),
        workers("worker", static_cast<unsigned>(config.integer("num.io.threads"))),
        frames(net::request_memory_bytes(config)),
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
            .on_fatal = std::move(on_fatal)};
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

  void stop() {
    for (const auto& reactor : reactors) reactor->stop();
    timers.stop();
    groups.stop();
    metadata.stop();
    workers.stop();
  }

  base::PosixFileSystem files;
  base::SystemClock clock;
  base::SystemRandom random;
  base::ThreadLoop metadata;
  base::ThreadLoop groups;
  base::ThreadLoop timers;
  base::WorkerPool workers;
  net::FramePool frames;
  std::vector<std::unique_ptr<net::Reactor>> reactors;
  base::LogSink& log;
};

base::Result<void> stop_node(Node& node) {
  std::promise<base::Result<void>> stopped;
  node.stop([&stopped](base::Result<void> outcome) { stopped.set_value(std::move(outcome)); });
  return stopped.get_future().get();
}

base::Result<void> serve(const config::LoadedConfig& loaded, base::LogSink& sink) {
  base::Logger log(sink, "broker");
  sigset_t signals = awaited_signals();
  // Blocked in every thread, so that only sigwait below takes them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Machine machine(loaded.config, sink);
  std::optional<base::Error> fatal;  // written before the signal that makes us look
  pthread_t main_thread = pthread_self();
  auto opened = Node::open(loaded.config, machine.environment([&](const base::Error& error) {
    if (!fatal) fatal = error;
    pthread_kill(main_thread, SIGTERM);
  }));
  if (!opened) {
    machine.stop();
    return tl::unexpected(std::move(opened.error()));
  }
  Node& node = **opened;
  LH_ASSIGN(auto options, net::server_options(node.config()));
  auto server = machine.make_server(options, node.handler());
  if (auto bound = server->bind(node.config()); !bound) {
    machine.stop();
    return bound;
  }
  bool serving = false;
  auto advertised = config::advertised_at(node.config(), host_name(), server->bound());
  node.start(advertised, [main_thread] { pthread_kill(main_thread, kReady); });
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == kReady) {
    if (!node.is_ready() || serving) continue;
    serving = true;
    server->start();
    for (const config::Listener& listener : advertised) {
      log.info("ready: {}", config::to_string(listener));
    }
  }
  log.info("stopping on {}", fatal ? "a failure" : strsignal(signal));
  server->stop(kStopPatience);
  auto stopped = stop_node(node);
  machine.stop();
  server.reset();
  if (fatal) return tl::unexpected(*fatal);
  return stopped;
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
