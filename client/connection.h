// A TCP connection to a broker.
#pragma once

#include <chrono>
#include <memory>

#include "client/channel.h"
#include "client/endpoint.h"
#include "client/io_thread.h"

namespace longhaul::client {

struct ConnectionOptions {
  std::chrono::milliseconds connect_timeout{10000};  // names, TCP and ApiVersions together
  /// From when a request was written; longer than any wait that a request asks the broker for.
  std::chrono::milliseconds request_timeout{40000};
  size_t largest_answer = 128u << 20;  // bytes; an answer above it breaks the connection
};

/// Connects in the background: names are resolved, each address is tried, versions are agreed on
/// (KIP-35, KIP-511). Requests that are sent meanwhile wait. The connection lives on in the
/// background while it has something to do; dropping the last reference closes it.
std::shared_ptr<Channel> connect(IoThread& thread, const Endpoint& endpoint,
                                 const ConnectionOptions& options);

}  // namespace longhaul::client
