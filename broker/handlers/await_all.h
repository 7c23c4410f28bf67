// A request some of whose parts complete later, on other threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "base/task.h"
#include "broker/net/request.h"
#include "broker/partition/waiters.h"
#include "protocol/error_code.h"

namespace longhaul::broker::handlers {

/// Calls `begin` for each of `parts`, with who waits for that part and is to be told when it is
/// done, once and from any thread. When all are, or after `timeout`, or once the connection is
/// closed, `done` gets the outcome of each on that one's loop: REQUEST_TIMED_OUT where there was
/// none. On the loop; at least one part; `timeout` below 0 is 0.
void await_all(base::EventLoop& loop, std::shared_ptr<net::ConnectionInfo> connection,
               std::chrono::milliseconds timeout, size_t parts,
               const std::function<void(size_t part, partition::CommitWaiter)>& begin,
               base::Callback<void(std::vector<protocol::ErrorCode>)> done);

}  // namespace longhaul::broker::handlers
