// Connections by address, made when they are needed and again after they broke.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "client/connection.h"

namespace longhaul::client {

/// Safe from any thread. One connection per address; it is shared by all callers.
class Pool {
 public:
  Pool(IoThread& thread, const ConnectionOptions& options) : thread_(thread), options_(options) {}
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// An open connection, perhaps one that is still being made.
  std::shared_ptr<Channel> to(const Endpoint& endpoint);
  /// Closes connections to addresses that are no longer of interest.
  void close(const Endpoint& endpoint);

 private:
  IoThread& thread_;
  const ConnectionOptions options_;
  std::mutex mutex_;
  std::map<Endpoint, std::shared_ptr<Channel>> channels_;
};

}  // namespace longhaul::client
