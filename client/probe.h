// Whether anybody listens at an address.
#pragma once

#include <chrono>

#include "base/task.h"
#include "client/endpoint.h"
#include "client/io_thread.h"

namespace longhaul::client {

/// Tries to connect, for `timeout` at most. `refused`: each address of that name answers that
/// nobody listens there. Silence, or an error on the way, is no refusal. `done` runs once, on the
/// thread.
void probe(IoThread& thread, const Endpoint& endpoint, std::chrono::milliseconds timeout,
           base::Callback<void(bool refused)> done);

}  // namespace longhaul::client
