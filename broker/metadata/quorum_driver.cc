#include "broker/metadata/quorum_driver.h"

#include <utility>

#include "base/assert.h"

namespace longhaul::broker::metadata {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

QuorumDriver::QuorumDriver(Params params)
    : params_(std::move(params)),
      raft_(raft::Voter{params_.self, {}}, params_.log->election(), params_.log->state(),
            *params_.random) {}

void QuorumDriver::start() { carry_out(raft_.start(params_.clock->monotonic())); }

base::Result<QuorumDriver::Appended> QuorumDriver::append(const MetadataRecords& records) {
  LH_ASSERT(raft_.is_leader(), "only a leader appends");
  if (failed_ || stopping_)
    return base::fail(base::Errc::kUnavailable, "the metadata log is closed");
  BatchPlace place{raft_.end_offset(), raft_.epoch(), params_.clock->wall_ms()};
  base::Bytes batch = data_batch(place, records);
  if (auto done = params_.log->append(batch, place.epoch); !done) {
    if (params_.log->is_offline()) fail(done.error());
    return tl::unexpected(done.error());
  }
  auto count = static_cast<int32_t>(records.size());
  carry_out(raft_.appended(count));
  return Appended{place.base_offset, place.base_offset + count, place.epoch, place.timestamp_ms,
                  batch.size()};
}

void QuorumDriver::stop(base::Task idle) {
  stopping_ = true;
  if (!flushing_) return idle();
  idle_ = std::move(idle);
}

void QuorumDriver::carry_out(raft::Outputs outputs) {
  for (raft::Output& output : outputs) {
    if (failed_) return;
    base::Result<void> done;
    std::visit(Overloaded{
                   [&](raft::PersistElection& it) { done = params_.log->save_election(it.state); },
                   [&](raft::AppendControl& it) { done = carry_out(it); },
                   [&](raft::AppendVoters& it) { done = carry_out(it); },
                   [&](raft::Flush&) { begin_flush(); },
                   [&](raft::RoleChange& it) { params_.on_role(it); },
                   [&](raft::HighWatermark& it) {
                     params_.log->set_high_watermark(it.offset);
                     params_.on_committed(it.offset);
                   },
                   [&](raft::Alarm& it) { params_.logger.error("the quorum: {}", it.what); },
                   [](raft::Send&) {},  // nobody to send it: an observer finds no leader
                   [&](auto&) {
                     done = base::fail(base::Errc::kUnsupported, "a quorum of several voters");
                   },
               },
               output);
    if (!done) fail(done.error());
  }
}

base::Result<void> QuorumDriver::carry_out(const raft::AppendControl& control) {
  base::Bytes batch = leader_change_batch(control, params_.clock->wall_ms());
  return params_.log->append(batch, control.epoch);
}

base::Result<void> QuorumDriver::carry_out(const raft::AppendVoters& control) {
  base::Bytes batch = voters_batch(control, params_.clock->wall_ms());
  return params_.log->append(batch, control.epoch);
}

void QuorumDriver::begin_flush() {
  if (flushing_) {
    flush_again_ = true;
    return;
  }
  flushing_ = true;
  flush_again_ = false;
  params_.io->post([weak = weak_from_this(), loop = params_.loop, log = params_.log] {
    loop->post([weak, end = log->flush()]() mutable {
      if (auto self = weak.lock()) self->flushed(std::move(end));
    });
  });
}

void QuorumDriver::flushed(base::Result<int64_t> end) {
  flushing_ = false;
  if (!end) {
    fail(end.error());
  } else if (!failed_) {
    if (flush_again_ && !stopping_) begin_flush();
    carry_out(raft_.synced(*end, params_.clock->monotonic()));
  }
  if (stopping_ && !flushing_ && idle_) std::exchange(idle_, {})();
}

void QuorumDriver::fail(const base::Error& error) {
  if (std::exchange(failed_, true)) return;
  params_.logger.error("the metadata log failed: {}", error.message);
  params_.on_fatal(error);
}

}  // namespace longhaul::broker::metadata
