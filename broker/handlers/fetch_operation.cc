#include "broker/handlers/fetch_operation.h"

#include <algorithm>

#include "broker/handlers/isolation_level.h"
#include "broker/handlers/topic_lookup.h"

namespace longhaul::broker::handlers {

using protocol::ErrorCode;
using protocol::FetchResponse;

namespace {

constexpr int16_t kFirstVersionWithRacks = 11;

void fill(FetchResponse::PartitionData& data, partition::FetchResult& result) {
  data.high_watermark = result.high_watermark;
  data.last_stable_offset = result.last_stable_offset;
  data.log_start_offset = result.log_start_offset;
  data.records->spliced_size = result.slice.size;
  if (result.diverging) {
    data.diverging_epoch = {.epoch = result.diverging->epoch,
                            .end_offset = result.diverging->end_offset};
  }
  if (!result.aborted) return;
  auto& aborted = data.aborted_transactions.emplace();
  for (const auto& each : *result.aborted) {
    aborted.push_back({.producer_id = each.producer_id, .first_offset = each.first_offset});
  }
}

}  // namespace

FetchOperation::FetchOperation(Services& services, Call call, const protocol::FetchRequest& request,
                               FetchPlan plan)
    : services_(services), call_(std::move(call)), plan_(std::move(plan)) {
  max_wait_ = std::chrono::milliseconds(std::max(request.max_wait_ms, 0));
  min_bytes_ = static_cast<uint64_t>(std::max(request.min_bytes, 0));
  int32_t most = std::min(request.max_bytes, services.config.integer("fetch.max.bytes"));
  max_bytes_ = static_cast<uint64_t>(std::max(most, 0));
  if (request.isolation_level == kReadCommitted) {
    isolation_ = partition::Isolation::kLastStableOffset;
  }
  // Version 15 moved the fetcher's ID into the replica state (KIP-903).
  bool old = request.replica_id >= 0;
  replica_id_ = old ? request.replica_id : request.replica_state.replica_id;
  if (!old) replica_epoch_ = request.replica_state.replica_epoch;
  if (replica_id_ >= 0) isolation_ = partition::Isolation::kLogEnd;
  if (replica_id_ < 0 && services.config.reads_by_rack) rack_ = request.rack_id;
}

void FetchOperation::start() {
  Gathered gathered = gather();
  if (is_enough(gathered)) return finish(std::move(gathered));
  call_.release_frame();
  timer_ = call_.loop().after(max_wait_, [self = shared_from_this()] {
    self->timer_ = 0;
    if (!self->finished_) self->finish(self->gather());
  });
  closing_ = call_.request().connection()->when_closed.add([weak = weak_from_this()] {
    if (auto self = std::static_pointer_cast<FetchOperation>(weak.lock())) self->abandon();
  });
  if (!finished_) watch_and_look();
}

void FetchOperation::notify() {
  if (notified_.exchange(true)) return;
  call_.loop().post([self = shared_from_this()] {
    if (!self->finished_) self->watch_and_look();
  });
}

// Watches first and looks then, so that no news falls between the two.
void FetchOperation::watch_and_look() {
  notified_ = false;
  auto image = services_.image.load();
  for (const FetchEntry& entry : plan_.entries().in_order()) {
    auto partition = find(*image, entry).partition;
    if (!partition) continue;
    partition->watch(weak_from_this(), isolation_);
    if (services_.config.reads_by_rack && replica_id_ >= 0)
      partition->watch(weak_from_this(), partition::Isolation::kHighWatermark);
  }
  Gathered gathered = gather();
  if (is_enough(gathered)) finish(std::move(gathered));
}

bool FetchOperation::is_enough(const Gathered& gathered) const {
  return gathered.bytes >= min_bytes_ || gathered.urgent || max_wait_.count() == 0 ||
         gathered.parts.empty();
}

FetchOperation::Gathered FetchOperation::gather() {
  auto image = services_.image.load();
  auto& entries = plan_.entries().in_order();
  Gathered gathered;
  gathered.parts.reserve(entries.size());
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    Part part = read(*image, entry, gathered.bytes);
    gathered.bytes += part.slice.size;
    // What a follower serves to consumers ends at the high watermark that it knows (KAFKA-9731).
    gathered.urgent |= services_.config.reads_by_rack && replica_id_ >= 0 &&
                       part.data.high_watermark > entry->told_high_watermark;
    gathered.urgent |= part.data.error_code != ErrorCode::kNone ||
                       part.data.diverging_epoch.epoch >= 0 ||
                       part.data.preferred_read_replica >= 0;
    gathered.parts.push_back(std::move(part));
  }
  looked_ = true;
  return gathered;
}

FetchOperation::Found FetchOperation::find(const metadata::MetadataImage& image,
                                           const FetchEntry& entry) const {
  const metadata::Topic* topic = find_topic(image, entry.topic, entry.topic_id);
  if (!topic) return {nullptr, unknown_topic(entry.topic_id)};
  if (auto partition = services_.replicas.find(topic->name, entry.partition)) {
    return {std::move(partition), ErrorCode::kNone};
  }
  return {nullptr, services_.replicas.why_missing(topic, entry.partition)};
}

FetchOperation::Part FetchOperation::read(const metadata::MetadataImage& image,
                                          FetchEntries::List::iterator entry,
                                          uint64_t bytes_so_far) const {
  Part part{entry, {}, {}, false};
  part.data.partition_index = entry->partition;
  part.data.high_watermark = -1;
  part.data.records = protocol::Records{};
  auto [partition, error] = find(image, *entry);
  if (!partition) {
    part.data.error_code = error;
    return part;
  }
  part.data.aborted_transactions.reset();
  if (!rack_.empty() && refer(image, *partition, *entry, part.data)) return part;
  uint64_t left = max_bytes_ - std::min(max_bytes_, bytes_so_far);
  auto wanted = static_cast<uint64_t>(std::max(entry->max_bytes, 0));
  partition::FetchOptions options{.offset = entry->fetch_offset,
                                  .max_bytes = std::min(left, wanted),
                                  .at_least_one_batch = bytes_so_far == 0,
                                  .current_leader_epoch = entry->current_leader_epoch,
                                  .last_fetched_epoch = entry->last_fetched_epoch,
                                  .isolation = isolation_};
  options.from_any_replica = replica_id_ < 0 && call_.version() >= kFirstVersionWithRacks;
  if (replica_id_ >= 0 && !looked_) {
    options.follower = {.broker_id = replica_id_,
                        .broker_epoch = replica_epoch_,
                        .log_start_offset = entry->follower_log_start_offset};
  }
  throttle(*partition, part, options);
  auto result = partition->fetch(options);
  if (!result) {
    part.data.error_code = result.error().code;
    return part;
  }
  fill(part.data, *result);
  part.slice = std::move(result->slice);
  return part;
}

// Of a follower that is held back we still learn how far it has come.
void FetchOperation::throttle(const partition::Partition& partition, Part& part,
                              partition::FetchOptions& options) const {
  bool is_counted = replica_id_ >= 0 && services_.leader_quota.is_limited();
  part.throttled = is_counted && partition.is_throttled_as_leader();
  if (!part.throttled || partition.is_in_sync(replica_id_)) return;
  if (!services_.leader_quota.is_exceeded()) return;
  options.max_bytes = 0;
  options.at_least_one_batch = false;
}

bool FetchOperation::refer(const metadata::MetadataImage& image, partition::Partition& partition,
                           const FetchEntry& entry, FetchResponse::PartitionData& data) const {
  auto is_near = [&](int32_t id) {
    const metadata::Broker* broker = image.broker(id);
    return broker && !broker->fenced && broker->rack == rack_;
  };
  auto nearer = partition.nearer_replica(entry.fetch_offset, is_near);
  if (!nearer) return false;
  const auto log = partition.log();
  data.preferred_read_replica = *nearer;
  data.high_watermark = log->high_watermark();
  data.last_stable_offset = log->last_stable_offset();
  data.log_start_offset = log->log_start_offset();
  return true;
}

void FetchOperation::stop_waiting() {
  finished_ = true;
  call_.loop().cancel(std::exchange(timer_, 0));
  call_.request().connection()->when_closed.remove(std::exchange(closing_, 0));
}

void FetchOperation::abandon() {
  stop_waiting();
  call_.respond_nothing();
  plan_ = {};
}

void FetchOperation::finish(Gathered gathered) {
  stop_waiting();
  FetchResponse response;
  response.session_id = plan_.session_id;
  std::vector<base::FileSlice> slices;
  for (Part& part : gathered.parts) {
    bool news = part.entry->update(part.data);
    if (plan_.incremental && !news) continue;
    auto& topics = response.responses;
    bool same_topic = !topics.empty() && topics.back().topic == part.entry->topic &&
                      topics.back().topic_id == part.entry->topic_id;
    if (!same_topic) {
      topics.push_back({.topic = part.entry->topic, .topic_id = part.entry->topic_id});
    }
    if (part.throttled) services_.leader_quota.count(part.slice.size);
    if (!part.slice.empty()) {
      slices.push_back(std::move(part.slice));
      plan_.entries().move_to_end(part.entry);
    }
    topics.back().partitions.push_back(std::move(part.data));
  }
  call_.respond(response, std::move(slices));
  plan_ = {};  // the session is free for the next fetch
}

}  // namespace longhaul::broker::handlers
