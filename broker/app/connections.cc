#include "broker/app/connections.h"

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

}  // namespace longhaul::broker::app
