#include "tests/broker/raft/quorum_sim.h"

#include <algorithm>

namespace longhaul::broker::raft {

QuorumSim::QuorumSim(int voters, int observers, uint64_t seed) : random_(seed) {
  for (int id = 1; id <= voters + observers; ++id) new_disk(id, {});
  std::vector<Voter> founders;
  for (int id = 1; id <= voters; ++id) founders.push_back(voter(id));
  for (int id = 1; id <= voters; ++id) nodes_[id].snapshot.voters = VoterSet(founders);
  start_all();
}

void QuorumSim::new_disk(int id, const VoterSet& voters) {
  Node& node = nodes_[id];
  int life = node.life;
  node = Node{};
  node.life = life + 1;
  node.key.id = id;
  node.key.directory.bytes[15] = ++disks_;
  node.snapshot.voters = voters;
}

Voter QuorumSim::voter(int id) const {
  return Voter{nodes_.at(id).key, {{"C", "node" + std::to_string(id), 9093}}, 0, 1};
}

void QuorumSim::run(Now duration, bool propose) {
  Now until = now_ + duration;
  while (!events_.empty() && events_.begin()->first.first <= until) {
    auto event = events_.extract(events_.begin());
    now_ = std::max(now_, event.key().first);
    event.mapped()();
    act_somewhere(propose);
  }
  now_ = until;
}

void QuorumSim::act_somewhere(bool propose) {
  if (faults.snapshot_percent > 0 && random_.below(100) < faults.snapshot_percent) {
    auto node = std::next(nodes_.begin(), static_cast<ptrdiff_t>(random_.below(nodes_.size())));
    snapshot(node->first, random_.below(2) == 0);
  }
  if (!propose || random_.below(12) != 0) return;
  for (auto& [id, node] : nodes_) {
    if (!node.raft || !node.raft->is_leader() || random_.below(2) == 0) continue;
    auto count = static_cast<int32_t>(1 + random_.below(3));
    int64_t base = node.raft->end_offset();
    append(node, Batch{base, base + count, node.raft->epoch(), payload(), {}});
    carry_out(id, node.raft->appended(count));
  }
}

void QuorumSim::crash(int id, bool keep) {
  Node& node = nodes_.at(id);
  if (!node.raft) return;
  node.raft.reset();
  ++node.life;
  while (!keep && !node.log.empty() && node.log.back().next_offset > node.durable)
    node.log.pop_back();
}

void QuorumSim::start(int id) {
  Node& node = nodes_.at(id);
  if (node.raft) return;
  if (end(node) < node.snapshot.id.offset) {  // a leader may commit before its own disk has it
    node.log.clear();
    node.origin = node.snapshot.id;
  }
  LogState log;
  log.epochs = EpochTable(node.origin);
  log.snapshot = node.snapshot.id;
  log.end_offset = node.durable = end(node);
  if (!node.snapshot.voters.empty())
    log.voters.reset(node.snapshot.id.offset - 1, node.snapshot.voters);
  for (const Batch& batch : node.log) {
    log.epochs.assign(batch.epoch, batch.base_offset);
    if (batch.voters && batch.voters->first >= node.snapshot.id.offset)
      log.voters.add(batch.voters->first, batch.voters->second);
  }
  node.applied = node.snapshot.id.offset;
  node.digest = node.snapshot.digest;
  node.flushing = node.flush_again = false;
  node.tick.reset();
  node.raft = std::make_unique<Raft>(voter(id), node.election, log, random_);
  carry_out(id, node.raft->start(now_));
}

void QuorumSim::start_all() {
  for (const auto& [id, node] : nodes_) start(id);
}

void QuorumSim::lose_disk(int id) {
  crash(id, false);
  new_disk(id, {});
}

void QuorumSim::isolate(const std::set<int>& ids) {
  for (const auto& [a, one] : nodes_) {
    for (const auto& [b, other] : nodes_) {
      if (ids.count(a) != ids.count(b)) cut(a, b);
    }
  }
}

void QuorumSim::resign(int id) {
  if (nodes_.at(id).raft) carry_out(id, nodes_.at(id).raft->resign(now_));
}

void QuorumSim::snapshot(int id, bool clean) {
  Node& node = nodes_.at(id);
  if (!node.raft || node.applied <= node.snapshot.id.offset) return;
  node.snapshot.id = {node.applied, node.raft->epochs().epoch_before(node.applied)};
  node.snapshot.voters = node.raft->voters().before(node.applied);
  node.snapshot.digest = node.digest;
  auto [known, first] = snapshots_.emplace(node.snapshot.id, node.snapshot);
  ASSERT_TRUE(first ||
              (known->second.digest == node.digest && known->second.voters == node.snapshot.voters))
      << "two snapshots at " << node.applied;
  node.raft->snapshot_written(node.snapshot.id);
  if (!clean) return;
  node.origin = node.snapshot.id;
  node.log.erase(node.log.begin(),
                 node.log.begin() + static_cast<ptrdiff_t>(position(node, node.origin.offset)));
  node.raft->log_start_moved(node.origin.offset);
}

std::optional<uint64_t> QuorumSim::change(const Request& request) {
  auto asked = leader();
  if (!asked) return std::nullopt;
  uint64_t token = ++sequence_;
  conversations_[token] = {0, 0, token};
  carry_out(*asked, nodes_.at(*asked).raft->receive(request, token, now_));
  return token;
}

bool QuorumSim::change_until_done(const std::function<Request()>& request, Now patience) {
  for (Now until = now_ + patience; now_ < until;) {
    auto token = change(request());
    Now give_up = std::min(until, now_ + std::chrono::seconds(5));
    while (token && changes.count(*token) == 0 && now_ < give_up)
      run(std::chrono::milliseconds(20));
    if (token && changes.count(*token) > 0 && changes[*token] == ErrorCode::kNone) return true;
    run(std::chrono::milliseconds(100));
  }
  return false;
}

std::optional<int> QuorumSim::leader() const {
  std::optional<int> found;
  for (const auto& [id, node] : nodes_) {
    if (!node.raft || !node.raft->is_leader()) continue;
    if (!found || node.raft->epoch() > nodes_.at(*found).raft->epoch()) found = id;
  }
  return found;
}

bool QuorumSim::all_caught_up() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    const auto& raft = entry.second.raft;
    return raft && raft->high_watermark() == committed() && raft->end_offset() == committed();
  });
}

size_t QuorumSim::with_disk(const VoterSet& voters) const {
  return static_cast<size_t>(std::count_if(
      voters.all().begin(), voters.all().end(),
      [&](const auto& entry) { return nodes_.at(entry.first).key == entry.second.key; }));
}

std::string QuorumSim::state() const {
  std::string text;
  for (const auto& [id, node] : nodes_) {
    text += "; " + std::to_string(id) + " ";
    text += !node.raft ? "down"
                       : std::string(role_name(node.raft->role())) + " epoch " +
                             std::to_string(node.raft->epoch()) + " end " +
                             std::to_string(node.raft->end_offset()) + " committed " +
                             std::to_string(node.raft->high_watermark());
    if (!node.raft) continue;
    text += " voters";
    for (const auto& [voter, entry] : node.raft->voters().latest().all())
      text += " " + std::to_string(voter) + "/" + std::to_string(entry.key.directory.bytes[15]);
  }
  return text;
}

int64_t QuorumSim::end(const Node& node) {
  return node.log.empty() ? node.origin.offset : node.log.back().next_offset;
}

void QuorumSim::at(Now when, std::function<void()> what) {
  events_.emplace(std::pair(when, ++sequence_), std::move(what));
}

/// Runs `what` later if the node has not crashed meanwhile.
void QuorumSim::later(int id, int64_t max_us, std::function<void(Node&)> what) {
  Now when = now_ + Now(1 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(max_us))));
  at(when, [this, id, life = nodes_.at(id).life, what = std::move(what)] {
    Node& node = nodes_.at(id);
    if (node.life == life && node.raft) what(node);
  });
}

void QuorumSim::deliver(int from, int to, std::function<void(Node&)> what) {
  if (nodes_.count(to) == 0 || cuts_.count({from, to}) > 0) return;
  int copies = random_.below(100) < faults.duplicate_percent ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (random_.below(100) < faults.lose_percent) continue;
    auto delay = random_.below(static_cast<uint64_t>(faults.max_delay_us));
    at(now_ + Now(1 + static_cast<int64_t>(delay)), [this, to, what] {
      Node& node = nodes_.at(to);
      if (node.raft) what(node);
    });
  }
}

void QuorumSim::carry_out(int id, Outputs outputs) {
  for (Output& output : outputs) std::visit([&](auto& it) { on(id, nodes_.at(id), it); }, output);
  arm(id);
}

void QuorumSim::arm(int id) {
  Node& node = nodes_.at(id);
  auto next = node.raft->next_tick();
  if (!next || (node.tick && *node.tick <= *next && *node.tick > now_)) return;
  node.tick = std::max(*next, now_ + Now(1));
  at(*node.tick, [this, id, life = node.life] {
    Node& ticked = nodes_.at(id);
    if (ticked.life != life || !ticked.raft) return;
    ticked.tick.reset();
    carry_out(id, ticked.raft->tick(now_));
  });
}

}  // namespace longhaul::broker::raft
