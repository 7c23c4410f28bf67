// The follower: it fetches, takes over what the leader has, and gives up on a silent one.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

void Raft::become_follower(int32_t epoch, int32_t leader, Now now, Outputs& out) {
  LH_ASSERT(epoch >= election_.epoch && leader != self_.key.id, "a leader follows nobody");
  drop_leadership(out);
  ElectionState state{epoch, leader, {}};
  bool is_news = election_ != state;
  if (epoch > election_.epoch) leader_resigned_ = false;
  election_ = state;
  role_ = Role::kFollower;
  forget_conversations();
  deadline_ = now + timeouts_.fetch;
  if (is_news) persist(out);
  announce(out);
  fetch(now, out);
}

/// Another voter, or a bootstrap server: any of them may know the leader. One after the other, and
/// not all of us the same one at first.
int32_t Raft::somebody(Now now) {
  std::vector<int32_t> ids{kBootstrapServer};
  for (const auto& [id, voter] : log_.voters.latest().all()) {
    if (id != self_.key.id && !is_gone(id, now)) ids.push_back(id);
  }
  auto next = last_asked_ ? std::upper_bound(ids.begin(), ids.end(), *last_asked_)
                          : ids.begin() + static_cast<ptrdiff_t>(random_.below(ids.size()));
  last_asked_ = next == ids.end() ? ids.front() : *next;
  return *last_asked_;
}

/// True of the leader of this epoch for a while after it was lost, whoever still names it.
bool Raft::is_gone(int32_t leader, Now now) const {
  return now < gone_until_ && election_.leader == leader;
}

void Raft::fetch(Now now, Outputs& out) {
  next_fetch_.reset();
  // What was not synced must not be acknowledged.
  if (fetching_ || synced_ < log_.end_offset) return;
  bool is_looking = role_ == Role::kUnattached;
  if (role_ != Role::kFollower && !is_looking) return;
  fetching_ = true;
  int32_t to = is_looking ? somebody(now) : *election_.leader;
  if (download_) {
    send(to,
         FetchSnapshotRequest{election_.epoch, self_.key, download_->snapshot, download_->position},
         now, out);
    return;
  }
  FetchRequest request{election_.epoch, self_.key, log_.end_offset, log_.epochs.last()};
  request.high_watermark = high_watermark_;
  request.max_wait = std::chrono::duration_cast<std::chrono::milliseconds>(timeouts_.max_wait);
  send(to, std::move(request), now, out);
}

/// What answers to Fetch and FetchSnapshot have in common. False if there is nothing in it.
bool Raft::leader_answered(const Standing& other, Now now, Outputs& out) {
  fetching_ = false;
  if (learn(other, now, out)) return false;
  if (other.error != ErrorCode::kNone || other.epoch != election_.epoch ||
      role_ != Role::kFollower) {
    download_.reset();
    back_off(is_of_epochs(other.error), now);
    // It does not get on, and somebody else may.
    if (other.error == ErrorCode::kKafkaStorageError && role_ == Role::kFollower)
      lose_leader(now, out);
    return false;
  }
  // Of one that has resigned it is the last word: the election goes on.
  if (leader_resigned_) return true;
  fetched_in_epoch_ = true;
  deadline_ = now + timeouts_.fetch;
  return true;
}

void Raft::on_answer(const FetchResponse& response, Now now, Outputs& out) {
  if (!leader_answered(response.standing, now, out)) return;
  if (response.diverging) {
    truncate(*response.diverging, now, out);
  } else if (response.snapshot) {
    if (response.snapshot->offset <= committed())
      return alarm(fmt::format("the leader offers a snapshot up to offset {}, but {} is committed",
                               response.snapshot->offset, committed()),
                   now, out);
    download_ = Download{*response.snapshot, 0};
  } else {
    leader_high_watermark_ = std::max(leader_high_watermark_, response.high_watermark);
    take_records(response, now, out);
    follow_high_watermark(out);
  }
  correct_own_record(now, out);
  if (!next_fetch_) fetch(now, out);
}

void Raft::take_records(const FetchResponse& response, Now now, Outputs& out) {
  AppendFetched append;
  for (const Batch& batch : response.batches) {
    // The checksum does not cover the epoch. One above the leader's would end all further fetches:
    // no replica can have such a log.
    bool continues = batch.base_offset == log_.end_offset &&
                     batch.next_offset > batch.base_offset && batch.epoch >= log_.epochs.last() &&
                     batch.epoch <= election_.epoch;
    if (!continues) break;
    log_.epochs.assign(batch.epoch, batch.base_offset);
    if (batch.voters) log_.voters.add(batch.voters->first, batch.voters->second);
    log_.end_offset = batch.next_offset;
    append.batches.push_back(batch);
  }
  if (append.batches.size() < response.batches.size())
    alarm(fmt::format("the leader's records do not continue at offset {}, epoch {}",
                      log_.end_offset, log_.epochs.last()),
          now, out);
  if (append.batches.empty()) return;
  out.emplace_back(std::move(append));
  out.emplace_back(Flush{});
}

void Raft::truncate(const OffsetAndEpoch& diverging, Now now, Outputs& out) {
  OffsetAndEpoch mine = log_.epochs.end_of(diverging.epoch, log_.end_offset);
  int64_t end =
      mine.epoch == diverging.epoch ? std::min(mine.offset, diverging.offset) : mine.offset;
  bool is_possible = end >= std::max(committed(), start_offset()) && end < log_.end_offset;
  if (!is_possible)
    return alarm(fmt::format("the leader's log parts from this one at offset {}, epoch {}; here {} "
                             "to {} with {} committed",
                             diverging.offset, diverging.epoch, start_offset(), log_.end_offset,
                             committed()),
                 now, out);
  log_.end_offset = end;
  log_.epochs.truncate_end(end);
  log_.voters.truncate(end);
  synced_ = std::min(synced_, end);
  out.emplace_back(Truncate{end});
}

void Raft::follow_high_watermark(Outputs& out) {
  int64_t known = std::min(leader_high_watermark_, synced_);
  if (known <= high_watermark_) return;
  high_watermark_ = known;
  out.emplace_back(HighWatermark{high_watermark_});
}

void Raft::on_answer(const FetchSnapshotResponse& response, Now now, Outputs& out) {
  if (!leader_answered(response.standing, now, out)) return;
  if (!download_) return fetch(now, out);
  auto got = response.bytes ? static_cast<int64_t>(response.bytes->size()) : 0;
  bool is_next = response.snapshot == download_->snapshot &&
                 response.position == download_->position && got > 0 && response.size >= 0 &&
                 got <= response.size - response.position;
  if (!is_next) {
    download_.reset();
    return alarm(fmt::format("not the next bytes of a snapshot: those at {}", response.position),
                 now, out);
  }
  out.emplace_back(WriteSnapshot{response.snapshot, response.position, response.bytes});
  download_->position += got;
  if (download_->position < response.size) return fetch(now, out);
  download_.reset();
  fetching_ = true;  // until the driver says how it went
  out.emplace_back(InstallSnapshot{response.snapshot});
}

Outputs Raft::snapshot_installed(OffsetAndEpoch snapshot, VoterSet voters, Now now) {
  Outputs out;
  fetching_ = false;
  log_.end_offset = synced_ = snapshot.offset;
  log_.epochs = EpochTable(snapshot);
  log_.voters.reset(snapshot.offset - 1, std::move(voters));
  log_.snapshot = snapshot;
  high_watermark_ = snapshot.offset;
  out.emplace_back(HighWatermark{high_watermark_});
  fetch(now, out);
  return out;
}

Outputs Raft::snapshot_rejected(Now now) {
  fetching_ = false;
  next_fetch_ = now + timeouts_.max_wait;
  return {};
}

ErrorCode Raft::judge(const BeginQuorumEpochRequest& request) const {
  if (!is_me(request.voter)) return ErrorCode::kInvalidVoterKey;
  if (request.epoch < election_.epoch) return ErrorCode::kFencedLeaderEpoch;
  if (is_too_far(request.epoch) || is_rival(request.epoch, request.leader))
    return ErrorCode::kInvalidRequest;
  return ErrorCode::kNone;
}

void Raft::on(const BeginQuorumEpochRequest& request, uint64_t id, Now now, Outputs& out) {
  ErrorCode error = judge(request);
  bool is_news = role_ != Role::kFollower || election_.epoch != request.epoch;
  if (error == ErrorCode::kNone && request.leader != self_.key.id && is_news)
    become_follower(request.epoch, request.leader, now, out);
  out.emplace_back(Reply{id, QuorumEpochResponse{standing(error)}, {}});
}

void Raft::on(const EndQuorumEpochRequest& request, uint64_t id, Now now, Outputs& out) {
  auto answer = [&](ErrorCode error) {
    out.emplace_back(Reply{id, QuorumEpochResponse{standing(error)}, {}});
  };
  if (request.epoch < election_.epoch) return answer(ErrorCode::kFencedLeaderEpoch);
  if (is_too_far(request.epoch) || is_rival(request.epoch, request.leader))
    return answer(ErrorCode::kInvalidRequest);
  if (request.leader == self_.key.id) return answer(ErrorCode::kNone);
  if (request.epoch > election_.epoch) become_follower(request.epoch, request.leader, now, out);
  if (may_campaign() && role_ == Role::kFollower) {
    // The best goes at once, the others give it time.
    auto place = std::find_if(request.preferred.begin(), request.preferred.end(),
                              [&](const ReplicaKey& key) { return is_me(key); });
    auto voters = static_cast<ptrdiff_t>(log_.voters.latest().size());
    auto rank = std::min(place - request.preferred.begin(), voters);
    leader_resigned_ = true;
    fetched_in_epoch_ = false;
    deadline_ = now;
    if (rank > 0) *deadline_ += rank * timeouts_.election / 4 + random_within(timeouts_.election);
  }
  answer(ErrorCode::kNone);
}

Outputs Raft::leader_gone(int32_t leader, int32_t epoch, Now now) {
  Outputs out;
  bool is_mine = role_ == Role::kFollower && epoch == election_.epoch && leader == election_.leader;
  if (is_mine) lose_leader(now, out);
  return out;
}

/// Should it be alive after all, those who hear from it refuse the pre-vote, or name it later.
void Raft::lose_leader(Now now, Outputs& out) {
  if (!may_campaign()) {
    gone_until_ = now + timeouts_.fetch / 2;
    return become_unattached(election_.epoch, now, out);
  }
  fetched_in_epoch_ = false;
  // Not all voters at once: they find out at the same time.
  Timeouts::Duration spread = timeouts_.election / 4;
  if (!deadline_ || *deadline_ > now + spread) deadline_ = now + random_within(spread);
}

void Raft::alarm(std::string what, Now now, Outputs& out) {
  next_fetch_ = now + timeouts_.max_wait;
  out.emplace_back(Alarm{std::move(what)});
}

}  // namespace longhaul::broker::raft
