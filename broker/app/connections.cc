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

FetcherLanes::Lane::Lane(const std::string& name, std::chrono::milliseconds timeout)
    : thread(name), pool(thread, options(timeout, timeout)) {}

FetcherLanes::FetcherLanes(size_t count, std::chrono::milliseconds timeout) {
  for (size_t i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<Lane>("fetcher-" + std::to_string(i), timeout));
  }
}

std::vector<base::EventLoop*> FetcherLanes::loops() const {
  std::vector<base::EventLoop*> loops;
  for (const auto& lane : lanes_) loops.push_back(&lane->thread);
  return loops;
}

void FetcherLanes::stop() {
  for (const auto& lane : lanes_) lane->thread.stop();
}

}  // namespace longhaul::broker::app
