// Going on in the background.
#pragma once

#include <functional>
#include <string>

namespace longhaul::cli {

/// What a detached process calls once it is ready: its output goes to the log from then on.
using ReadySignal = std::function<void()>;

/// Forks: the child runs `body` in a session of its own, the parent shows the child's output until
/// the child says that it is ready (exit code 0) or ends (its exit code). Call it while there is
/// one thread. Returns the exit code, in the parent and in the child.
int run_detached(const std::string& log_file, const std::function<int(const ReadySignal&)>& body);

}  // namespace longhaul::cli
