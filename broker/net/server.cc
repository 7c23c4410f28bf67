#include "broker/net/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "broker/net/acceptor.h"
#include "broker/net/shard.h"

namespace longhaul::broker::net {
namespace {

/// Runs `task` on `reactor` and waits until that is done (or the reactor has stopped).
void run_on(Reactor& reactor, std::function<void()> task) {
  std::promise<void> done;
  std::future<void> waited = done.get_future();
  reactor.post([task = std::move(task), done = std::move(done)]() mutable {
    task();
    done.set_value();
  });
  waited.wait();
}

}  // namespace

base::Result<ServerOptions> server_options(const config::BrokerConfig& config) {
  ServerOptions options;
  options.session.frame_bytes = static_cast<size_t>(config.integer("socket.request.max.bytes"));
  options.socket.send_buffer = config.integer("socket.send.buffer.bytes");
  options.socket.receive_buffer = config.integer("socket.receive.buffer.bytes");
  options.socket.backlog = config.integer("socket.listen.backlog.size");
  options.admission.total = static_cast<uint64_t>(config.integer("max.connections"));
  options.admission.per_host = static_cast<uint64_t>(config.integer("max.connections.per.ip"));
  LH_ASSIGN(options.admission.per_host_overrides,
            parse_host_overrides(config.string("max.connections.per.ip.overrides")));
  options.idle = std::chrono::milliseconds(config.long_integer("connections.max.idle.ms"));
  return options;
}

uint64_t request_memory_bytes(const config::BrokerConfig& config) {
  int64_t queued = config.long_integer("queued.max.request.bytes");
  return static_cast<uint64_t>(queued > 0 ? queued
                                          : config.long_integer("longhaul.request.memory.bytes"));
}

class Server::Impl {
 public:
  Impl(ServerOptions options, ServerContext context)
      : options_(std::move(options)), context_(std::move(context)), admission_(options_.admission) {
    LH_ASSERT(!context_.reactors.empty(), "a server needs a reactor");
    for (Reactor* reactor : context_.reactors) {
      shards_.push_back(std::make_unique<Shard>(
          *reactor, Shard::Options{options_.session, options_.idle, options_.stalled},
          SessionContext{options_.session, context_.pool, context_.handler, *reactor,
                         context_.clock},
          context_.workers, context_.log,
          [this](const ConnectionInfo& connection) { left(connection); }));
    }
  }

  base::Result<void> bind(const config::BrokerConfig& config) {
    std::vector<Bound> bound;
    for (const config::Listener& listener : config.listeners) {
      if (listener.protocol != config::SecurityProtocol::kPlaintext) {
        return base::fail(
            base::Errc::kUnsupported,
            fmt::format("listener {}: its protocol {} is not in this version, only PLAINTEXT is; "
                        "change it in listener.security.protocol.map",
                        config::to_string(listener), config::to_string(listener.protocol)));
      }
      LH_ASSIGN(Descriptor socket, listen_at(listener, options_.socket));
      Bound at{listener, config.is_controller_listener(listener.name), std::move(socket)};
      at.listener.port = port_of(at.socket);
      bound.push_back(std::move(at));
    }
    bound_ = std::move(bound);
    return {};
  }

  std::vector<config::Listener> bound() const {
    std::vector<config::Listener> listeners;
    for (const Bound& at : bound_) listeners.push_back(at.listener);
    return listeners;
  }

  void start_controllers() {
    if (!std::exchange(controllers_started_, true)) start(true);
  }
  void start() {
    start_controllers();
    start(false);
  }

  void stop(std::chrono::milliseconds patience) {
    if (std::exchange(stopped_, true)) return;
    run_on(accepting(), [this] {
      for (auto& acceptor : acceptors_) acceptor->stop();
      acceptors_.clear();
    });
    for (auto& shard : shards_) run_on(shard->reactor(), [&] { shard->drain(); });
    {
      std::unique_lock lock(mutex_);
      empty_.wait_for(lock, patience, [this] { return admission_.count() == 0; });
    }
    for (auto& shard : shards_) run_on(shard->reactor(), [&] { shard->close_all(); });
    run_on(accepting(), [] {});  // what the last ones to leave have posted there is done
  }

  ServerStats stats() const {
    return {admission_.count(), accepted_.load(std::memory_order_relaxed),
            refused_.load(std::memory_order_relaxed)};
  }

 private:
  struct Bound {
    config::Listener listener;
    bool of_controller = false;
    Descriptor socket;
  };

  /// Listeners of controllers, or all others.
  void start(bool of_controllers) {
    if (!std::exchange(sweeping_, true)) {
      for (std::unique_ptr<Shard>& shard : shards_)
        run_on(shard->reactor(), [&] { shard->start_sweeping(); });
    }
    std::vector<std::shared_ptr<Acceptor>> begun;
    for (Bound& at : bound_) {
      if (at.of_controller != of_controllers) continue;
      Acceptor::Callbacks callbacks;
      callbacks.take = [this, &at](Accepted accepted) { take(at, std::move(accepted)); };
      callbacks.refused = [this] { refused_.fetch_add(1, std::memory_order_relaxed); };
      begun.push_back(std::make_shared<Acceptor>(accepting(), std::move(at.socket), options_.socket,
                                                 admission_, context_.log, std::move(callbacks)));
    }
    run_on(accepting(), [&] {
      for (auto& acceptor : begun) {
        acceptor->start();
        acceptors_.push_back(std::move(acceptor));
      }
    });
  }

  Reactor& accepting() { return *context_.reactors.front(); }

  /// On the accepting reactor: gives the connection to the shard that has the fewest.
  void take(const Bound& at, Accepted accepted) {
    auto info = std::make_shared<ConnectionInfo>();
    info->id = accepted_.fetch_add(1, std::memory_order_relaxed) + 1;
    info->listener = at.listener.name;
    info->controller_listener = at.of_controller;
    info->client_host = std::move(accepted.peer.host);
    info->client_port = accepted.peer.port;
    Shard& shard = **std::min_element(shards_.begin(), shards_.end(),
                                      [](auto& a, auto& b) { return a->count() < b->count(); });
    shard.expect_one();
    auto give = [&shard, info = std::move(info), socket = std::move(accepted.socket)]() mutable {
      shard.add(std::move(socket), std::move(info));
    };
    if (&shard.reactor() == &accepting()) {
      give();
    } else {
      shard.reactor().post(std::move(give));
    }
  }

  /// On the connection's reactor.
  void left(const ConnectionInfo& connection) {
    admission_.leave(connection.client_host);
    {
      std::lock_guard lock(mutex_);
      if (admission_.count() == 0) empty_.notify_all();
    }
    accepting().post([this] {
      for (auto& acceptor : acceptors_) acceptor->resume();
    });
  }

  ServerOptions options_;
  ServerContext context_;
  Admission admission_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Bound> bound_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;  // of the accepting reactor once started
  std::atomic<uint64_t> accepted_{0}, refused_{0};
  bool sweeping_ = false;
  bool controllers_started_ = false;
  bool stopped_ = false;

  std::mutex mutex_;
  std::condition_variable empty_;  // no connection is left
};

Server::Server(ServerOptions options, ServerContext context)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(context))) {}
Server::~Server() { stop(std::chrono::milliseconds(0)); }
base::Result<void> Server::bind(const config::BrokerConfig& config) { return impl_->bind(config); }
std::vector<config::Listener> Server::bound() const { return impl_->bound(); }
void Server::start_controllers() { impl_->start_controllers(); }
void Server::start() { impl_->start(); }
void Server::stop(std::chrono::milliseconds patience) { impl_->stop(patience); }
ServerStats Server::stats() const { return impl_->stats(); }

}  // namespace longhaul::broker::net
