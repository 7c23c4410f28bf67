#include "broker/replication/replica_fetcher.h"

#include <algorithm>

#include "protocol/messages/list_offsets.h"

namespace longhaul::broker::replication {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

namespace {

// Timestamps of ListOffsets with a meaning of their own.
constexpr int64_t kLatestOffset = -1;
constexpr int64_t kEarliestOffset = -2;
/// A leader that does not know yet that it leads will in a moment, and producers wait for us.
constexpr std::chrono::milliseconds kFirstBackoff{10};
/// Who is held back by a quota looks again so soon: it may have been raised or lifted.
constexpr std::chrono::milliseconds kLookAtQuota{100};

}  // namespace

std::shared_ptr<ReplicaFetcher> ReplicaFetcher::create(Params params) {
  return std::shared_ptr<ReplicaFetcher>(new ReplicaFetcher(std::move(params)));
}

void ReplicaFetcher::add(std::shared_ptr<partition::Partition> partition, int32_t leader_epoch) {
  PartitionId id{partition->topic_id(), partition->id().partition};
  Followed& followed = partitions_[id];
  followed = {
      .partition = std::move(partition), .leader_epoch = leader_epoch, .first_fetch = fetches_ + 1};
  want(id, followed);
}

void ReplicaFetcher::remove(const PartitionId& id) {
  partitions_.erase(id);
  session_.drop(id);
}

void ReplicaFetcher::stop() {
  stopped_ = true;
  params_.loop->cancel(std::exchange(timer_, 0));
  partitions_.clear();
}

void ReplicaFetcher::step() {
  if (stopped_ || in_flight_ || unsettled_ > 0) return;
  auto now = params_.clock->monotonic();
  while (!backed_off_.empty() && backed_off_.begin()->first <= now) {
    PartitionId id = backed_off_.extract(backed_off_.begin()).mapped();
    auto found = partitions_.find(id);
    if (found == partitions_.end()) continue;
    Followed& followed = found->second;
    if (!followed.resolving && !followed.flushing && !followed.given_up) want(id, followed);
  }
  if (!session_.empty()) return send();
  if (!backed_off_.empty()) wake_at(backed_off_.begin()->first);
}

void ReplicaFetcher::wake_at(base::Clock::Monotonic when) {
  params_.loop->cancel(timer_);
  auto delay = std::max(when - params_.clock->monotonic(), base::Clock::Monotonic{});
  timer_ = params_.loop->after(
      std::chrono::duration_cast<std::chrono::microseconds>(delay) + std::chrono::microseconds(1),
      [self = shared_from_this()] {
        self->timer_ = 0;
        self->step();
      });
}

void ReplicaFetcher::want(const PartitionId& id, Followed& followed) {
  // To ask for an offset is to say that all below it is kept.
  if (followed.partition->must_flush()) return flush(id, followed);
  if (is_held_back(*followed.partition)) {
    session_.drop(id);
    auto soon = params_.clock->monotonic() + kLookAtQuota;
    backed_off_.emplace(std::min(params_.quota->free_at(), soon), id);
    return;
  }
  const auto log = followed.partition->log();
  FetchSession::Wanted wanted;
  wanted.partition = id.second;
  wanted.current_leader_epoch = followed.leader_epoch;
  wanted.fetch_offset = log->log_end_offset();
  wanted.last_fetched_epoch = log->latest_epoch().value_or(-1);
  wanted.log_start_offset = log->log_start_offset();
  wanted.partition_max_bytes = params_.settings.partition_bytes;
  wanted.high_watermark = log->high_watermark();
  session_.want(id, wanted);
}

void ReplicaFetcher::flush(const PartitionId& id, Followed& followed) {
  session_.drop(id);
  followed.flushing = true;
  ++unsettled_;
  params_.workers->post([self = shared_from_this(), id, partition = followed.partition] {
    bool well = partition->flush().has_value();
    self->params_.loop->post([self, id, well] { self->flushed(id, well); });
  });
}

void ReplicaFetcher::flushed(const PartitionId& id, bool well) {
  --unsettled_;
  auto found = partitions_.find(id);
  if (found != partitions_.end() && std::exchange(found->second.flushing, false)) {
    Followed& followed = found->second;
    if (well) {
      want(id, followed);
    } else if (followed.partition->log()->is_offline()) {
      give_up(id, followed);
    } else {
      back_off(id);
    }
  }
  step();
}

bool ReplicaFetcher::is_throttled(const partition::Partition& partition) const {
  return params_.quota && params_.quota->is_limited() && partition.is_throttled_as_follower();
}

bool ReplicaFetcher::is_held_back(const partition::Partition& partition) const {
  return is_throttled(partition) && !partition.is_in_sync(params_.broker_id) &&
         params_.quota->is_exceeded();
}

void ReplicaFetcher::send() {
  std::shared_ptr<client::Channel> channel = params_.channel();
  if (!channel) return wake_at(params_.clock->monotonic() + params_.settings.backoff);
  FetchRequest request;
  request.replica_state = {params_.broker_id, params_.broker_epoch()};
  request.max_wait_ms = static_cast<int32_t>(params_.settings.max_wait.count());
  request.min_bytes = params_.settings.min_bytes;
  request.max_bytes = params_.settings.max_bytes;
  session_.prepare(request);
  ++fetches_;
  in_flight_ = true;
  client::call<FetchResponse>(
      *channel, std::move(request),
      [self = shared_from_this()](base::Result<client::Reply<FetchResponse>> reply) mutable {
        self->params_.loop->dispatch(
            [self, reply = std::move(reply)]() mutable { self->answered(std::move(reply)); });
      });
}

void ReplicaFetcher::answered(base::Result<client::Reply<FetchResponse>> reply) {
  in_flight_ = false;
  if (stopped_) return;
  if (!reply) {
    params_.logger.info("broker {} does not answer fetches: {}", params_.leader_id,
                        reply.error().message);
    session_.failed();
    return wake_at(params_.clock->monotonic() + params_.settings.backoff);
  }
  const FetchResponse& response = reply->message;
  bool was_full = session_.is_full();
  if (!session_.answered(response)) {
    params_.logger.debug("broker {} ended the fetch session: {}", params_.leader_id,
                         protocol::name(response.error_code));
    if (!was_full) return step();
    return wake_at(params_.clock->monotonic() + params_.settings.backoff);
  }
  for (const auto& topic : response.responses) {
    for (const Data& data : topic.partitions) take({topic.topic_id, data.partition_index}, data);
  }
  step();
}

void ReplicaFetcher::take(const PartitionId& id, const Data& data) {
  auto found = partitions_.find(id);
  // What was asked under an earlier epoch, or is not ours any more, says nothing.
  if (found == partitions_.end() || found->second.first_fetch > fetches_) return;
  Followed& followed = found->second;
  if (data.error_code != ErrorCode::kNone) return failed(id, followed, data.error_code);
  if (data.diverging_epoch.epoch >= 0) return cut_where_diverging(id, followed, data);
  take_records(id, followed, data);
}

void ReplicaFetcher::take_records(const PartitionId& id, Followed& followed, const Data& data) {
  base::ByteView batches = data.records ? data.records->bytes : base::ByteView{};
  if (is_throttled(*followed.partition)) params_.quota->count(batches.size());
  stored(id, followed,
         followed.partition->replicate({.leader_epoch = followed.leader_epoch,
                                        .batches = batches,
                                        .high_watermark = data.high_watermark,
                                        .log_start_offset = data.log_start_offset}));
}

void ReplicaFetcher::stored(const PartitionId& id, Followed& followed,
                            const protocol::KafkaResult<void>& result) {
  if (result) {
    followed.failures = 0;
    return want(id, followed);
  }
  const protocol::KafkaError& why = result.error();
  std::string name = followed.partition->id().to_string();
  switch (why.code) {
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kNotLeaderOrFollower:
      params_.logger.debug("{}: broker {} is followed no more under epoch {}: {}", name,
                           params_.leader_id, followed.leader_epoch, protocol::name(why.code));
      return give_up(id, followed);  // the metadata went on; we are told what to follow next
    case ErrorCode::kCorruptMessage:
      // Bytes can be damaged on their way; what is damaged at the leader stays so.
      params_.logger.error("{}: broker {} sent a damaged batch: {}", name, params_.leader_id,
                           why.message);
      return back_off(id);
    default:
      params_.logger.error("{} is not replicated: {} {}", name, protocol::name(why.code),
                           why.message);
      // A directory that failed stays so; a disk that is full may have room again.
      if (followed.partition->log()->is_offline()) return give_up(id, followed);
      back_off(id);
  }
}

void ReplicaFetcher::give_up(const PartitionId& id, Followed& followed) {
  followed.given_up = true;
  session_.drop(id);
}

void ReplicaFetcher::failed(const PartitionId& id, Followed& followed, ErrorCode code) {
  switch (code) {
    case ErrorCode::kOffsetOutOfRange:
      return find_range(id, followed);
    case ErrorCode::kFencedLeaderEpoch:
      return give_up(id, followed);
    default:
      // It does not know yet that it leads, or that we are a replica, or is in trouble itself.
      params_.logger.debug("{}: broker {} answers {}", followed.partition->id().to_string(),
                           params_.leader_id, protocol::name(code));
      return back_off(id, std::min(params_.settings.backoff,
                                   kFirstBackoff * (1 << std::min(followed.failures++, 10))));
  }
}

void ReplicaFetcher::back_off(const PartitionId& id) { back_off(id, params_.settings.backoff); }

void ReplicaFetcher::back_off(const PartitionId& id, std::chrono::milliseconds delay) {
  session_.drop(id);
  backed_off_.emplace(params_.clock->monotonic() + delay, id);
}

// The leader tells the largest epoch not above ours that it has, and where that ends with it. All
// up to there, or to where the epoch ends with us if that is less, is the same; from the next fetch
// it may turn out that an earlier epoch differs too.
void ReplicaFetcher::cut_where_diverging(const PartitionId& id, Followed& followed,
                                         const Data& data) {
  const auto log = followed.partition->log();
  log::EpochEnd own = log->end_offset_for_epoch(data.diverging_epoch.epoch);
  int64_t offset = own.epoch < 0 ? log->log_start_offset()
                                 : std::min(own.end_offset, data.diverging_epoch.end_offset);
  offset = std::min(offset, log->log_end_offset());
  // What lies below the leader's log cannot be held against it, nor what producers have sent there.
  if (offset <= data.log_start_offset) return begin_anew(id, followed, data.log_start_offset);
  params_.logger.info("{}: cut at offset {} of {}, where broker {} has another log",
                      followed.partition->id().to_string(), offset, log->log_end_offset(),
                      params_.leader_id);
  stored(id, followed, followed.partition->truncate(followed.leader_epoch, offset));
}

// Our end lies outside of the leader's log: beyond its end after an unclean election, or before its
// start if we were away for longer than it keeps records.
void ReplicaFetcher::find_range(const PartitionId& id, Followed& followed) {
  followed.resolving = true;
  ++unsettled_;
  session_.drop(id);
  params_.logger.debug("{}: offset {} lies outside of the log of broker {}",
                       followed.partition->id().to_string(),
                       followed.partition->log()->log_end_offset(), params_.leader_id);
  int32_t epoch = followed.leader_epoch;
  ask_offset(id, epoch, kLatestOffset, [this, id, epoch](Followed* asked, int64_t end) {
    if (!asked || end < asked->partition->log()->log_end_offset())
      return range_found(id, asked, end, end);
    ask_offset(id, epoch, kEarliestOffset,
               [this, id, end](Followed* now, int64_t start) { range_found(id, now, end, start); });
  });
}

void ReplicaFetcher::range_found(const PartitionId& id, Followed* followed, int64_t leader_end,
                                 int64_t leader_start) {
  --unsettled_;
  if (followed) {
    followed->resolving = false;
    if (leader_start >= 0) {
      move_into(id, *followed, leader_end, leader_start);
    } else {
      back_off(id);
    }
  }
  step();
}

void ReplicaFetcher::move_into(const PartitionId& id, Followed& followed, int64_t leader_end,
                               int64_t leader_start) {
  partition::Partition& partition = *followed.partition;
  int64_t own_end = partition.log()->log_end_offset();
  if (leader_end < own_end) {
    params_.logger.warn("{}: cut at offset {} of {}, where the log of broker {} ends",
                        partition.id().to_string(), leader_end, own_end, params_.leader_id);
    stored(id, followed, partition.truncate(followed.leader_epoch, leader_end));
  } else if (leader_start > own_end) {
    begin_anew(id, followed, leader_start);
  } else {
    back_off(id);  // it lies inside by now
  }
}

void ReplicaFetcher::begin_anew(const PartitionId& id, Followed& followed, int64_t leader_start) {
  partition::Partition& partition = *followed.partition;
  params_.logger.warn("{}: begun anew at offset {}, where the log of broker {} begins",
                      partition.id().to_string(), leader_start, params_.leader_id);
  stored(id, followed, partition.start_over(followed.leader_epoch, leader_start));
}

void ReplicaFetcher::ask_offset(const PartitionId& id, int32_t leader_epoch, int64_t timestamp,
                                std::function<void(Followed*, int64_t)> then) {
  std::shared_ptr<client::Channel> channel = params_.channel();
  auto done = [self = shared_from_this(), id, leader_epoch, then](int64_t offset) {
    auto asked = self->partitions_.find(id);
    bool gone = asked == self->partitions_.end() || asked->second.leader_epoch != leader_epoch;
    then(gone ? nullptr : &asked->second, offset);
  };
  auto found = partitions_.find(id);
  if (!channel || found == partitions_.end()) return params_.loop->post([done] { done(-1); });
  ListOffsetsRequest request;
  request.replica_id = params_.broker_id;
  request.topics.push_back({.name = found->second.partition->id().topic,
                            .partitions = {{.partition_index = id.second,
                                            .current_leader_epoch = leader_epoch,
                                            .timestamp = timestamp}}});
  client::call<ListOffsetsResponse>(
      *channel, std::move(request),
      [self = shared_from_this(), done](base::Result<client::Reply<ListOffsetsResponse>> reply) {
        int64_t offset = -1;
        if (reply && reply->message.topics.size() == 1 &&
            reply->message.topics[0].partitions.size() == 1) {
          const auto& answer = reply->message.topics[0].partitions[0];
          if (answer.error_code == ErrorCode::kNone) offset = answer.offset;
        }
        self->params_.loop->post([done, offset] { done(offset); });
      });
}

}  // namespace longhaul::broker::replication
