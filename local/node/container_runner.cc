#include "local/node/container_runner.h"

#include <nlohmann/json.hpp>

namespace longhaul::local {
namespace {

std::shared_ptr<const Json> waiting(const std::string& reason, const std::string& message = {}) {
  Json state{{"reason", reason}};
  if (!message.empty()) state["message"] = message;
  return std::make_shared<Json>(Json{{"waiting", std::move(state)}});
}

}  // namespace

ContainerRunner::ContainerRunner(NodeContext& node, ContainerPlan plan, const PodPlan& pod,
                                 int restarts, Observer observer)
    : node_(node),
      plan_(std::move(plan)),
      grace_(pod.grace),
      restart_policy_(pod.restart_policy),
      observer_(std::move(observer)),
      restarts_(restarts),
      state_(waiting("ContainerCreating")),
      last_state_(std::make_shared<Json>(Json::object())) {}

ContainerRunner::~ContainerRunner() { end_life(); }

bool ContainerRunner::ended() const { return !process_ && (stopping_ || done_); }

void ContainerRunner::start() {
  uint64_t life = ++life_;
  auto process =
      Process::start(plan_.command, [&loop = node_.loop, weak = weak_from_this(), life](Exit exit) {
        loop.post([weak, life, exit] {
          if (auto self = weak.lock()) self->on_exit(life, exit);
        });
      });
  if (!process) {
    state_ = waiting("RunContainerError", process.error().message);
    observer_.event("Warning", "Failed", process.error().message);
    ++failures_in_row_;
    start_again();
    observer_.changed();
    return;
  }
  process_ = std::move(*process);
  started_at_ = node_.clock.monotonic();
  started_time_ = node_.now();
  state_ = std::make_shared<Json>(Json{{"running", {{"startedAt", started_time_}}}});
  observer_.event("Normal", "Started", "Started container " + plan_.name);
  begin_probing();
  observer_.changed();
}

void ContainerRunner::end_life() {
  node_.loop.cancel(std::exchange(kill_timer_, 0));
  node_.loop.cancel(std::exchange(restart_timer_, 0));
  for (auto& [name, state] : probes_) node_.loop.cancel(state.timer);
  probes_.clear();
  started_ = ready_ = false;
}

void ContainerRunner::on_exit(uint64_t life, Exit exit) {
  if (life != life_ || !process_) return;
  process_.reset();
  end_life();
  exit_code_ = exit.code;
  Json ended{{"exitCode", exit.code},
             {"reason", exit.code == 0 ? "Completed" : "Error"},
             {"startedAt", started_time_},
             {"finishedAt", node_.now()}};
  if (exit.signal) ended["signal"] = exit.signal;
  if (exit.code != 0) ended["message"] = exit.last_line;  // as FallbackToLogsOnError does
  auto terminated = std::make_shared<Json>(Json{{"terminated", std::move(ended)}});
  state_ = terminated;
  bool again = !stopping_ &&
               (restart_policy_ == "Always" || (restart_policy_ == "OnFailure" && exit.code != 0));
  if (again) {
    last_state_ = terminated;
    bool long_life = node_.clock.monotonic() - started_at_ > node_.options.back_off_limit;
    failures_in_row_ = long_life ? 1 : failures_in_row_ + 1;
    ++restarts_;
    std::string said = exit.last_line.empty() ? "" : ": " + exit.last_line;
    state_ = waiting("CrashLoopBackOff", "ended with code " + std::to_string(exit.code) + said +
                                             " (its output is in " + plan_.command.log_file + ")");
    observer_.event("Warning", "BackOff",
                    "Container " + plan_.name + " ended with code " + std::to_string(exit.code) +
                        " and is started again");
    start_again();
  } else {
    done_ = true;
  }
  observer_.changed();
}

void ContainerRunner::start_again() {
  std::chrono::milliseconds wait{0};
  if (failures_in_row_ > 1) {
    wait = node_.options.back_off;
    for (int i = 2; i < failures_in_row_ && wait < node_.options.back_off_limit; ++i) wait *= 2;
    wait = std::min(wait, node_.options.back_off_limit);
  }
  restart_timer_ = node_.loop.after(wait, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || self->stopping_) return;
    self->restart_timer_ = 0;
    self->start();
  });
}

void ContainerRunner::stop(std::chrono::milliseconds grace) {
  bool first = !std::exchange(stopping_, true);
  if (!process_) {
    end_life();
    if (first) observer_.changed();
    return;
  }
  if (first) observer_.event("Normal", "Killing", "Stopping container " + plan_.name);
  terminate(grace);
}

void ContainerRunner::terminate(std::chrono::milliseconds grace) {
  if (grace.count() > 0) process_->terminate();
  node_.loop.cancel(std::exchange(kill_timer_, 0));
  if (grace.count() <= 0) return process_->kill_all();
  kill_timer_ = node_.loop.after(grace, [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && self->process_) self->process_->kill_all();
  });
}

void ContainerRunner::begin_probing() {
  for (auto& [name, probe] : plan_.probes) probes_[name].probe = probe;
  if (probes_.contains("startupProbe"))
    return schedule("startupProbe", probes_["startupProbe"].probe.initial_delay);
  started_ = true;
  ready_ = !probes_.contains("readinessProbe");
  for (auto& [name, state] : probes_) schedule(name, state.probe.initial_delay);
}

void ContainerRunner::schedule(const std::string& name, std::chrono::milliseconds delay) {
  probes_[name].timer = node_.loop.after(delay, [weak = weak_from_this(), name, life = life_] {
    auto self = weak.lock();
    if (self && self->life_ == life && self->process_) self->attempt(name);
  });
}

void ContainerRunner::attempt(const std::string& name) {
  const Probe& probe = probes_[name].probe;
  node_.workers.post([&loop = node_.loop, weak = weak_from_this(), name, life = life_,
                      target = probe.target, timeout = probe.timeout] {
    base::Result<void> result = try_probe(target, timeout);
    loop.post([weak, name, life, result = std::move(result)] {
      auto self = weak.lock();
      if (self && self->life_ == life && self->process_) self->on_attempt(name, result);
    });
  });
}

void ContainerRunner::on_attempt(const std::string& name, const base::Result<void>& result) {
  auto found = probes_.find(name);
  if (found == probes_.end()) return;
  ProbeState& state = found->second;
  bool early = !result && !ready_ && name != "livenessProbe" && state.pause < state.probe.period;
  state.successes = result ? state.successes + 1 : 0;
  if (!early) state.failures = result ? 0 : state.failures + 1;
  if (name == "startupProbe" && result) {
    probes_.erase(found);
    started_ = true;
    ready_ = !probes_.contains("readinessProbe");
    for (auto& [other, waiting] : probes_) schedule(other, waiting.probe.initial_delay);
    return observer_.changed();
  }
  bool was_ready = ready_;
  if (name == "readinessProbe" && state.successes >= state.probe.success_threshold) ready_ = true;
  if (state.failures >= state.probe.failure_threshold) {
    if (name != "readinessProbe") return on_failures(name, result.error().message);
    ready_ = false;
  }
  if (ready_ != was_ready) {
    if (!ready_)
      observer_.event("Warning", "Unhealthy", name + " failed: " + result.error().message);
    observer_.changed();
  }
  schedule(name, early ? std::exchange(state.pause, state.pause * 2) : state.probe.period);
}

void ContainerRunner::on_failures(const std::string& name, const std::string& why) {
  observer_.event("Warning", "Unhealthy", name + " failed: " + why);
  observer_.event("Normal", "Killing",
                  "Container " + plan_.name + " failed its " + name + ", will be restarted");
  terminate(grace_);
}

Json ContainerRunner::status() const {
  return {{"name", plan_.name},
          {"image", plan_.image},
          {"imageID", plan_.command.arguments.front()},
          {"state", *state_},
          {"lastState", *last_state_},
          {"ready", ready()},
          {"started", running() && started_},
          {"restartCount", restarts_}};
}

}  // namespace longhaul::local
