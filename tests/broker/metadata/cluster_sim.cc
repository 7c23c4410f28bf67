#include "tests/broker/metadata/cluster_sim.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/metadata/bootstrap.h"
#include "broker/metadata/features.h"
#include "broker/raft/wire_partition.h"
#include "records/batch.h"
#include "tests/broker/metadata/cluster_sim_channel.h"

namespace longhaul::broker::metadata {
namespace {

constexpr const char* kSimCluster = "4L6g3nShT-eMCtK--X86sw";

raft::Endpoint endpoint_of_node(int id) { return {"CONTROLLER", "n" + std::to_string(id), 9093}; }
int node_at(const client::Endpoint& endpoint) { return std::stoi(endpoint.host.substr(1)); }

}  // namespace

ClusterSim::ClusterSim(Size size, uint64_t seed) : simulation(seed), random_(seed + 1) {
  for (int id = 1; id <= size.voters + size.observers; ++id) {
    Node& node = nodes_[id];
    node.id = id;
    node.key = {id, base::Uuid::random(random_)};
    node.disk = std::make_unique<base::MemoryFileSystem>();
    if (id <= size.voters) founders_.push_back(voter(id));
  }
  for (auto& [id, node] : nodes_)
    format(node, id <= size.voters ? FormatPermission::kFound : FormatPermission::kJoin);
}

ClusterSim::~ClusterSim() {
  for (auto& [id, node] : nodes_) drop(node);
  exchanges_.clear();
  simulation.cancel_all(this);
}

raft::Voter ClusterSim::voter(int id) const {
  return {nodes_.at(id).key, {endpoint_of_node(id)}, 0, 1};
}

void ClusterSim::format(Node& node, FormatPermission permission) {
  BirthConfig birth;
  birth.permission = permission;
  birth.cluster_id = kSimCluster;
  if (permission == FormatPermission::kFound) birth.directory_id = node.key.directory;
  birth.node_id = node.id;
  birth.log_dirs = {"/d"};
  birth.metadata_dir = "/d";
  birth.initial_controllers = founders_;
  auto identity = ensure_born(*node.disk, clock_, random_, birth);
  ASSERT_TRUE(identity) << identity.error().message;
  node.key.directory = identity->metadata_directory_id;
}

QuorumNetwork ClusterSim::network(int id) {
  QuorumNetwork network;
  network.connect = [this, id](const client::Endpoint& to) { return connect(id, to); };
  network.probe = [this, id](const client::Endpoint& to, auto done) {
    probe(id, node_at(to), std::move(done));
  };
  network.listener = "CONTROLLER";
  network.fetch_bytes = 1000;
  network.snapshot_bytes = 500;
  for (const auto& [other, node] : nodes_) {
    raft::Endpoint at = endpoint_of_node(other);
    network.bootstrap.push_back({at.host, at.port});
  }
  return network;
}

std::shared_ptr<client::Channel> ClusterSim::connect(int from, const client::Endpoint& to) {
  int id = node_at(to);
  if (nodes_.count(id) == 0) ++counts["connection to nobody"];
  return std::make_shared<SimChannel>(*this, from, nodes_.at(from).life, id);
}

void ClusterSim::probe(int from, int to, base::Callback<void(bool refused)> done) {
  auto held = std::make_shared<base::Callback<void(bool)>>(std::move(done));
  int life = nodes_.at(from).life;
  simulation.after(simulation.some_delay(faults.delay), this, [this, from, life, to, held] {
    if (nodes_.at(from).life != life) return;
    bool refused = !is_lost(from, to) && !is_up(to);
    if (refused) ++counts["refused"];
    (*held)(refused);
  });
}

void ClusterSim::start(int id) {
  Node& node = nodes_.at(id);
  if (node.node) return;
  MetadataLog::Params log;
  log.files = node.disk.get();
  log.clock = &clock_;
  log.metadata_dir = "/d";
  log.options = options;
  auto opened = MetadataLog::open(std::move(log));
  ASSERT_TRUE(opened) << "node " << id << ": " << opened.error().message;
  node.log = std::move(*opened);
  node.loop = std::make_unique<sim::Loop>(simulation, sim::Time(10));
  node.workers = std::make_unique<sim::Workers>(simulation, sim::Time(1000));
  MetadataNode::Params params;
  params.loop = node.loop.get();
  params.io = node.workers.get();
  params.clock = &clock_;
  params.random = &random_;
  params.log = node.log;
  params.log_options = options;
  params.self = node.key;
  params.settings.node_id = id;
  params.settings.cluster_id = kSimCluster;
  params.configs = &rules_;
  params.bootstrap = default_bootstrap();
  params.network = network(id);
  params.connect_controller = params.network.connect;
  params.on_fatal = [id](const base::Error& error) {
    ADD_FAILURE() << "node " << id << " failed: " << error.message;
  };
  node.checked = node.log->snapshot().id.offset;
  node.epoch = 0;
  node.node = MetadataNode::create(std::move(params));
  node.node->start({endpoint_of_node(id)});
}

void ClusterSim::start_all() {
  for (const auto& [id, node] : nodes_) start(id);
}

/// Who waits for an answer from a process that ends hears of it at once.
void ClusterSim::break_connections(const Node& to) {
  auto [begin, end] = exchanges_.equal_range(to.id);
  for (auto it = begin; it != end; ++it) {
    const Exchange& exchange = it->second;
    if (cuts_.count({to.id, exchange.from}) > 0) continue;
    SimChannel::later(*this, exchange.from, exchange.life, [answer = exchange.answer] {
      if (*answer) std::exchange(*answer, {})(base::fail(base::Errc::kUnavailable, "broken"));
    });
  }
  exchanges_.erase(begin, end);
}

void ClusterSim::drop(Node& node) {
  ++node.life;
  break_connections(node);
  node.stopping = false;
  if (node.loop) node.loop->stop();
  if (node.workers) node.workers->stop();
  node.node.reset();
  node.log.reset();
  node.loop.reset();
  node.workers.reset();
}

void ClusterSim::crash(int id, base::CrashMode mode) {
  Node& node = nodes_.at(id);
  if (!node.node) return;
  ++counts["crash"];
  drop(node);
  node.disk->crash(mode, random_);
}

void ClusterSim::stop(int id) {
  Node& node = nodes_.at(id);
  if (!node.node) return;
  bool done = false;
  node.loop->post([&] { node.node->stop([&] { done = true; }); });
  ASSERT_TRUE(run_until([&] { return done; }, std::chrono::seconds(10)));
  drop(node);
}

void ClusterSim::lose_disk(int id) {
  crash(id, base::CrashMode::kLoseUnsynced);
  Node& node = nodes_.at(id);
  node.disk = std::make_unique<base::MemoryFileSystem>();
  format(node, FormatPermission::kJoin);
}

void ClusterSim::isolate(int id) {
  for (const auto& [other, node] : nodes_) {
    cut(id, other);
    cut(other, id);
  }
}

bool ClusterSim::is_lost(int from, int to) {
  return cuts_.count({from, to}) > 0 || nodes_.count(to) == 0 ||
         simulation.chance(faults.lose_percent);
}

void ClusterSim::run(sim::Time span) {
  sim::Time until = simulation.now() + span;
  while (!::testing::Test::HasFailure() && step(until)) {
  }
  simulation.run_until(until);
}

bool ClusterSim::step(sim::Time until) {
  if (!simulation.step(until)) return false;
  for (auto& [id, node] : nodes_) {
    if (node.node) check(node);
  }
  return !::testing::Test::HasFailure();
}

void ClusterSim::check(Node& node) {
  const raft::Raft& raft = node.node->raft();
  if (raft.is_leader() && raft.epoch() != node.epoch) {
    node.epoch = raft.epoch();
    ++counts["election"];
    auto [known, first] = leaders_.emplace(node.epoch, node.id);
    ASSERT_EQ(known->second, node.id) << "two leaders in epoch " << node.epoch;
  }
  if (raft.high_watermark() > node.checked) check_committed(node);
}

/// What this node holds for committed is what any other does.
void ClusterSim::check_committed(Node& node) {
  int64_t end = node.node->raft().high_watermark();
  if (node.checked < node.log->start_offset()) {
    ++counts["snapshot taken over"];
    node.checked = node.log->start_offset();
  }
  while (node.checked < end) {
    auto bytes = node.log->read_bytes(node.checked, 1 << 20);
    ASSERT_TRUE(bytes) << bytes.error().message;
    records::BatchWalker walker(*bytes);
    while (const records::BatchView* batch = walker.next()) {
      const auto& header = batch->header;
      if (header.next_offset() > end) return;
      auto sum =
          records::compute_crc(batch->bytes) + static_cast<uint32_t>(header.partition_leader_epoch);
      auto [known, first] = committed_.emplace(header.base_offset, sum);
      ASSERT_EQ(known->second, sum) << "node " << node.id << " has something else committed at "
                                    << header.base_offset << describe();
      node.checked = header.next_offset();
      committed_end_ = std::max(committed_end_, node.checked);
    }
  }
}

void ClusterSim::propose(int at) {
  Node& node = nodes_.at(at);
  if (!node.node || node.stopping) return;
  protocol::BrokerRegistrationRequest request;
  request.broker_id = next_broker_++;
  request.cluster_id = kSimCluster;
  request.incarnation_id = base::Uuid::random(random_);
  request.listeners.push_back({"PLAINTEXT", "localhost", 9092, 0});
  for (const auto& [name, range] : supported_features())
    request.features.push_back({name, range.min, range.max});
  request.rack = std::nullopt;
  request.log_dirs = {base::Uuid::random(random_)};
  int32_t id = request.broker_id;
  ReplyTo reply_to{node.loop.get(), clock_.monotonic() + std::chrono::seconds(10)};
  node.node->ask(&register_broker, std::move(request), reply_to, [this, id](const auto& response) {
    if (response.error_code == protocol::ErrorCode::kNone) acknowledged_.insert(id);
  });
}

void ClusterSim::add_voter(int at, int id) {
  protocol::AddRaftVoterRequest request;
  request.cluster_id = kSimCluster;
  request.timeout_ms = 5000;
  request.voter_id = id;
  request.voter_directory_id = nodes_.at(id).key.directory;
  request.ack_when_committed = simulation.chance(50);
  raft::add_listeners(voter(id).endpoints, request.listeners);
  change_voters(at, std::move(request));
}

void ClusterSim::remove_voter(int at, const raft::ReplicaKey& key) {
  protocol::RemoveRaftVoterRequest request;
  request.cluster_id = kSimCluster;
  request.voter_id = key.id;
  request.voter_directory_id = key.directory;
  change_voters(at, std::move(request));
}

void ClusterSim::change_voters(int at, QuorumRequest request) {
  Node& node = nodes_.at(at);
  if (!node.node || node.stopping) return;
  QuorumCall call{1, "CONTROLLER", /*for_client=*/true,
                  clock_.monotonic() + std::chrono::seconds(5)};
  in_doubt_until_ = simulation.now() + std::chrono::seconds(10);
  node.node->serve(std::move(request), std::move(call), [this](const QuorumResponse& response) {
    auto count = [&](const auto& typed) {
      if constexpr (requires { typed.error_code; }) {
        bool done = typed.error_code == protocol::ErrorCode::kNone;
        ++counts[done ? "voters changed" : "not changed"];
        if (typed.error_code != protocol::ErrorCode::kRequestTimedOut)
          in_doubt_until_ = simulation.now();
      }
    };
    std::visit(count, response);
  });
}

size_t ClusterSim::with_disk(const raft::VoterSet& voters) const {
  return static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    return voters.contains(entry.second.key);
  }));
}

std::optional<int> ClusterSim::leader() const {
  std::optional<int> found;
  for (const auto& [id, node] : nodes_) {
    if (!node.node || !node.node->raft().is_leader()) continue;
    if (!found || raft(id).epoch() > raft(*found).epoch()) found = id;
  }
  return found;
}

bool ClusterSim::has_settled() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    const Node& node = entry.second;
    return node.node && node.node->raft().high_watermark() == committed_end_ &&
           node.log->end_offset() == committed_end_ &&
           node.node->images().current()->provenance.offset == committed_end_;
  });
}

void ClusterSim::check_images() const {
  for (const auto& [id, node] : nodes_) {
    auto image = node.node->images().current();
    for (int32_t broker : acknowledged_)
      EXPECT_NE(image->broker(broker), nullptr) << "node " << id << " lost " << broker;
    EXPECT_EQ(image->brokers.size(), nodes_.at(1).node->images().current()->brokers.size());
  }
}

std::string ClusterSim::describe() const {
  std::string text = fmt::format("; committed {}", committed_end_);
  for (const auto& [id, node] : nodes_) {
    if (!node.node) {
      text += fmt::format("; {} down", id);
      continue;
    }
    text += fmt::format("; {} {} epoch {} leader {} log {}-{} committed {}", id,
                        raft::role_name(raft(id).role()), raft(id).epoch(),
                        raft(id).leader().value_or(-1), node.log->start_offset(),
                        node.log->end_offset(), raft(id).high_watermark());
    text += " voters";
    for (const auto& [voter, known] : raft(id).voters().latest().all())
      text += fmt::format(" {}{}", voter, known.key == nodes_.at(voter).key ? "" : " (lost)");
  }
  return text;
}

}  // namespace longhaul::broker::metadata
