#include "broker/metadata/quorum_driver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "broker/log/log_result.h"

namespace longhaul::broker::metadata {
namespace {

/// A tick that finds nothing to do yet must not come again at once.
constexpr base::Clock::Monotonic kShortestTick{1};
/// Nobody tells when a full disk has room again.
constexpr std::chrono::milliseconds kLookForRoom{500};

/// What is answered while there is no room. Of epochs it says nothing: the newest one may not be on
/// disk.
struct NoRoom {
  raft::Standing standing{raft::ErrorCode::kKafkaStorageError, 0, {}};

  raft::Response operator()(const raft::VoteRequest&) const {
    return raft::VoteResponse{standing, false};
  }
  raft::Response operator()(const raft::BeginQuorumEpochRequest&) const {
    return raft::QuorumEpochResponse{standing};
  }
  raft::Response operator()(const raft::EndQuorumEpochRequest&) const {
    return raft::QuorumEpochResponse{standing};
  }
  raft::Response operator()(const raft::FetchRequest&) const {
    return raft::FetchResponse{standing};
  }
  raft::Response operator()(const raft::FetchSnapshotRequest& request) const {
    return raft::FetchSnapshotResponse{standing, request.snapshot, 0, request.position, nullptr};
  }
  template <class VoterChange>
  raft::Response operator()(const VoterChange&) const {
    return raft::VoterChangeResponse{standing, "the disk of the metadata log is full"};
  }
};

}  // namespace

QuorumDriver::QuorumDriver(Params params)
    : params_(std::move(params)), addresses_(params_.network.bootstrap, params_.network.listener) {}

void QuorumDriver::start(std::vector<raft::Endpoint> endpoints) {
  raft_.emplace(raft::Voter{params_.self, std::move(endpoints)}, params_.log->election(),
                params_.log->state(), *params_.random, params_.network.timeouts);
  carry_out(raft_->start(now()));
}

base::Result<QuorumDriver::Appended> QuorumDriver::append(const MetadataRecords& records) {
  if (failed_ || stopping_)
    return base::fail(base::Errc::kUnavailable, "the metadata log is closed");
  if (!raft_->is_leader())
    return base::fail(base::Errc::kUnavailable, "this is no longer the quorum's leader");
  if (waits_for_room())
    return base::fail(base::Errc::kUnavailable, "the metadata log waits for room on its disk");
  BatchPlace place{raft_->end_offset(), raft_->epoch(), params_.clock->wall_ms()};
  base::Bytes batch = data_batch(place, records);
  if (auto done = params_.log->append(batch, place.epoch); !done) {
    if (params_.log->is_offline()) fail(done.error());
    if (may_pass(done.error())) hand_over_later();
    return tl::unexpected(done.error());
  }
  auto count = static_cast<int32_t>(records.size());
  carry_out(raft_->appended(count));
  return Appended{place.base_offset, place.base_offset + count, place.epoch, place.timestamp_ms,
                  batch.size()};
}

void QuorumDriver::receive(const raft::Request& request, size_t max_bytes, Answered answered) {
  if (failed_ || stopping_ || !raft_) return;
  if (waits_for_room()) return answered({std::visit(NoRoom{}, request), {}});
  uint64_t id = next_id_++;
  waiting_.emplace(id, Waiting{max_bytes, std::move(answered)});
  carry_out(raft_->receive(request, id, now()));
}

std::optional<client::Endpoint> QuorumDriver::address_of(int32_t id) const {
  return addresses_.find(id, raft_->epoch(), raft_->voters().latest());
}

void QuorumDriver::resign() {
  if (!raft_ || !is_working() || raft_->voters().latest().size() < 2) return;
  carry_out(raft_->resign(now()));
}

void QuorumDriver::stop(base::Task idle) {
  idle_ = std::move(idle);
  if (raft_ && !failed_ && !waits_for_room()) carry_out(raft_->resign(now()));
  stopping_ = true;
  params_.loop->cancel(std::exchange(room_timer_, 0));
  waiting_.clear();
  arm();
  if (farewells_ > 0) {
    patience_timer_ =
        params_.loop->after(params_.network.timeouts.request, [weak = weak_from_this()] {
          auto self = weak.lock();
          if (self == nullptr) return;
          self->farewells_ = 0;
          self->become_idle();
        });
  }
  become_idle();
}

void QuorumDriver::become_idle() {
  if (!stopping_ || flushing_ || farewells_ > 0 || !idle_) return;
  params_.loop->cancel(patience_timer_);
  std::exchange(idle_, {})();
}

void QuorumDriver::carry_out(raft::Outputs outputs) {
  std::move(outputs.begin(), outputs.end(), std::back_inserter(outputs_));
  go_on();
}

void QuorumDriver::go_on() {
  while (!outputs_.empty() && !failed_ && !waits_for_room()) {
    raft::Output output = std::move(outputs_.front());
    outputs_.pop_front();
    auto done = carry_out_one(output);
    if (done) continue;
    if (!may_pass(done.error())) {
      fail(done.error());
    } else {
      outputs_.push_front(std::move(output));
      wait_for_room(done.error());
    }
  }
  if (!waits_for_room()) tell_events();
  arm();
}

/// Somebody else may have room. Not at once: who wanted to append is in the middle of something.
void QuorumDriver::hand_over_later() {
  params_.loop->post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->resign();
  });
}

bool QuorumDriver::may_pass(const base::Error& error) const {
  return log::is_shortage(error) && !params_.log->is_offline();
}

void QuorumDriver::wait_for_room(const base::Error& why) {
  if (!std::exchange(lacks_room_, true))
    params_.logger.error("the metadata log waits for room on its disk: {}", why.message);
  room_timer_ = params_.loop->after(kLookForRoom, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->look_for_room();
  });
}

void QuorumDriver::look_for_room() {
  room_timer_ = 0;
  if (failed_ || stopping_) return;
  if (std::exchange(flush_again_, false)) begin_flush();
  go_on();
  if (!waits_for_room() && !flushing_) note_room();
}

void QuorumDriver::note_room() {
  if (std::exchange(lacks_room_, false))
    params_.logger.info("the metadata log has room again on its disk");
}

/// Only once all outputs are carried out is the log what raft says it is: who is told of an event
/// may append. What that leads to is told behind what was to be told before.
void QuorumDriver::tell_events() {
  if (std::exchange(telling_, true)) return;
  while (!events_.empty() && !failed_ && !waits_for_room()) {
    Event event = std::move(events_.front());
    events_.pop_front();
    if (auto* role = std::get_if<raft::RoleChange>(&event)) {
      params_.on_role(*role);
    } else if (auto* mark = std::get_if<raft::HighWatermark>(&event)) {
      params_.on_committed(mark->offset);
    } else if (params_.on_snapshot) {
      params_.on_snapshot(std::get<Snapshot>(event));
    }
  }
  telling_ = false;
}

void QuorumDriver::arm() {
  auto next = is_working() ? raft_->next_tick() : std::nullopt;
  if (next == tick_at_) return;
  params_.loop->cancel(tick_timer_);
  tick_timer_ = 0;
  tick_at_ = next;
  if (!next) return;
  tick_timer_ =
      params_.loop->after(std::max(*next - now(), kShortestTick), [weak = weak_from_this()] {
        auto self = weak.lock();
        if (self == nullptr) return;
        self->tick_timer_ = 0;
        self->tick_at_.reset();
        if (self->is_working()) self->carry_out(self->raft_->tick(self->now()));
      });
}

void QuorumDriver::begin_flush() {
  if (flushing_) {
    flush_again_ = true;
    return;
  }
  flushing_ = true;
  flush_again_ = false;
  params_.io->post([weak = weak_from_this(), loop = params_.loop, log = params_.log,
                    truncations = truncations_] {
    loop->post([weak, truncations, end = log->flush()]() mutable {
      if (auto self = weak.lock()) self->flushed(std::move(end), truncations);
    });
  });
}

void QuorumDriver::flushed(base::Result<int64_t> end, uint64_t truncations) {
  flushing_ = false;
  if (!end && !may_pass(end.error())) {
    fail(end.error());
  } else if (!end || waits_for_room()) {
    flush_again_ = true;
    if (!waits_for_room()) resign();
    if (!waits_for_room() && !stopping_) wait_for_room(end.error());
  } else if (!failed_) {
    note_room();
    bool is_valid = truncations == truncations_;
    if ((flush_again_ || !is_valid) && !stopping_) begin_flush();
    if (is_valid) carry_out(raft_->synced(*end, now()));
  }
  become_idle();
}

void QuorumDriver::fail(const base::Error& error) {
  if (std::exchange(failed_, true)) return;
  waiting_.clear();
  params_.logger.error("the metadata log failed: {}", error.message);
  params_.on_fatal(error);
}

}  // namespace longhaul::broker::metadata
