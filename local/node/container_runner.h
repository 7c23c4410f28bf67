// One container of a pod: started, probed, restarted, stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "local/node/node_context.h"

namespace longhaul::local {

/// Lives on the node's loop, as do all calls.
class ContainerRunner : public std::enable_shared_from_this<ContainerRunner> {
 public:
  /// What a pod wants to know: the status changed, or something worth an Event happened.
  struct Observer {
    std::function<void()> changed;
    std::function<void(const char* type, const char* reason, const std::string& message)> event;
  };

  ContainerRunner(NodeContext& node, ContainerPlan plan, const PodPlan& pod, int restarts,
                  Observer observer);
  ~ContainerRunner();

  void start();
  /// Asks it to end, kills it after `grace`. It is not started again.
  void stop(std::chrono::milliseconds grace);
  /// Nothing runs and nothing will.
  bool ended() const;
  bool running() const { return process_ != nullptr; }
  bool ready() const { return running() && ready_; }
  /// How it ended, if it ended for good.
  int exit_code() const { return exit_code_; }
  /// corev1.ContainerStatus.
  Json status() const;

 private:
  struct ProbeState {
    Probe probe;
    int successes = 0, failures = 0;
    base::TimerId timer = 0;
    /// A process may be up long before the first period is over: until then it is tried again after
    /// this time, doubled each time, and what fails does not count.
    std::chrono::milliseconds pause{50};
  };

  void on_exit(uint64_t life, Exit exit);
  void end_life();
  void start_again();
  void begin_probing();
  void schedule(const std::string& name, std::chrono::milliseconds delay);
  void attempt(const std::string& name);
  void on_attempt(const std::string& name, const base::Result<void>& result);
  void on_failures(const std::string& name, const std::string& why);
  void terminate(std::chrono::milliseconds grace);

  NodeContext& node_;
  const ContainerPlan plan_;
  const std::chrono::milliseconds grace_;
  const std::string restart_policy_;
  const Observer observer_;

  std::unique_ptr<Process> process_;
  uint64_t life_ = 0;  // counts starts, so that what belongs to an earlier one is dropped
  std::map<std::string, ProbeState> probes_;
  bool started_ = false, ready_ = false, stopping_ = false, done_ = false;
  int restarts_;
  int failures_in_row_ = 0;
  int exit_code_ = 0;
  base::TimerId restart_timer_ = 0, kill_timer_ = 0;
  base::Clock::Monotonic started_at_{0};
  std::string started_time_;
  // JSON stays behind pointers in headers.
  std::shared_ptr<const Json> state_, last_state_;
};

}  // namespace longhaul::local
