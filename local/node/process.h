// Child processes that never outlive us.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace longhaul::local {

struct Command {
  std::vector<std::string> arguments;    // [0] is the program's path
  std::vector<std::string> environment;  // "NAME=value", nothing is inherited
  std::string directory;                 // to start in
  std::string log_file;                  // standard output and error are added to it; "" drops them
  uint64_t log_limit = 10 << 20;         // bytes; then it becomes log_file.1 and begins anew
};

/// How a process ended.
struct Exit {
  int code = 0;           // 128 + signal if a signal ended it
  int signal = 0;         // 0 if none did
  std::string last_line;  // of its output; of a long one, the end
};

/// A process in a process group of its own. The kernel kills it when the thread that called
/// `start` ends, so that thread must live as long as the process should. Thread-safe.
class Process {
 public:
  /// `on_exit` is called once, on a thread of the process's own, after the process has ended and
  /// all of its group was killed. kNotFound, kPermission if the program cannot be run.
  static base::Result<std::unique_ptr<Process>> start(const Command& command,
                                                      base::Callback<void(Exit)> on_exit);
  /// Kills what still runs and waits for it; `on_exit` is not called any more once this returns.
  ~Process();

  pid_t id() const { return pid_; }
  /// Asks the process itself to end (SIGTERM). Nothing happens after its end.
  void terminate();
  /// Ends it and its children at once.
  void kill_all();

 private:
  Process() = default;
  void supervise(int output, int pid_descriptor, Command command,
                 base::Callback<void(Exit)> on_exit);
  void send(pid_t to, int signal);

  pid_t pid_ = -1;
  std::mutex mutex_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace longhaul::local
