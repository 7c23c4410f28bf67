#include "cli/supervisor.h"

#include <algorithm>
#include <future>

namespace longhaul::cli {
namespace {

constexpr int kLongestWaitSeconds = 10;

}  // namespace

Supervisor::Supervisor(std::string name, local::Command command, base::Logger log)
    : name_(std::move(name)), command_(std::move(command)), log_(log) {}

Supervisor::~Supervisor() {
  std::promise<void> cleared;
  loop_.post([&] {
    stopping_ = true;
    process_.reset();
    cleared.set_value();
  });
  cleared.get_future().wait();
  loop_.stop();
}

base::Result<void> Supervisor::start() {
  // The process belongs to the loop's thread: it must be started there.
  std::promise<base::Result<void>> started;
  loop_.post([&] { started.set_value(start_process()); });
  return started.get_future().get();
}

base::Result<void> Supervisor::start_process() {
  auto process = local::Process::start(
      command_, [this](local::Exit exit) { loop_.post([this, exit] { on_exit(exit); }); });
  if (!process) return tl::unexpected(process.error());
  process_ = std::move(*process);
  return {};
}

void Supervisor::on_exit(local::Exit exit) {
  process_.reset();
  if (stopping_) {
    if (on_gone_) std::exchange(on_gone_, {})();
    return;
  }
  int wait = std::min(++failures_, kLongestWaitSeconds);
  log_.warn("{} ended with code {}, starting it again in {} s; its output is in {}", name_,
            exit.code, wait, command_.log_file);
  loop_.after(std::chrono::seconds(wait), [this] {
    if (stopping_) return;
    if (auto started = start_process(); !started) log_.error("{}", started.error().message);
  });
}

void Supervisor::stop(std::chrono::milliseconds grace) {
  std::promise<void> gone;
  loop_.post([&] {
    stopping_ = true;
    if (!process_) return gone.set_value();
    on_gone_ = [&gone] { gone.set_value(); };
    process_->terminate();
    loop_.after(grace, [this] {
      if (process_) process_->kill_all();
    });
  });
  gone.get_future().wait();
}

}  // namespace longhaul::cli
