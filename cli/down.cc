#include <fmt/core.h>
#include <signal.h>
#include <stdio.h>

#include <chrono>
#include <thread>

#include "base/posix_file_system.h"
#include "cli/commands.h"
#include "cli/state.h"
#include "cli/up.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::chrono::seconds kPatience{180};  // brokers are given two minutes to end
constexpr std::chrono::milliseconds kLook{20};

/// The lock, once whoever holds it has ended.
Result<std::unique_ptr<base::FileLock>> wait_for_end(StateDirectory& state, pid_t pid) {
  auto limit = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto held = state.lock();
    if (held || held.error().code != Errc::kConflict) return held;
    if (std::chrono::steady_clock::now() > limit)
      return base::fail(Errc::kTimedOut,
                        fmt::format("process {} does not end; `kill -9 {}` ends it and everything "
                                    "it started, without harm to the data",
                                    pid, pid));
    std::this_thread::sleep_for(kLook);
  }
}

Result<void> down(const DownOptions& options, StateDirectory& state) {
  if (!state.is_ours()) {
    fmt::print("nothing was started in {}\n", state.path());
    return {};
  }
  auto running = state.running();
  if (!running && running.error().code != Errc::kNotFound) return tl::unexpected(running.error());
  if (running && kill(running->pid, SIGTERM) != 0)
    return base::fail(Errc::kPermission,
                      fmt::format("process {} belongs to somebody else", running->pid));
  LH_ASSIGN(auto lock, wait_for_end(state, running ? running->pid : 0));
  state.remove_running();  // a process that was killed leaves it
  fmt::print("{}\n", running ? "stopped" : "nothing was running");
  if (!options.wipe) return {};
  LH_TRY(state.wipe());
  fmt::print("wiped {}\n", state.path());
  return {};
}

}  // namespace

int run_down(const DownOptions& options) {
  base::PosixFileSystem files;
  StateDirectory state(files, options.directory);
  return report(down(options, state));
}

}  // namespace longhaul::cli
