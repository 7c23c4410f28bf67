#include <atomic>
#include <chrono>

#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"
#include "protocol/messages/produce.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using PartitionResponse = ProduceResponse::PartitionProduceResponse;

constexpr int16_t kAcksAll = -1;
constexpr int16_t kAcksNone = 0;
constexpr int16_t kAcksLeader = 1;
constexpr int16_t kFirstVersionWithZstd = 7;

/// A partition whose records are in the log but not committed yet.
struct Uncommitted {
  std::shared_ptr<partition::Partition> partition;
  int64_t next_offset;
  size_t topic;  // where its answer stands
  size_t index;
};

/// A produce with acks=all that waits for its partitions, or for its timeout. The parts complete
/// on any thread; the answer is made on the connection's loop.
class WaitingProduce : public std::enable_shared_from_this<WaitingProduce> {
 public:
  WaitingProduce(Call call, ProduceResponse response, std::vector<Uncommitted> parts)
      : call_(std::move(call)), response_(std::move(response)), parts_(std::move(parts)) {}

  void start(int32_t timeout_ms) {
    left_ = parts_.size();
    outcomes_ = std::vector<std::atomic<int16_t>>(parts_.size());
    for (auto& each : outcomes_) each = static_cast<int16_t>(ErrorCode::kRequestTimedOut);
    timer_ = call_.loop().after(std::chrono::milliseconds(timeout_ms),
                                [self = shared_from_this()] { self->finish(); });
    for (size_t i = 0; i < parts_.size(); ++i) {
      parts_[i].partition->await_commit(
          parts_[i].next_offset,
          [self = shared_from_this(), i](ErrorCode outcome) { self->part_done(i, outcome); });
    }
  }

 private:
  void part_done(size_t i, ErrorCode outcome) {
    outcomes_[i] = static_cast<int16_t>(outcome);
    if (left_.fetch_sub(1) != 1) return;
    call_.loop().post([self = shared_from_this()] {
      self->call_.loop().cancel(self->timer_);
      self->finish();
    });
  }

  void finish() {
    if (finished_) return;
    finished_ = true;
    for (size_t i = 0; i < parts_.size(); ++i) {
      auto outcome = static_cast<ErrorCode>(outcomes_[i].load());
      if (outcome == ErrorCode::kNone) continue;
      auto& answer = response_.responses[parts_[i].topic].partition_responses[parts_[i].index];
      answer = {.index = answer.index, .error_code = outcome, .base_offset = -1};
    }
    call_.respond(response_);
  }

  Call call_;
  ProduceResponse response_;
  std::vector<Uncommitted> parts_;
  std::vector<std::atomic<int16_t>> outcomes_;
  std::atomic<size_t> left_{0};
  base::TimerId timer_ = 0;
  bool finished_ = false;  // on the loop only
};

/// Appends what one request brings, partition by partition.
class Producing {
 public:
  Producing(Services& services, Call& call, const ProduceRequest& request)
      : services_(services),
        image_(services.image.load()),
        codecs_(services.codecs),
        body_(call.body()),
        acks_all_(request.acks == kAcksAll) {
    options_.acks_all = acks_all_;
    options_.zstd_allowed = call.version() >= kFirstVersionWithZstd;
    options_.now_ms = services.clock.wall_ms();
  }

  void append(const ProduceRequest& request) {
    response.responses.reserve(request.topic_data.size());
    for (const auto& topic : request.topic_data) {
      auto& answer = response.responses.emplace_back();
      answer.name = topic.name;
      answer.topic_id = topic.topic_id;
      answer.partition_responses.reserve(topic.partition_data.size());
      const metadata::Topic* known = find_topic(*image_, topic.name, topic.topic_id);
      for (const auto& data : topic.partition_data) {
        answer.partition_responses.push_back(append_one(known, topic.topic_id, data));
        failed |= answer.partition_responses.back().error_code != ErrorCode::kNone;
      }
    }
  }

  ProduceResponse response;
  std::vector<Uncommitted> uncommitted;
  bool failed = false;

 private:
  PartitionResponse append_one(const metadata::Topic* topic, const base::Uuid& asked_id,
                               const ProduceRequest::PartitionProduceData& data) {
    auto refuse = [&](ErrorCode code, std::string message = {}) {
      PartitionResponse refused{.index = data.index, .error_code = code, .base_offset = -1};
      if (!message.empty()) refused.error_message = std::move(message);
      return refused;
    };
    if (!topic) return refuse(unknown_topic(asked_id));
    if (is_internal_topic(topic->name)) {
      return refuse(ErrorCode::kInvalidTopicException, topic->name + " is written by brokers only");
    }
    auto partition = services_.replicas.find(topic->name, data.index);
    if (!partition) {
      return refuse(topic->partition(data.index) ? ErrorCode::kNotLeaderOrFollower
                                                 : ErrorCode::kUnknownTopicOrPartition);
    }
    if (!data.records || data.records->bytes.empty()) {
      return refuse(ErrorCode::kInvalidRecord, "there is no record batch");
    }
    auto appended = partition->append(writable(data.records->bytes), options_, *codecs_);
    if (!appended) {
      partition::AppendFailure& why = appended.error();
      auto refused = refuse(why.code, std::move(why.message));
      for (auto& each : why.record_errors) {
        refused.record_errors.push_back(
            {.batch_index = each.index, .batch_index_error_message = std::move(each.message)});
      }
      return refused;
    }
    if (acks_all_ && partition->log()->high_watermark() < appended->next_offset) {
      uncommitted.push_back({std::move(partition), appended->next_offset,
                             response.responses.size() - 1,
                             response.responses.back().partition_responses.size()});
    }
    return {.index = data.index,
            .error_code = ErrorCode::kNone,
            .base_offset = appended->base_offset,
            .log_append_time_ms = appended->log_append_time_ms,
            .log_start_offset = appended->log_start_offset};
  }

  // Records are views into the frame, which is ours to change.
  std::span<uint8_t> writable(base::ByteView view) {
    return body_.subspan(static_cast<size_t>(view.data() - body_.data()), view.size());
  }

  Services& services_;
  std::shared_ptr<const metadata::MetadataImage> image_;
  CodecsPool::Lease codecs_;
  std::span<uint8_t> body_;
  bool acks_all_;
  partition::ProduceOptions options_;
};

ProduceResponse refuse_all(const ProduceRequest& request, ErrorCode code) {
  ProduceResponse response;
  for (const auto& topic : request.topic_data) {
    auto& answer = response.responses.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    for (const auto& data : topic.partition_data) {
      answer.partition_responses.push_back(
          {.index = data.index, .error_code = code, .base_offset = -1});
    }
  }
  return response;
}

}  // namespace

void handle_produce(Services& services, Call call) {
  auto request = call.decode<ProduceRequest>();
  if (!request) return;
  if (request->acks != kAcksAll && request->acks != kAcksNone && request->acks != kAcksLeader) {
    return call.respond(refuse_all(*request, ErrorCode::kInvalidRequiredAcks));
  }
  if (request->transactional_id) {
    return call.respond(refuse_all(*request, ErrorCode::kInvalidTxnState));
  }
  Producing producing(services, call, *request);
  producing.append(*request);
  if (request->acks == kAcksNone) {
    // Nobody reads an error: closing makes the producer look for the leader anew (as in Kafka).
    if (producing.failed) return call.close("a produce with acks=0 failed");
    return call.respond_nothing();
  }
  if (producing.uncommitted.empty()) return call.respond(producing.response);
  call.release_frame();
  auto waiting = std::make_shared<WaitingProduce>(std::move(call), std::move(producing.response),
                                                  std::move(producing.uncommitted));
  waiting->start(request->timeout_ms);
}

}  // namespace longhaul::broker::handlers
