#include "broker/net/shard.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace longhaul::broker::net {
namespace {

constexpr size_t kScratchBytes = 64 * 1024;

}  // namespace

Shard::Shard(Reactor& reactor, const Options& options, SessionContext session,
             base::Executor& workers, base::Logger log,
             std::function<void(const ConnectionInfo&)> left)
    : options_(options),
      context_(std::make_shared<ConnectionContext>(ConnectionContext{
          reactor, session, workers, *this, log, std::vector<uint8_t>(kScratchBytes)})),
      left_(std::move(left)) {}

void Shard::add(Descriptor socket, std::shared_ptr<ConnectionInfo> info) {
  auto connection = std::make_shared<Connection>(context_, std::move(socket), std::move(info));
  connections_.emplace(connection.get(), connection);
  connection->start();
  if (draining_) connection->drain();
}

void Shard::closed(Connection& connection) {
  auto found = connections_.find(&connection);
  std::shared_ptr<Connection> alive = std::move(found->second);
  connections_.erase(found);
  count_.fetch_sub(1, std::memory_order_relaxed);
  left_(connection.info());
}

void Shard::start_sweeping() {
  std::chrono::milliseconds shortest = options_.stalled;
  if (options_.idle.count() > 0) shortest = std::min(shortest, options_.idle);
  auto interval = std::clamp<std::chrono::milliseconds>(shortest / 4, std::chrono::milliseconds(5),
                                                        std::chrono::seconds(5));
  sweep_timer_ = reactor().after(interval, [this] {
    sweep();
    start_sweeping();
  });
}

/// Null if the connection may stay; "" to close it without a line in the log.
const char* Shard::reason_to_close(const Connection& connection) const {
  auto still_for = reactor().now() - connection.last_active();
  if (options_.idle.count() > 0 && still_for >= options_.idle && connection.waits_for_client()) {
    return "";
  }
  bool short_of_memory = context_->session.pool.has_waiters();
  bool stuck = reactor().now() - connection.last_progress() >= options_.stalled;
  if (short_of_memory && connection.in_frame() && stuck) {
    return "it stopped in the middle of a request while others waited for memory";
  }
  return nullptr;
}

void Shard::sweep() {
  std::vector<std::pair<std::shared_ptr<Connection>, const char*>> leaving;
  for (const auto& [pointer, connection] : connections_) {
    const char* reason = reason_to_close(*connection);
    if (reason) leaving.emplace_back(connection, reason);
  }
  for (auto& [connection, reason] : leaving) connection->close(reason);
}

void Shard::drain() {
  draining_ = true;
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [pointer, connection] : connections_) all.push_back(connection);
  for (const std::shared_ptr<Connection>& connection : all) connection->drain();
}

void Shard::close_all() {
  reactor().cancel(std::exchange(sweep_timer_, 0));
  while (!connections_.empty()) {
    std::shared_ptr<Connection> first = connections_.begin()->second;
    first->close("");
  }
}

}  // namespace longhaul::broker::net
