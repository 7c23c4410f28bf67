#include "broker/metadata/active_controller.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/metadata/eligible_replicas.h"

namespace longhaul::broker::metadata {

using protocol::ErrorCode;
using protocol::KafkaError;

ActiveController::ActiveController(Params params) : params_(std::move(params)) {
  upkeep_ = std::make_shared<ControllerUpkeep>(ControllerUpkeep::Params{
      .loop = params_.loop,
      .clock = params_.clock,
      .logger = params_.logger,
      .settings = params_.upkeep,
      .node_id = params_.settings.node_id,
      .carry_out = [this](const auto& decide) { return carry_out(decide); },
      .reach = params_.reach});
}

base::Result<void> ActiveController::activate(Shared<MetadataImage> image,
                                              const MetadataRecords& first) {
  LH_ASSERT(in_flight_.empty(), "nothing of an earlier lead is left");
  head_ = std::move(image);
  upkeep_->begin(*head_);
  if (!first.empty()) LH_TRY(append(first));
  if (!append_left_over()) upkeep_->settle_later();
  for (Id id : std::exchange(undecided_, {})) {
    if (operations_.count(id) > 0) decide(id);
  }
  return {};
}

void ActiveController::deactivate() {
  upkeep_->end();
  head_.reset();
  in_flight_.clear();
  std::vector<Id> lost;
  for (const auto& [offset, id] : std::exchange(uncommitted_, {})) lost.push_back(id);
  for (Id id : std::exchange(undecided_, {})) lost.push_back(id);
  for (Id id : lost)
    finish(id, KafkaError{ErrorCode::kNotController, "This node is no longer the controller."});
}

void ActiveController::stop() {
  stopped_ = true;
  upkeep_->end();
  head_.reset();
  in_flight_.clear();
  uncommitted_.clear();
  undecided_.clear();
  while (!operations_.empty())
    finish(operations_.begin()->first,
           KafkaError{ErrorCode::kNotController, "The controller is shutting down."});
}

void ActiveController::submit(ControllerOperation operation) {
  auto now = params_.clock->monotonic();
  if (stopped_ || operation.deadline <= now) {
    operation.finish(stopped_
                         ? KafkaError{ErrorCode::kNotController, "The controller is shutting down."}
                         : KafkaError{ErrorCode::kRequestTimedOut, "The deadline is over."});
    return;
  }
  Id id = next_id_++;
  base::TimerId timer = params_.loop->after(operation.deadline - now, [this, id] {
    finish(id, KafkaError{ErrorCode::kRequestTimedOut,
                          is_active() ? "The change was not committed in time."
                                      : "There was no active controller in time."});
  });
  operations_.emplace(id, Waiting{std::move(operation), timer});
  if (is_active()) {
    decide(id);
  } else {
    undecided_.push_back(id);
  }
}

void ActiveController::decide(Id id) {
  auto done = carry_out(
      [&](const ControllerInput& input) { return operations_.at(id).operation.decide(input); });
  if (!done) return finish(id, KafkaError{ErrorCode::kKafkaStorageError, done.error().message});
  int64_t end = params_.driver->raft().end_offset();
  if (end <= params_.driver->raft().high_watermark()) return finish(id, std::nullopt);
  uncommitted_.emplace(end, id);
}

ControllerInput ActiveController::input() const {
  return {*head_,
          params_.driver->raft().end_offset(),
          params_.settings,
          *params_.configs,
          *params_.random,
          upkeep_->heartbeats(),
          params_.clock->monotonic()};
}

base::Result<size_t> ActiveController::carry_out(const ControllerUpkeep::Decide& decide) {
  MetadataRecords records = decide(input());
  if (!records.empty()) LH_TRY(append(records));
  // What was decided stands, also where what follows from it finds no room yet.
  if (records.size() >= kMaxRecordsPerRequest && !append_left_over()) upkeep_->settle_later();
  return records.size();
}

void ActiveController::heartbeat_connection_closed(int32_t id, int64_t epoch) {
  const Broker* broker = is_active() ? head_->broker(id) : nullptr;
  if (broker != nullptr && broker->epoch == epoch) upkeep_->connection_closed(*broker);
}

base::Result<void> ActiveController::append(const MetadataRecords& records) {
  LH_ASSIGN(auto where, params_.driver->append(records));
  MetadataDelta delta(head_);
  int64_t offset = where.base_offset;
  for (const MetadataRecord& record : records) {
    auto applied = delta.apply(record, offset++);
    LH_ASSERT(applied, "the controller's own records fit its own image");
  }
  auto after = delta.finish({where.next_offset, where.epoch}, where.timestamp_ms);
  LH_ASSERT(after, "the controller's own records fit its own image");
  in_flight_.push_back({where, {std::exchange(head_, *after), *after, delta.changes()}});
  for (const std::string& warning :
       min_insync_warnings(in_flight_.back().step, *params_.configs, params_.settings.node_id))
    params_.logger.warn("{}", warning);
  upkeep_->follow(*head_);
  return {};
}

base::Result<void> ActiveController::append_left_over() {
  for (;;) {
    MetadataRecords records = left_over(input());
    if (records.empty()) return {};
    LH_TRY(append(records));
  }
}

InFlight ActiveController::take_oldest() {
  InFlight oldest = std::move(in_flight_.front());
  in_flight_.pop_front();
  return oldest;
}

void ActiveController::committed(int64_t offset) {
  std::vector<Id> done;
  auto end = uncommitted_.upper_bound(offset);
  for (auto it = uncommitted_.begin(); it != end; ++it) done.push_back(it->second);
  uncommitted_.erase(uncommitted_.begin(), end);
  for (Id id : done) finish(id, std::nullopt);
}

void ActiveController::finish(Id id, std::optional<KafkaError> error) {
  auto found = operations_.find(id);
  if (found == operations_.end()) return;
  Waiting waiting = std::move(found->second);
  operations_.erase(found);
  params_.loop->cancel(waiting.timer);
  waiting.operation.finish(std::move(error));
}

}  // namespace longhaul::broker::metadata
