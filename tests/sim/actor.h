// A client of the simulation: does its work over connections, and begins again after a crash.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/channel.h"
#include "protocol/error_code.h"
#include "tests/sim/connection.h"
#include "tests/sim/history.h"
#include "tests/sim/region.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Actor {
 public:
  Actor(Region& region, std::string name, const ConnectionOptions& options)
      : world_(region.world()),
        region_(region),
        name_(std::move(name)),
        connections_(region, name_, options) {}
  virtual ~Actor() { world_.simulation.cancel_all(this); }
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  /// Goes to work.
  void connect();
  /// Begins nothing more.
  void rest() { resting_ = true; }
  /// Waits for answers.
  bool is_busy() const { return connections_.pending() > 0; }
  /// Goes on with what it has begun, and takes up nothing that might fail.
  void finish() { finishing_ = true; }
  /// Then: nothing of it is left.
  virtual bool is_done() const { return true; }
  const std::string& name() const { return name_; }

 protected:
  virtual void work() = 0;

  bool may_work() const { return !resting_; }
  bool is_finishing() const { return finishing_; }
  /// Goes on some time later, if that may still be.
  void later(Time typical, base::Task task);
  /// A broker refuses something for a reason for which there is none.
  bool is_wrong(protocol::ErrorCode code) const {
    bool passes = !region_.is_alone() && protocol::is_retriable(code);
    return code != protocol::ErrorCode::kNone && !passes && region_.is_well();
  }

  /// Whom to ask about a partition: its leader as far as is known, else anybody.
  int32_t leader_of(const PartitionId& partition);
  /// Never one of an older epoch than before. Absent, with somebody asked: it is not known.
  struct Leader {
    int32_t node = -1;
    int32_t epoch = -1;
  };
  std::optional<Leader> known_leader(const PartitionId& partition);
  /// Asks who leads what, before long.
  void find_leaders();
  int32_t anybody() { return region_.any_host().id(); }

  /// Asks this node; fails if the connection breaks. Speaks any version from `oldest` on, as the
  /// seed has it.
  template <class Response, class Request>
  void ask(int32_t node, Request request, int16_t oldest,
           base::Callback<void(base::Result<client::Reply<Response>>)> done) {
    int16_t newest = protocol::find_api(Request::kApiKey)->max_stable_version();
    int16_t version = newest;
    if (oldest < newest && world_.simulation.chance(40)) {
      uint64_t versions = static_cast<uint64_t>(newest - oldest) + 1;
      version =
          static_cast<int16_t>(oldest + static_cast<int16_t>(world_.random().below(versions)));
    }
    auto connection = connections_.to({region_.host(node).name(), kClientPort});
    client::call<Response>(*connection, std::move(request), std::move(done), version);
  }
  template <class Response, class Request>
  void ask(int32_t node, Request request,
           base::Callback<void(base::Result<client::Reply<Response>>)> done) {
    ask<Response>(node, std::move(request), INT16_MAX, std::move(done));
  }

  World& world_;
  Region& region_;

 private:
  void ask_for_leaders();

  const std::string name_;
  ConnectionPool connections_;
  std::map<PartitionId, Leader> leaders_;
  bool resting_ = true;
  bool finishing_ = false;
  bool asking_ = false;  // for leaders
};

}  // namespace longhaul::sim
