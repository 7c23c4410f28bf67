#include "protocol/messages/delete_records.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/handlers/await_all.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;
using Deleted = DeleteRecordsResponse::DeleteRecordsPartitionResult;

constexpr int64_t kNoLowWatermark = -1;

Deleted delete_from(Services& services, const metadata::Topic* topic,
                    const DeleteRecordsRequest::DeleteRecordsPartition& wanted) {
  Deleted answer{.partition_index = wanted.partition_index, .low_watermark = kNoLowWatermark};
  if (!topic) {
    answer.error_code = ErrorCode::kUnknownTopicOrPartition;
  } else if (is_internal_topic(topic->name)) {
    answer.error_code = ErrorCode::kInvalidTopicException;
  } else if (auto partition = services.replicas.find(topic->name, wanted.partition_index)) {
    auto deleted = partition->delete_records(wanted.offset);
    if (deleted) answer.low_watermark = *deleted;
    if (!deleted) answer.error_code = deleted.error().code;
  } else {
    answer.error_code = services.replicas.why_missing(topic, wanted.partition_index);
  }
  return answer;
}

/// The new starts are durable before anybody hears of them: one checkpoint for each directory.
void make_durable(Services& services, DeleteRecordsResponse& response) {
  std::map<std::string, bool> written;  // by directory
  for (auto& topic : response.topics) {
    for (auto& each : topic.partitions) {
      if (each.error_code != ErrorCode::kNone) continue;
      auto log = services.logs.get(topic.name, each.partition_index);
      auto [at, is_new] =
          written.try_emplace(services.logs.directory_of(topic.name, each.partition_index), false);
      if (is_new && log) at->second = log->write_checkpoints().has_value();
      if (!at->second)
        each = {.partition_index = each.partition_index,
                .low_watermark = kNoLowWatermark,
                .error_code = ErrorCode::kKafkaStorageError};
    }
  }
}

/// What nobody can read any more need not wait for the next look at retention.
void remove_segments(Services& services, const DeleteRecordsResponse& response) {
  for (const auto& topic : response.topics) {
    for (const auto& each : topic.partitions) {
      if (each.error_code != ErrorCode::kNone) continue;
      auto log = services.logs.get(topic.name, each.partition_index);
      if (!log) continue;
      auto removed = log->delete_old_segments(services.clock.wall_ms());
      if (!removed) services.log.warn("DeleteRecords: {}", removed.error().message);
    }
  }
}

/// A partition from which records are deleted, but not yet at all of its replicas.
struct Undeleted {
  std::shared_ptr<partition::Partition> partition;
  int64_t offset;  // from which on they stay
  size_t topic;    // where its answer stands
  size_t index;
};

std::vector<Undeleted> parts_of(Services& services, const DeleteRecordsResponse& response) {
  std::vector<Undeleted> parts;
  for (size_t topic = 0; topic < response.topics.size(); ++topic) {
    const auto& partitions = response.topics[topic].partitions;
    for (size_t index = 0; index < partitions.size(); ++index) {
      if (partitions[index].error_code != ErrorCode::kNone) continue;
      auto found =
          services.replicas.find(response.topics[topic].name, partitions[index].partition_index);
      if (found) parts.push_back({std::move(found), partitions[index].low_watermark, topic, index});
    }
  }
  return parts;
}

/// As in Kafka, it is done once all replicas that are alive have done it.
void answer_when_deleted(Services& services, Call call, DeleteRecordsResponse response,
                         int32_t timeout_ms) {
  auto parts = parts_of(services, response);
  if (parts.empty()) return call.respond(response);
  base::EventLoop& loop = call.loop();
  auto connection = call.request().connection();
  auto begin = [&parts](size_t part, partition::CommitWaiter waiter) {
    parts[part].partition->await_deletion(parts[part].offset, std::move(waiter));
  };
  auto done = [call = std::move(call), response = std::move(response),
               parts](const std::vector<ErrorCode>& outcomes) mutable {
    for (size_t i = 0; i < parts.size(); ++i) {
      if (outcomes[i] == ErrorCode::kNone) continue;
      auto& answer = response.topics[parts[i].topic].partitions[parts[i].index];
      answer.error_code = outcomes[i];
      answer.low_watermark = kNoLowWatermark;
    }
    call.respond(response);
  };
  await_all(loop, std::move(connection), std::chrono::milliseconds(timeout_ms), parts.size(), begin,
            std::move(done));
}

}  // namespace

void handle_delete_records(Services& services, Call call) {
  auto request = call.decode<DeleteRecordsRequest>();
  if (!request) return;
  call.release_frame();
  services.workers.post(
      [&services, call = std::move(call), request = std::move(*request)]() mutable {
        DeleteRecordsResponse response;
        auto image = services.image.load();
        for (const auto& topic : request.topics) {
          auto& shown = response.topics.emplace_back();
          shown.name = topic.name;
          const metadata::Topic* known = image->topic(topic.name);
          for (const auto& wanted : topic.partitions) {
            shown.partitions.push_back(delete_from(services, known, wanted));
          }
        }
        make_durable(services, response);
        remove_segments(services, response);
        base::EventLoop& loop = call.loop();
        loop.post([&services, call = std::move(call), response = std::move(response),
                   timeout_ms = request.timeout_ms]() mutable {
          answer_when_deleted(services, std::move(call), std::move(response), timeout_ms);
        });
      });
}

}  // namespace longhaul::broker::handlers
