// The network between machines, and what befalls it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/pipe.h"

namespace longhaul::sim {

/// Connections are TCP: within one, bytes come in order and once, or it breaks. What a network does
/// to packets is seen as late bytes, as connections that break with what was on its way, and as
/// connections that overtake each other.
class Network {
 public:
  explicit Network(World& world) : world_(world) {}

  /// A new connection between two machines.
  std::shared_ptr<Link> link(const std::string& from, const std::string& to, Time latency);
  /// Nobody reaches `to` from `from` now, or has its answer.
  bool is_cut(const std::string& from, const std::string& to);

  /// What `from` sends no longer arrives at `to`; the other direction goes on.
  void cut(const std::string& from, const std::string& to);
  /// It does again. Of connections that have something underway some have been given up, and break;
  /// on others it comes late.
  void mend(const std::string& from, const std::string& to);
  /// Everything takes so much longer.
  void delay(const std::string& from, const std::string& to, Time by);
  /// A connection with something underway breaks; part of that is lost. False if there is none.
  bool lose();
  /// No way is cut or slow any more.
  void mend_all();

 private:
  Route& route(const std::string& from, const std::string& to);
  void mend(Route& route);

  World& world_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Route>> routes_;
  std::vector<std::weak_ptr<Link>> links_;
};

}  // namespace longhaul::sim
