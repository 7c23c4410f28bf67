#include "tests/sim/region.h"

#include <algorithm>

#include "tests/sim/setup.h"

namespace longhaul::sim {

namespace {

constexpr const char* kClusterId = "4L6g3nShT-eMCtK--X86sw";
constexpr Time kLongestAnswer = std::chrono::seconds(30);

base::Uuid metadata_directory(int32_t id) {
  base::Uuid directory;
  directory.bytes.fill(static_cast<uint8_t>(0x40 + id));
  return directory;
}

}  // namespace

Region::Region(World& world, const RegionShape& shape)
    : world_(world), shape_(shape), network_(world) {
  common_properties_ = choose_properties(world.random(), shape.nodes);
  for (int32_t id = 1; id <= shape.nodes; ++id) {
    hosts_.push_back(std::make_unique<Host>(*this, id, choose_speed(world.random())));
  }
}

Host* Region::find(const std::string& name) {
  for (const auto& host : hosts_) {
    if (host->name() == name) return host.get();
  }
  return nullptr;
}

Host& Region::any_host() { return *hosts_[world_.random().below(hosts_.size())]; }

std::string Region::properties(const Host& host) const {
  bool is_controller = host.id() <= shape_.controllers;
  std::string text = common_properties_;
  text += fmt::format("process.roles={}\nnode.id={}\n",
                      is_controller ? "broker,controller" : "broker", host.id());
  text += fmt::format("listeners=PLAINTEXT://{}:{}", host.name(), kClientPort);
  if (is_controller) text += fmt::format(",CONTROLLER://{}:{}", host.name(), kControllerPort);
  text += "\ncontroller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=";
  for (int32_t id = 1; id <= shape_.controllers; ++id) {
    text += fmt::format("{}n{}:{}", id == 1 ? "" : ",", id, kControllerPort);
  }
  text += fmt::format("\noffsets.topic.replication.factor={}\n", replication_factor());
  if (is_alone()) {
    return text + fmt::format("longhaul.format=found\nlonghaul.cluster.id={}\n", kClusterId);
  }
  return text + "longhaul.format=refuse\n";
}

base::Result<void> Region::format() {
  if (is_alone()) return {};
  std::vector<broker::raft::Voter> controllers;
  for (int32_t id = 1; id <= shape_.controllers; ++id) {
    broker::raft::Voter voter;
    voter.key = {id, metadata_directory(id)};
    voter.endpoints = {{"CONTROLLER", host(id).name(), kControllerPort}};
    controllers.push_back(std::move(voter));
  }
  for (const auto& host : hosts_) {
    LH_TRY(host->format(properties(*host), kClusterId, controllers));
  }
  return {};
}

std::optional<Region::Leadership> Region::newest_leader(const base::Uuid& topic,
                                                        int32_t index) const {
  std::optional<Leadership> newest;
  for (const auto& host : hosts_) {
    auto image = host->node() ? host->node()->images().current() : nullptr;
    const auto* known = image ? image->topic(topic) : nullptr;
    const auto* partition = known ? known->partition(index) : nullptr;
    if (!partition || (newest && partition->leader_epoch < newest->epoch)) continue;
    bool is_newer = !newest || partition->leader_epoch > newest->epoch;
    if (is_newer) newest = {partition->leader, partition->leader_epoch, false};
    newest->is_known_to_itself |= partition->leader == host->id() && host->node()->is_ready();
  }
  return newest;
}

bool Region::is_well() const {
  return std::all_of(hosts_.begin(), hosts_.end(),
                     [](const auto& host) { return host->is_well(); });
}

bool Region::is_undisturbed() const {
  return is_alone() || world_.simulation.now() > disturbed_until_ + kLongestAnswer;
}

void Region::disturb() { disturbed_until_ = Time::max() - kLongestAnswer; }

int64_t Region::newest_ms() const {
  int64_t newest = newest_ms_;
  for (const auto& host : hosts_) newest = std::max(newest, host->clock().wall_ms());
  return newest;
}

void Region::jump_clock(Host& host, std::chrono::milliseconds by) {
  newest_ms_ = newest_ms();
  world_.trace.line(host.name(), "has its clock set by {} ms", by.count());
  host.clock().jump(by);
}

}  // namespace longhaul::sim
