#include "broker/app/connections.h"

#include "client/probe.h"

namespace longhaul::broker::app {
namespace {

constexpr std::chrono::seconds kControllerTimeout{40};

client::ConnectionOptions options(std::chrono::milliseconds connect,
                                  std::chrono::milliseconds request) {
  client::ConnectionOptions options;
  options.connect_timeout = connect;
  options.request_timeout = request;
  return options;
}

}  // namespace

Connections::Open::Open(std::chrono::milliseconds quorum_timeout)
    : thread("quorum"),
      quorum(thread, options(quorum_timeout, quorum_timeout)),
      controller(thread, options(quorum_timeout, kControllerTimeout)) {}

Connections::Open& Connections::open() {
  if (!open_) open_ = std::make_unique<Open>(quorum_timeout_);
  return *open_;
}

std::shared_ptr<client::Channel> Connections::to_quorum(const client::Endpoint& endpoint) {
  return open().quorum.to(endpoint);
}

std::shared_ptr<client::Channel> Connections::to_controller(const client::Endpoint& endpoint) {
  return open().controller.to(endpoint);
}

void Connections::probe(const client::Endpoint& endpoint, base::Callback<void(bool refused)> done) {
  client::probe(open().thread, endpoint, quorum_timeout_, std::move(done));
}

LeaderConnections::Open::Open(size_t lanes, std::chrono::milliseconds timeout)
    : thread("replication") {
  for (size_t i = 0; i < lanes; ++i) {
    pools.push_back(std::make_unique<client::Pool>(thread, options(timeout, timeout)));
  }
}

std::shared_ptr<client::Channel> LeaderConnections::to(const client::Endpoint& endpoint,
                                                       size_t lane) {
  std::lock_guard lock(mutex_);
  if (!open_) open_ = std::make_unique<Open>(lanes_, timeout_);
  return open_->pools[lane]->to(endpoint);
}

void LeaderConnections::close() {
  std::lock_guard lock(mutex_);
  open_.reset();
}

}  // namespace longhaul::broker::app
