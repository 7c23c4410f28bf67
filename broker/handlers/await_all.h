// A request some of whose parts complete later, on other threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/executor.h"
#include "base/task.h"
#include "broker/partition/waiters.h"
#include "protocol/error_code.h"

namespace longhaul::broker::handlers {

/// Calls `begin` for each of `parts`, with what is to be called when that part is done, once and
/// from any thread. When all are, or after `timeout`, `done` gets the outcome of each on `loop`:
/// REQUEST_TIMED_OUT where there was none. On the loop; at least one part; `timeout` below 0 is 0.
void await_all(base::EventLoop& loop, std::chrono::milliseconds timeout, size_t parts,
               const std::function<void(size_t part, partition::CommitCallback)>& begin,
               base::Callback<void(std::vector<protocol::ErrorCode>)> done);

}  // namespace longhaul::broker::handlers
