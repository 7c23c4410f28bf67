// What raft asks for, one output at a time.
#include <fmt/core.h>

#include <iterator>
#include <utility>

#include "broker/metadata/quorum_driver.h"

namespace longhaul::broker::metadata {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

bool is_of_connection(base::Errc code) {
  return code == base::Errc::kUnavailable || code == base::Errc::kTimedOut ||
         code == base::Errc::kCancelled;
}

}  // namespace

base::Result<void> QuorumDriver::carry_out_one(raft::Output& output) {
  base::Result<void> done;
  MetadataLog& log = *params_.log;
  auto append = [&](base::Bytes batch, int32_t epoch) { done = log.append(batch, epoch); };
  int64_t wall_ms = params_.clock->wall_ms();
  std::visit(
      Overloaded{
          [&](raft::PersistElection& it) { done = log.save_election(it.state); },
          [&](raft::AppendControl& it) { append(leader_change_batch(it, wall_ms), it.epoch); },
          [&](raft::AppendVoters& it) { append(voters_batch(it, wall_ms), it.epoch); },
          [&](raft::AppendFetched& it) { done = append_fetched(it); },
          [&](raft::Truncate& it) {
            ++truncations_;
            done = log.truncate(it.end_offset);
          },
          [&](raft::Flush&) { begin_flush(); },
          [&](raft::RoleChange& it) { events_.emplace_back(it); },
          [&](raft::HighWatermark& it) {
            log.set_high_watermark(it.offset);
            events_.emplace_back(it);
          },
          [&](raft::Send& it) { send(it); },
          [&](raft::Reply& it) { reply(it); },
          [&](raft::WriteSnapshot& it) {
            done = log.write_fetched_snapshot(it.position, *it.bytes);
          },
          [&](raft::InstallSnapshot& it) { done = install(it.snapshot); },
          [&](raft::Alarm& it) { params_.logger.error("the quorum: {}", it.what); },
      },
      output);
  return done;
}

base::Result<void> QuorumDriver::append_fetched(const raft::AppendFetched& fetched) {
  for (const raft::Batch& batch : fetched.batches)
    LH_TRY(params_.log->append_fetched(*batch.bytes));
  return {};
}

/// What the disk refuses is fatal; a snapshot that is not whole is fetched again.
base::Result<void> QuorumDriver::install(const raft::OffsetAndEpoch& id) {
  auto snapshot = params_.log->read_fetched_snapshot(id);
  if (!snapshot) {
    if (snapshot.error().code == base::Errc::kIo) return tl::unexpected(snapshot.error());
    params_.logger.error("the leader's snapshot is not usable: {}", snapshot.error().message);
    raft::Outputs none = raft_->snapshot_rejected(now());
    return {};
  }
  ++truncations_;
  LH_TRY(params_.log->install_fetched_snapshot(id));
  raft::VoterSet voters = snapshot->voters;
  params_.logger.info("took over the leader's snapshot up to offset {}", id.offset);
  events_.emplace_back(std::move(*snapshot));
  // What was asked for behind it comes behind what follows from it.
  raft::Outputs next = raft_->snapshot_installed(id, std::move(voters), now());
  outputs_.insert(outputs_.begin(), std::make_move_iterator(next.begin()),
                  std::make_move_iterator(next.end()));
  return {};
}

void QuorumDriver::send(const raft::Send& send) {
  auto address =
      send.to == raft::kBootstrapServer ? addresses_.next_bootstrap() : address_of(send.to);
  bool is_farewell = std::holds_alternative<raft::EndQuorumEpochRequest>(send.request);
  if (is_farewell) ++farewells_;
  auto hear = [weak = weak_from_this(), loop = params_.loop, id = send.id, to = send.to,
               is_farewell](base::Result<QuorumReply> reply) {
    loop->post([weak, id, to, is_farewell, reply = std::move(reply)]() mutable {
      auto self = weak.lock();
      if (self == nullptr) return;
      if (is_farewell && self->farewells_ > 0) --self->farewells_;
      self->heard(id, to, std::move(reply));
    });
  };
  if (!address || !params_.network.connect)
    return hear(base::fail(base::Errc::kUnavailable, "its address is not known"));
  bool is_snapshot = std::holds_alternative<raft::FetchSnapshotRequest>(send.request);
  raft::Sender sender{params_.cluster_id, raft_->self_endpoints(),
                      static_cast<int32_t>(is_snapshot ? params_.network.snapshot_bytes
                                                       : params_.network.fetch_bytes)};
  ask(*params_.network.connect(*address), send.request, sender, std::move(hear));
}

void QuorumDriver::heard(uint64_t id, int32_t from, base::Result<QuorumReply> reply) {
  if (stopping_) return become_idle();
  if (!is_working()) return;  // raft gives it up in time
  if (!reply) {
    bool is_passing = is_of_connection(reply.error().code);
    if (!is_passing) complain(reply.error().message);
    raft_->failed(id, is_passing, now());
    if (is_passing) look_for_leader(from);
    return carry_out({});
  }
  raft::ErrorCode error = raft::standing_in(reply->response).error;
  if (!raft::is_of_epochs(error))
    complain(fmt::format("node {} refuses: {}", from, protocol::name(error)));
  if (reply->leader) addresses_.note(*reply->leader);
  carry_out(raft_->answered(id, reply->response, now()));
}

/// A connection that broke, or could not be made, may mean that its process is gone.
void QuorumDriver::look_for_leader(int32_t leader) {
  bool is_followed = raft_->role() == raft::Role::kFollower && raft_->leader() == leader;
  auto address = is_followed ? address_of(leader) : std::nullopt;
  if (!address || !params_.network.probe || std::exchange(probing_, true)) return;
  params_.network.probe(*address, [weak = weak_from_this(), loop = params_.loop, leader,
                                   epoch = raft_->epoch()](bool refused) {
    loop->post([weak, leader, epoch, refused] {
      auto self = weak.lock();
      if (self == nullptr) return;
      self->probing_ = false;
      if (!refused || !self->is_working()) return;
      self->carry_out(self->raft_->leader_gone(leader, epoch, self->now()));
    });
  });
}

/// What is wrong for long goes wrong again at once: it is said now and then.
void QuorumDriver::complain(const std::string& what) {
  constexpr std::chrono::seconds kSilence{30};
  constexpr size_t kMostComplaints = 100;
  if (complaints_.size() >= kMostComplaints) complaints_.clear();
  auto [last, is_new] = complaints_.try_emplace(what, now());
  if (!is_new && last->second + kSilence > now()) return;
  last->second = now();
  params_.logger.warn("the quorum: {}", what);
}

void QuorumDriver::reply(raft::Reply& reply) {
  auto found = waiting_.find(reply.id);
  if (found == waiting_.end()) return;
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  Answer answer;
  if (reply.records_from) add_records(reply, waiting.max_bytes, answer);
  if (auto* snapshot = std::get_if<raft::FetchSnapshotResponse>(&reply.response))
    add_snapshot(*snapshot, waiting.max_bytes);
  answer.response = std::move(reply.response);
  waiting.answered(std::move(answer));
}

void QuorumDriver::add_records(raft::Reply& reply, size_t max_bytes, Answer& answer) const {
  auto bytes = params_.log->read_bytes(*reply.records_from, max_bytes);
  if (bytes) {
    answer.records = std::move(*bytes);
    return;
  }
  params_.logger.error("reading for another replica: {}", bytes.error().message);
  std::get<raft::FetchResponse>(reply.response).standing.error =
      raft::ErrorCode::kKafkaStorageError;
}

void QuorumDriver::add_snapshot(raft::FetchSnapshotResponse& response, size_t max_bytes) const {
  using raft::ErrorCode;
  if (response.standing.error != ErrorCode::kNone) return;
  auto part = params_.log->read_snapshot_part(response.snapshot, response.position, max_bytes);
  if (part) {
    response.size = part->size;
    response.bytes = part->bytes;
  } else if (part.error().code == base::Errc::kNotFound) {
    response.standing.error = ErrorCode::kSnapshotNotFound;
  } else if (part.error().code == base::Errc::kInvalidArgument) {
    response.standing.error = ErrorCode::kPositionOutOfRange;
  } else {
    params_.logger.error("reading a snapshot: {}", part.error().message);
    response.standing.error = ErrorCode::kKafkaStorageError;
  }
}

}  // namespace longhaul::broker::metadata
