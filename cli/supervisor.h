// A program of ours that runs beside us and is started again when it ends.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/thread_loop.h"
#include "local/node/process.h"

namespace longhaul::cli {

/// Keeps one process running. The process never outlives this object.
class Supervisor {
 public:
  /// The name is for log lines, the times between starts grow from one second to ten.
  Supervisor(std::string name, local::Command command, base::Logger log);
  /// Kills it, if it was not stopped.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// The first start; errors of that alone are given back.
  base::Result<void> start();
  /// Asks it to end and kills it after `grace`; returns once it is gone.
  void stop(std::chrono::milliseconds grace);

 private:
  base::Result<void> start_process();
  void on_exit(local::Exit exit);

  const std::string name_;
  const local::Command command_;
  base::Logger log_;
  // Only tasks of the loop touch what follows.
  std::unique_ptr<local::Process> process_;
  bool stopping_ = false;
  int failures_ = 0;
  base::Callback<void()> on_gone_;
  base::ThreadLoop loop_{"supervisor"};
};

}  // namespace longhaul::cli
