#include "protocol/messages/delete_records.h"

#include <map>
#include <string>

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
        call.respond(response);
        remove_segments(services, response);
      });
}

}  // namespace longhaul::broker::handlers
