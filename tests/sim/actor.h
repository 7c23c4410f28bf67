// A client of the simulation: does its work over one connection, and begins again after a crash.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "client/channel.h"
#include "tests/sim/connection.h"
#include "tests/sim/host.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Actor {
 public:
  Actor(World& world, Host& host, std::string name, const ConnectionOptions& options)
      : world_(world), host_(host), name_(std::move(name)), options_(options) {}
  virtual ~Actor() { world_.simulation.cancel_all(this); }
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  /// Connects and goes to work.
  void connect();
  /// Begins nothing more.
  void rest() { resting_ = true; }
  bool is_connected() const { return connection_ && connection_->is_open(); }
  /// Waits for answers.
  bool is_busy() const { return connection_ && connection_->pending() > 0; }
  const std::string& name() const { return name_; }

 protected:
  virtual void work() = 0;

  bool may_work() const { return !resting_ && is_connected(); }
  /// Goes on some time later, if that may still be.
  void later(Time typical, base::Task task);
  /// Fails if the connection breaks. Speaks any version from `oldest` on, as the seed has it.
  template <class Response, class Request>
  void ask(Request request, int16_t oldest,
           base::Callback<void(base::Result<client::Reply<Response>>)> done) {
    int16_t newest = protocol::find_api(Request::kApiKey)->max_stable_version();
    int16_t version = newest;
    if (oldest < newest && world_.simulation.chance(40)) {
      uint64_t versions = static_cast<uint64_t>(newest - oldest) + 1;
      version =
          static_cast<int16_t>(oldest + static_cast<int16_t>(world_.random().below(versions)));
    }
    client::call<Response>(*connection_, std::move(request), std::move(done), version);
  }
  template <class Response, class Request>
  void ask(Request request, base::Callback<void(base::Result<client::Reply<Response>>)> done) {
    ask<Response>(std::move(request), INT16_MAX, std::move(done));
  }

  World& world_;
  Host& host_;

 private:
  const std::string name_;
  const ConnectionOptions options_;
  std::shared_ptr<Connection> connection_;
  bool resting_ = true;
};

inline void Actor::connect() {
  world_.simulation.cancel_all(this);
  resting_ = false;
  if (!is_connected()) connection_ = Connection::open(world_, host_, name_, options_);
  work();
}

inline void Actor::later(Time typical, base::Task task) {
  world_.simulation.after(world_.simulation.some_delay(typical), this,
                          [this, task = std::move(task)]() mutable {
                            if (may_work()) task();
                          });
}

}  // namespace longhaul::sim
