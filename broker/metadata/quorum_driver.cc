#include "broker/metadata/quorum_driver.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::metadata {
namespace {

/// A tick that finds nothing to do yet must not come again at once.
constexpr base::Clock::Monotonic kShortestTick{1};

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
  BatchPlace place{raft_->end_offset(), raft_->epoch(), params_.clock->wall_ms()};
  base::Bytes batch = data_batch(place, records);
  if (auto done = params_.log->append(batch, place.epoch); !done) {
    if (params_.log->is_offline()) fail(done.error());
    return tl::unexpected(done.error());
  }
  auto count = static_cast<int32_t>(records.size());
  carry_out(raft_->appended(count));
  return Appended{place.base_offset, place.base_offset + count, place.epoch, place.timestamp_ms,
                  batch.size()};
}

void QuorumDriver::receive(const raft::Request& request, size_t max_bytes, Answered answered) {
  if (failed_ || stopping_ || !raft_) return;
  uint64_t id = next_id_++;
  waiting_.emplace(id, Waiting{max_bytes, std::move(answered)});
  carry_out(raft_->receive(request, id, now()));
}

std::optional<client::Endpoint> QuorumDriver::address_of(int32_t id) const {
  return addresses_.find(id, raft_->epoch(), raft_->voters().latest());
}

void QuorumDriver::resign() {
  if (!raft_ || failed_ || stopping_ || raft_->voters().latest().size() < 2) return;
  carry_out(raft_->resign(now()));
}

void QuorumDriver::stop(base::Task idle) {
  idle_ = std::move(idle);
  if (raft_ && !failed_) carry_out(raft_->resign(now()));
  stopping_ = true;
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
  for (raft::Output& output : outputs) {
    if (failed_) return;
    if (auto done = carry_out_one(output); !done) fail(done.error());
  }
  tell_events();
  arm();
}

/// Only once all outputs are carried out is the log what raft says it is: who is told of an event
/// may append. What that leads to is told behind what was to be told before.
void QuorumDriver::tell_events() {
  if (std::exchange(telling_, true)) return;
  while (!events_.empty() && !failed_) {
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
  auto next = failed_ || stopping_ ? std::nullopt : raft_->next_tick();
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
        if (!self->stopping_) self->carry_out(self->raft_->tick(self->now()));
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
  if (!end) {
    fail(end.error());
  } else if (!failed_) {
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
