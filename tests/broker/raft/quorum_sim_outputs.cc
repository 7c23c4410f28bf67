// How the simulated nodes carry out what raft asks for.
#include <algorithm>

#include "tests/broker/raft/quorum_sim.h"

namespace longhaul::broker::raft {
namespace {

constexpr int64_t kSnapshotSize = 100;
constexpr int64_t kSnapshotChunk = 40;

}  // namespace

void QuorumSim::on(int, Node& node, PersistElection& it) {
  ASSERT_GE(it.state.epoch, node.election.epoch);
  node.election = it.state;
}

void QuorumSim::on(int, Node& node, AppendControl& it) {
  Batch batch{it.base_offset, it.base_offset + it.record_count(), it.epoch, payload(), {}};
  if (it.bootstrap_voters) batch.voters = {it.base_offset + 2, *it.bootstrap_voters};
  append(node, std::move(batch));
}

void QuorumSim::on(int, Node& node, AppendVoters& it) {
  append(node, Batch{it.base_offset, it.base_offset + 1, it.epoch, payload(),
                     std::pair(it.base_offset, it.voters)});
}

void QuorumSim::on(int, Node& node, AppendFetched& it) {
  for (Batch& batch : it.batches) append(node, std::move(batch));
}

void QuorumSim::append(Node& node, Batch batch) {
  ASSERT_EQ(end(node), batch.base_offset);
  auto [known, first] = written_.emplace(std::pair(batch.base_offset, batch.epoch), *batch.bytes);
  ASSERT_TRUE(first || known->second == *batch.bytes)
      << "two batches at offset " << batch.base_offset << " of epoch " << batch.epoch;
  node.log.push_back(std::move(batch));
}

std::shared_ptr<const base::Bytes> QuorumSim::payload() {
  base::Bytes bytes(8);
  uint64_t number = ++sequence_;
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(number);
    number >>= 8;
  }
  return std::make_shared<const base::Bytes>(std::move(bytes));
}

void QuorumSim::on(int id, Node& node, Truncate& it) {
  ASSERT_GE(it.end_offset, node.applied) << "replica " << id << " cuts off what is committed";
  while (!node.log.empty() && node.log.back().next_offset > it.end_offset) node.log.pop_back();
  ASSERT_EQ(end(node), it.end_offset) << "not between two batches";
  node.durable = std::min(node.durable, it.end_offset);
  ++node.cuts;
  ++truncations;
}

void QuorumSim::on(int id, Node& node, Flush&) {
  if (node.flushing) {
    node.flush_again = true;
    return;
  }
  node.flushing = true;
  node.flush_again = false;
  later(id, faults.max_sync_us, [this, id, reached = end(node), cuts = node.cuts](Node& synced) {
    synced.flushing = false;
    bool is_valid = cuts == synced.cuts;
    if (is_valid) synced.durable = std::max(synced.durable, reached);
    if (!is_valid || synced.flush_again) {
      Flush again;
      on(id, synced, again);
    }
    if (is_valid) carry_out(id, synced.raft->synced(reached, now_));
  });
}

void QuorumSim::on(int id, Node&, RoleChange& it) {
  story_ += std::to_string(now_.count()) + ":" + std::to_string(id) + "=" + role_name(it.role) +
            "/" + std::to_string(it.epoch) + " ";
  if (it.role != Role::kLeader) return;
  ++elections;
  auto [known, first] = leaders_.emplace(it.epoch, id);
  ASSERT_TRUE(first) << "two leaders in epoch " << it.epoch << ": " << known->second << " and "
                     << id;
}

void QuorumSim::on(int id, Node& node, HighWatermark& it) {
  // After a start it grows anew from below what was applied, which a snapshot may have told.
  ASSERT_LE(it.offset, end(node));
  for (size_t i = position(node, node.applied); i < node.log.size(); ++i) {
    if (node.log[i].next_offset > it.offset) break;
    apply(id, node, node.log[i]);
  }
}

void QuorumSim::apply(int id, Node& node, const Batch& batch) {
  ASSERT_EQ(node.applied, batch.base_offset);
  for (uint8_t byte : *batch.bytes) node.digest = (node.digest ^ byte) * 1099511628211u;
  node.applied = batch.next_offset;
  check_digest(id, node.applied, node.digest);
}

void QuorumSim::check_digest(int id, int64_t offset, uint64_t digest) {
  auto [known, first] = digests_.emplace(offset, digest);
  ASSERT_TRUE(known->second == digest)
      << "replica " << id << " has something else committed below " << offset;
}

void QuorumSim::on(int id, Node& node, Send& it) {
  int to = it.to;
  if (to == kBootstrapServer) {  // one after the other, as a driver has it
    to = 1 + node.next_bootstrap++ % nodes();
    if (to == id) to = 1 + node.next_bootstrap++ % nodes();
  }
  if (to == id) return;
  deliver(id, to, [this, from = id, life = node.life, it](Node& receiver) {
    uint64_t token = ++sequence_;
    conversations_[token] = {from, life, it.id};
    carry_out(receiver.key.id, receiver.raft->receive(it.request, token, now_));
  });
}

void QuorumSim::on(int id, Node& node, Reply& it) {
  auto found = conversations_.find(it.id);
  ASSERT_NE(found, conversations_.end()) << "answered twice";
  Conversation conversation = found->second;
  conversations_.erase(found);
  if (conversation.from == 0) {
    changes[conversation.id] = std::get<VoterChangeResponse>(it.response).standing.error;
    return;
  }
  if (it.records_from) add_records(node, *it.records_from, std::get<FetchResponse>(it.response));
  if (auto* bytes = std::get_if<FetchSnapshotResponse>(&it.response)) add_bytes(node, *bytes);
  deliver(id, conversation.from, [this, conversation, response = it.response](Node& asker) {
    if (asker.life != conversation.life) return;
    carry_out(conversation.from, asker.raft->answered(conversation.id, response, now_));
  });
}

/// The first batch that begins at `offset` or behind.
size_t QuorumSim::position(const Node& node, int64_t offset) {
  auto found =
      std::lower_bound(node.log.begin(), node.log.end(), offset,
                       [](const Batch& batch, int64_t at) { return batch.base_offset < at; });
  return static_cast<size_t>(found - node.log.begin());
}

void QuorumSim::add_records(const Node& node, int64_t from, FetchResponse& response) {
  size_t most = 1 + random_.below(20);
  for (size_t i = position(node, from); i < node.log.size() && response.batches.size() < most; ++i)
    response.batches.push_back(node.log[i]);
}

void QuorumSim::add_bytes(const Node& node, FetchSnapshotResponse& response) {
  if (response.standing.error != ErrorCode::kNone) return;
  if (response.snapshot != node.snapshot.id) {
    response.standing.error = ErrorCode::kSnapshotNotFound;
    return;
  }
  response.size = kSnapshotSize;
  auto length = std::min(kSnapshotChunk, kSnapshotSize - response.position);
  response.bytes = std::make_shared<base::Bytes>(static_cast<size_t>(length), uint8_t{1});
}

void QuorumSim::on(int, Node& node, WriteSnapshot& it) {
  if (it.position == 0) node.downloaded = 0;
  ASSERT_EQ(it.position, node.downloaded);
  node.downloaded += static_cast<int64_t>(it.bytes->size());
}

void QuorumSim::on(int id, Node& node, InstallSnapshot& it) {
  ASSERT_EQ(node.downloaded, kSnapshotSize);
  if (random_.below(10) == 0) return carry_out(id, node.raft->snapshot_rejected(now_));
  const Snapshot& snapshot = snapshots_.at(it.snapshot);
  ASSERT_GE(snapshot.id.offset, node.applied);
  node.snapshot = snapshot;
  node.origin = snapshot.id;
  node.log.clear();
  node.durable = node.applied = snapshot.id.offset;
  node.digest = snapshot.digest;
  ++node.cuts;
  ++installed;
  check_digest(id, node.applied, node.digest);
  carry_out(id, node.raft->snapshot_installed(snapshot.id, snapshot.voters, now_));
}

void QuorumSim::on(int id, Node&, Alarm& it) {
  ADD_FAILURE() << "replica " << id << ": " << it.what;
}

}  // namespace longhaul::broker::raft
