// The thread that connections of a client live on.
#pragma once

#include <memory>
#include <string>

namespace longhaul::client {

/// Runs an event loop of sockets and timers. Connections made on it must be gone, or are broken
/// off, when it ends.
class IoThread {
 public:
  explicit IoThread(const std::string& name);  // of the thread; at most 15 characters count
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::client
