#include "tests/sim/network.h"

#include <utility>

namespace longhaul::sim {

Route& Network::route(const std::string& from, const std::string& to) {
  auto& route = routes_[{from, to}];
  if (!route) route = std::make_unique<Route>(world_);
  return *route;
}

std::shared_ptr<Link> Network::link(const std::string& from, const std::string& to, Time latency) {
  std::erase_if(links_, [](const auto& link) { return link.expired(); });
  auto link = std::make_shared<Link>(route(from, to), route(to, from), latency);
  links_.push_back(link);
  return link;
}

bool Network::is_cut(const std::string& from, const std::string& to) {
  return route(from, to).cut || route(to, from).cut;
}

void Network::cut(const std::string& from, const std::string& to) {
  world_.trace.line("network", "what {} sends to {} does not arrive", from, to);
  route(from, to).cut = true;
}

void Network::mend(Route& route) {
  route.cut = false;
  for (Pipe* pipe : std::exchange(route.held, {})) {
    if (world_.simulation.chance(50)) {
      pipe->resume();
    } else {
      world_.counts["lost messages"] += pipe->cut();
    }
  }
}

void Network::mend(const std::string& from, const std::string& to) {
  world_.trace.line("network", "{} reaches {} again", from, to);
  mend(route(from, to));
}

void Network::delay(const std::string& from, const std::string& to, Time by) {
  world_.trace.line("network", "{} us more from {} to {}", by.count(), from, to);
  route(from, to).delay = by;
}

bool Network::lose() {
  std::vector<std::shared_ptr<Link>> busy;
  for (const auto& weak : links_) {
    auto link = weak.lock();
    if (link && !(link->to_server.is_empty() && link->to_client.is_empty())) busy.push_back(link);
  }
  if (busy.empty()) return false;
  auto& link = busy[world_.random().below(busy.size())];
  size_t lost = link->to_server.cut() + link->to_client.cut();
  world_.trace.line("network", "a connection breaks, {} messages are lost", lost);
  world_.counts["lost messages"] += lost;
  return true;
}

void Network::mend_all() {
  for (auto& [ends, route] : routes_) {
    route->delay = Time(0);
    if (route->cut) mend(*route);
  }
}

}  // namespace longhaul::sim
