#include "cli/up.h"

#include <fmt/core.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/posix_file_system.h"
#include "cli/commands.h"
#include "cli/detach.h"
#include "cli/embedded.h"
#include "cli/kubernetes.h"
#include "cli/loopback.h"
#include "cli/readiness.h"
#include "cli/state.h"
#include "cli/supervisor.h"
#include "local/api/text.h"
#include "local/region.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::chrono::seconds kOperatorGrace{10};
constexpr const char* kManager = "longhaul-up";

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(format, std::forward<Args>(args)...);
  fmt::print("\n");
  fflush(stdout);
}

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

/// True if one of the blocked signals came within the time.
bool signalled(std::chrono::milliseconds wait) {
  sigset_t set = end_signals();
  timespec time{wait.count() / 1000, wait.count() % 1000 * 1'000'000};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) return base::fail(Errc::kNotFound, "cannot read " + path);
  return text.str();
}

/// One run of `longhaul up`.
class Up {
 public:
  Up(const UpOptions& options, StateDirectory& state, base::PosixFileSystem& files)
      : options_(options), state_(state), files_(files) {}

  Result<void> run(const ReadySignal& on_ready) {
    auto begun = begin();
    if (begun) begun = serve(on_ready);
    if (region_) stop();
    return begun;
  }

 private:
  Result<void> begin() {
    LH_ASSIGN(lock_, state_.lock());
    LH_TRY(find_programs());
    // Before anything is written: a mistake in it must not leave half a cluster.
    LH_ASSIGN(std::vector<local::Json> example, load_example());
    LH_TRY(start_region());
    LH_TRY(apply_definitions());
    LH_TRY(region_->start_node());
    LH_TRY(start_operator());
    LH_TRY(apply_example(std::move(example)));
    return state_.write_running({getpid(), region_->url(), region_->kubeconfig()});
  }

  /// Until a signal comes; in the background also until it is clear that nothing gets ready.
  Result<void> serve(const ReadySignal& on_ready) {
    bool interrupted = false;
    auto ready = wait_until_ready(interrupted);
    if (interrupted) return {};
    if (ready) {
      print_summary();
      if (on_ready) on_ready();
    } else if (on_ready) {
      return ready;
    } else {
      fmt::print(stderr, "longhaul: {}\n", ready.error().message);
      say("Everything goes on running; Ctrl-C stops it.");
    }
    while (!signalled(std::chrono::hours(1))) {
    }
    return {};
  }

  Result<void> find_programs() {
    std::error_code error;
    programs_ = options_.programs;
    if (programs_.empty())
      programs_ = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
    programs_ = std::filesystem::absolute(programs_).string();
    for (const char* name : {"longhaul-operator", "longhaul-broker"})
      if (access((programs_ + "/" + name).c_str(), X_OK) != 0)
        return base::fail(Errc::kNotFound,
                          fmt::format("there is no program {}/{}; say where it is with --programs",
                                      programs_, name));
    return {};
  }

  Result<std::vector<local::Json>> load_example() {
    if (options_.no_example) return std::vector<local::Json>{};
    if (options_.example.empty()) {
      if (state_.had_example()) return std::vector<local::Json>{};
      return local::parse_yaml(embedded_example());
    }
    LH_ASSIGN(std::string text, read_text(options_.example));
    auto documents = local::parse_yaml(text);
    if (!documents) return base::fail_in(options_.example, documents.error());
    return documents;
  }

  Result<void> start_region() {
    local::RegionOptions options;
    options.directory = state_.region_directory();
    options.addresses = options_.addresses.empty() ? state_.addresses() : options_.addresses;
    if (options.addresses.empty()) options.addresses = free_loopback_base();
    options.images = {{"longhaul", programs_}};
    options.port = options_.port ? options_.port : state_.last_port();
    auto region = local::Region::start(files_, clock_, random_, log_, options);
    if (!region && region.error().code == Errc::kAlreadyExists && options_.port == 0) {
      options.port = 0;  // somebody took the port of the last time
      region = local::Region::start(files_, clock_, random_, log_, options);
    }
    if (!region && region.error().code == Errc::kAlreadyExists)
      region.error().message += "; choose another --port, or none";
    LH_ASSIGN(region_, std::move(region));
    state_.remember_port(region_->port());
    state_.remember_addresses(options.addresses);
    return {};
  }

  Result<void> apply(local::Json object) {
    std::string what = op::kube::kind_of(object) + " " + op::kube::name_of(object);
    auto applied = region_->api().apply_object(std::move(object), kManager);
    if (!applied) return base::fail(Errc::kInvalidArgument, what + ": " + applied.error().message);
    return {};
  }

  Result<void> apply_definitions() {
    for (std::string_view text : embedded_definitions()) {
      LH_ASSIGN(std::vector<local::Json> documents, local::parse_yaml(text));
      for (local::Json& document : documents) LH_TRY(apply(std::move(document)));
    }
    return {};
  }

  Result<void> apply_example(std::vector<local::Json> documents) {
    for (local::Json& document : documents) LH_TRY(apply(std::move(document)));
    applied_example_ = !documents.empty();
    if (applied_example_) state_.remember_example();
    return {};
  }

  Result<void> start_operator() {
    local::Command command;
    command.arguments = {programs_ + "/longhaul-operator",
                         "--kubeconfig",
                         region_->kubeconfig(),
                         "--advertise",
                         "pod-ip",
                         "--metrics-address",
                         "127.0.0.1:0",
                         "--no-leader-elect"};
    command.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + state_.path()};
    command.directory = state_.path();
    command.log_file = state_.operator_log();
    operator_ = std::make_unique<Supervisor>("longhaul-operator", std::move(command), log_);
    return operator_->start();
  }

  Result<void> wait_until_ready(bool& interrupted) {
    auto limit = clock_.monotonic() + std::chrono::seconds(options_.timeout_seconds);
    std::string said;
    std::set<std::string> told;
    while (true) {
      Readiness now = check_readiness(region_->api());
      if (now.ready) return accept(now.blocked);
      if (now.waiting_for != said) say("waiting for {}", said = now.waiting_for);
      for (const std::string& trouble : now.troubles)
        if (told.insert(trouble).second) say("  {}", trouble);
      if (clock_.monotonic() > limit) {
        std::string why = fmt::format("not ready after {} s: {}", options_.timeout_seconds, said);
        for (const std::string& trouble : now.troubles) why += "\n  " + trouble;
        if (!now.troubles.empty())
          why += "\n  (an address that is in use: --addresses 127.78.0.0 chooses others)";
        why += "\n  logs: " + state_.operator_log() + ", " + state_.region_directory() + "/logs/";
        return base::fail(Errc::kTimedOut, std::move(why));
      }
      interrupted = signalled(std::chrono::milliseconds(50));
      if (interrupted) return {};
    }
  }

  /// What is blocked from an earlier run must not keep a person from mending it here; what this
  /// run was told to apply must become ready.
  Result<void> accept(const std::vector<std::string>& blocked) {
    if (blocked.empty()) return {};
    std::string why = "not ready until it is changed:";
    for (const std::string& each : blocked) why += "\n  " + each;
    if (applied_example_) return base::fail(Errc::kInvalidArgument, std::move(why));
    fmt::print(stderr, "longhaul: {}\n", why);
    return {};
  }

  void print_summary() {
    auto kind = region_->api().kind("", "v1", "pods");
    std::vector<op::kube::Json> pods;
    for (const local::ObjectPtr& pod : region_->api().list({*kind}).objects) pods.push_back(*pod);
    std::string first, topic = "hello";
    auto topics = region_->api().kind("longhaul.dev", "v1alpha1", "kafkatopics");
    for (const local::ObjectPtr& one : region_->api().list({*topics}).objects)
      topic = op::kube::string_at(*one, {"status", "topicName"}, op::kube::name_of(*one));
    say("");
    for (const BootstrapAddress& one : bootstrap_addresses(pods)) {
      say("bootstrap {} {}", one.region, one.addresses);
      if (first.empty()) first = one.addresses;
    }
    say("kubeconfig {}", region_->kubeconfig());
    say("\nTry next:");
    std::string self = options_.directory == default_state_directory()
                           ? "longhaul"
                           : "longhaul --dir " + options_.directory;
    say("  {} status", self);
    if (!first.empty()) {
      say("  {} topic list", self);
      say("  echo hello | {} produce {}", self, topic);
      say("  {} consume {} --from-beginning", self, topic);
      say("  kcat -b {} -L", first);
    }
    say("  kubectl --kubeconfig {} get kafkaclusters,kafkatopics,pods", region_->kubeconfig());
    say("  {} down", self);
    if (!options_.detach) say("\nCtrl-C stops everything; the data stays.");
  }

  // The operator goes first, so that it does not mend what we take down.
  void stop() {
    // From here on a signal ends us at once, and the kernel what we started.
    sigset_t set = end_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    say("stopping{}", options_.detach ? "" : " (Ctrl-C kills)");
    if (operator_) operator_->stop(kOperatorGrace);
    region_->stop_pods();
    operator_.reset();
    region_.reset();
    state_.remove_running();
    say("stopped; the data is in {}", state_.path());
  }

  const UpOptions& options_;
  StateDirectory& state_;
  base::PosixFileSystem& files_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::unique_ptr<base::LogSink> sink_ = base::make_stderr_sink(base::LogLevel::kWarn);
  base::Logger log_{*sink_, "up"};
  std::string programs_;
  bool applied_example_ = false;
  std::unique_ptr<base::FileLock> lock_;
  std::unique_ptr<local::Region> region_;
  std::unique_ptr<Supervisor> operator_;
};

int run_in_this_process(const UpOptions& options, StateDirectory& state,
                        base::PosixFileSystem& files, const ReadySignal& on_ready) {
  // Before any thread is made, so that only this one takes them.
  sigset_t set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return report(Up(options, state, files).run(on_ready));
}

}  // namespace

int run_up(const UpOptions& options) {
  base::PosixFileSystem files;
  StateDirectory state(files, options.directory);
  if (auto made = state.create(); !made) return report(made);
  if (!options.detach) return run_in_this_process(options, state, files, nullptr);
  // Said here, where the exit code is still ours to give at once.
  if (auto free = state.lock(); !free) return report(tl::unexpected(free.error()));
  return run_detached(state.up_log(), [&](const ReadySignal& on_ready) {
    return run_in_this_process(options, state, files, on_ready);
  });
}

}  // namespace longhaul::cli
