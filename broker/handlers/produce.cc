#include <chrono>
#include <memory>

#include "broker/handlers/await_all.h"
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
/// To check and write more than this would hold up a reactor for milliseconds.
constexpr size_t kMaxInlineBytes = 2 << 20;

/// A partition whose records are in the log but not committed yet.
struct Uncommitted {
  std::shared_ptr<partition::Partition> partition;
  partition::ProduceResult written;
  size_t topic;  // where its answer stands
  size_t index;
};

void put_outcomes(const std::vector<Uncommitted>& parts, const std::vector<ErrorCode>& outcomes,
                  ProduceResponse& response) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (outcomes[i] == ErrorCode::kNone) continue;
    auto& answer = response.responses[parts[i].topic].partition_responses[parts[i].index];
    answer = {.index = answer.index, .error_code = outcomes[i], .base_offset = -1};
  }
}

/// One request that may append, from its decoding to its answer.
class Producing {
 public:
  Producing(Services& services, Call call, ProduceRequest request)
      : services_(services), call_(std::move(call)), request_(std::move(request)) {
    auto image = services.image.load();
    targets_.reserve(request_.topic_data.size());
    for (const auto& topic : request_.topic_data) {
      const metadata::Topic* known = find_topic(*image, topic.name, topic.topic_id);
      for (const auto& data : topic.partition_data) {
        targets_.push_back(find(known, topic.topic_id, data));
      }
    }
  }

  base::EventLoop& loop() const { return call_.loop(); }
  void hold_next() { call_.hold_next(); }

  /// True if `append` may take long.
  bool is_heavy() const {
    if (call_.request().body_size() > kMaxInlineBytes) return true;
    auto target = targets_.begin();
    for (const auto& topic : request_.topic_data) {
      for (const auto& data : topic.partition_data) {
        const Target& each = *target++;
        if (each.partition && each.partition->is_heavy(data.records->bytes)) return true;
      }
    }
    return false;
  }

  void append() {
    CodecsPool::Lease codecs(services_.codecs);
    partition::ProduceOptions options{.zstd_allowed = call_.version() >= kFirstVersionWithZstd,
                                      .now_ms = services_.clock.wall_ms()};
    auto target = targets_.begin();
    response_.responses.reserve(request_.topic_data.size());
    for (const auto& topic : request_.topic_data) {
      auto& answer = response_.responses.emplace_back();
      answer.name = topic.name;
      answer.topic_id = topic.topic_id;
      answer.partition_responses.reserve(topic.partition_data.size());
      for (const auto& data : topic.partition_data) {
        answer.partition_responses.push_back(append_one(topic, *target++, data, options, *codecs));
        failed_ |= answer.partition_responses.back().error_code != ErrorCode::kNone;
      }
    }
  }

  /// On the connection's loop.
  void answer() {
    if (request_.acks == kAcksNone) {
      // Nobody reads an error: closing makes the producer look for the leader anew (as in Kafka).
      if (failed_) return call_.close("a produce with acks=0 failed");
      return call_.respond_nothing();
    }
    if (uncommitted_.empty()) return call_.respond(response_);
    call_.release_frame();
    base::EventLoop& loop = call_.loop();
    auto connection = call_.request().connection();
    auto begin = [&parts = uncommitted_](size_t part, partition::CommitWaiter waiter) {
      parts[part].partition->await_commit(parts[part].written, std::move(waiter));
    };
    auto parts = uncommitted_;
    await_all(loop, std::move(connection), std::chrono::milliseconds(request_.timeout_ms),
              parts.size(), begin,
              [call = std::move(call_), response = std::move(response_),
               parts](const std::vector<ErrorCode>& outcomes) mutable {
                put_outcomes(parts, outcomes, response);
                call.respond(response);
              });
  }

 private:
  /// Where the records of one partition go, or why they go nowhere.
  struct Target {
    std::shared_ptr<partition::Partition> partition;
    ErrorCode error = ErrorCode::kNone;
    std::string message;
  };

  Target find(const metadata::Topic* topic, const base::Uuid& asked_id,
              const ProduceRequest::PartitionProduceData& data) const {
    if (!topic) return {nullptr, unknown_topic(asked_id), {}};
    if (is_internal_topic(topic->name)) {
      return {nullptr, ErrorCode::kInvalidTopicException,
              topic->name + " is written by brokers only"};
    }
    auto partition = services_.replicas.find(topic->name, data.index);
    if (!partition) {
      return {nullptr, services_.replicas.why_missing(topic, data.index), {}};
    }
    if (!data.records || data.records->bytes.empty()) {
      return {nullptr, ErrorCode::kInvalidRecord, "there is no record batch"};
    }
    return {std::move(partition), ErrorCode::kNone, {}};
  }

  /// Of a partition that is not there, but may be when the producer tries again.
  void note_early(const ProduceRequest::TopicProduceData& topic,
                  const ProduceRequest::PartitionProduceData& data) {
    if (!data.records) return;
    auto header = records::parse_header(data.records->bytes);
    if (!header || !header->has_producer_id()) return;
    auto image = services_.image.load();
    const metadata::Topic* known = find_topic(*image, topic.name, topic.topic_id);
    services_.replicas.note_refused(known ? known->name : topic.name, topic.topic_id, data.index,
                                    *header);
  }

  PartitionResponse append_one(const ProduceRequest::TopicProduceData& topic, Target& target,
                               const ProduceRequest::PartitionProduceData& data,
                               partition::ProduceOptions options, records::Codecs& codecs) {
    if (!target.partition) {
      note_early(topic, data);
      return refuse(data.index, {target.error, std::move(target.message), {}});
    }
    options.acks_all = request_.acks == kAcksAll ||
                       (request_.acks == kAcksLeader && target.partition->commits_on_disk());
    auto appended = target.partition->append(writable(data.records->bytes), options, codecs);
    if (!appended) return refuse(data.index, std::move(appended.error()));
    bool committed = target.partition->log()->high_watermark() >= appended->next_offset;
    if (options.acks_all && !committed) {
      uncommitted_.push_back({std::move(target.partition), *appended,
                              response_.responses.size() - 1,
                              response_.responses.back().partition_responses.size()});
    }
    return {.index = data.index,
            .error_code = ErrorCode::kNone,
            .base_offset = appended->base_offset,
            .log_append_time_ms = appended->log_append_time_ms,
            .log_start_offset = appended->log_start_offset};
  }

  static PartitionResponse refuse(int32_t index, partition::AppendFailure why) {
    PartitionResponse refused{.index = index, .error_code = why.code, .base_offset = -1};
    if (!why.message.empty()) refused.error_message = std::move(why.message);
    for (auto& each : why.record_errors) {
      refused.record_errors.push_back(
          {.batch_index = each.index, .batch_index_error_message = std::move(each.message)});
    }
    return refused;
  }

  // Records are views into the frame, which is ours to change.
  std::span<uint8_t> writable(base::ByteView view) {
    std::span<uint8_t> body = call_.body();
    return body.subspan(static_cast<size_t>(view.data() - body.data()), view.size());
  }

  Services& services_;
  Call call_;
  ProduceRequest request_;
  std::vector<Target> targets_;  // in the order of the request
  ProduceResponse response_;
  std::vector<Uncommitted> uncommitted_;
  bool failed_ = false;
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
  auto producing = std::make_unique<Producing>(services, std::move(call), std::move(*request));
  if (!producing->is_heavy()) {
    producing->append();
    return producing->answer();
  }
  producing->hold_next();  // whatever follows on this connection is to find it appended
  services.workers.post([producing = std::move(producing)]() mutable {
    producing->append();
    base::EventLoop& loop = producing->loop();
    loop.post([producing = std::move(producing)] { producing->answer(); });
  });
}

}  // namespace longhaul::broker::handlers
