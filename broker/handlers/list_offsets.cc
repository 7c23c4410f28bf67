#include "protocol/messages/list_offsets.h"

#include <map>
#include <string>

#include "broker/handlers/handlers.h"
#include "broker/handlers/isolation_level.h"
#include "protocol/messages/offset_for_leader_epoch.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

// Timestamps with a meaning of their own.
constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;           // KIP-734
constexpr int64_t kEarliestLocal = -4;          // KIP-405: the earliest one, as nothing is remote
constexpr int64_t kLatestTiered = -5;           // KIP-1005: none, likewise
constexpr int64_t kEarliestPendingUpload = -6;  // KIP-1023: none, likewise
constexpr int16_t kFirstVersionWithEpochs = 4;
constexpr int16_t kFirstVersionToWait = 5;

using Answer = ListOffsetsResponse::ListOffsetsPartitionResponse;

/// Looks a record up by its time: reads the log.
Answer by_time(const partition::Partition& partition, int64_t timestamp, int64_t upper_bound,
               Answer answer) {
  auto log = partition.log();
  auto found = timestamp == kMaxTimestamp ? log->offset_of_max_timestamp()
                                          : log->offset_for_timestamp(timestamp);
  // Its files go when another has taken its place.
  if (!found && log != partition.log()) {
    return by_time(partition, timestamp, upper_bound, answer);
  }
  if (!found) {
    answer.error_code = ErrorCode::kKafkaStorageError;
    return answer;
  }
  if (!*found || (*found)->offset >= upper_bound) return answer;
  answer.timestamp = (*found)->timestamp;
  answer.offset = (*found)->offset;
  answer.leader_epoch = (*found)->leader_epoch;
  return answer;
}

/// A timestamp below 0 is a question of its own, and each came with a version.
bool is_known(int64_t timestamp, int16_t version) {
  switch (timestamp) {
    case kMaxTimestamp:
      return version >= 7;
    case kEarliestLocal:
      return version >= 8;
    case kLatestTiered:
      return version >= 9;
    case kEarliestPendingUpload:
      return version >= 11;
    default:
      return timestamp >= kEarliest;
  }
}

Answer look_up(const partition::Partition& partition,
               const ListOffsetsRequest::ListOffsetsPartition& wanted,
               partition::Isolation isolation) {
  Answer answer{.partition_index = wanted.partition_index};
  answer.error_code = partition.check_leader(wanted.current_leader_epoch);
  if (answer.error_code != ErrorCode::kNone) return answer;
  const auto log = partition.log();
  int64_t upper_bound = partition.upper_bound(isolation);
  switch (wanted.timestamp) {
    case kLatest:
      if (partition.is_catching_up(isolation)) {
        answer.error_code = ErrorCode::kOffsetNotAvailable;
        return answer;
      }
      answer.offset = upper_bound;
      answer.leader_epoch = log->latest_epoch().value_or(-1);
      return answer;
    case kEarliest:
    case kEarliestLocal:
      answer.offset = log->log_start_offset();
      answer.leader_epoch = log->epoch_of_offset(answer.offset).value_or(-1);
      return answer;
    case kLatestTiered:
    case kEarliestPendingUpload:
      return answer;
    default:
      answer = by_time(partition, wanted.timestamp, upper_bound, answer);
      if (answer.error_code == ErrorCode::kNone && answer.offset < 0 &&
          partition.is_catching_up(isolation))
        answer.error_code = ErrorCode::kOffsetNotAvailable;
      return answer;
  }
}

Answer answer_for(Services& services, const metadata::MetadataImage& image,
                  const std::string& topic, const ListOffsetsRequest::ListOffsetsPartition& wanted,
                  partition::Isolation isolation, int16_t version) {
  auto refuse = [&](ErrorCode why) {
    return Answer{.partition_index = wanted.partition_index, .error_code = why};
  };
  if (!is_known(wanted.timestamp, version)) return refuse(ErrorCode::kUnsupportedVersion);
  if (auto partition = services.replicas.find(topic, wanted.partition_index)) {
    return look_up(*partition, wanted, isolation);
  }
  return refuse(services.replicas.why_missing(image.topic(topic), wanted.partition_index));
}

/// A follower sees all there is.
partition::Isolation isolation_of(const ListOffsetsRequest& request) {
  if (request.replica_id >= 0) return partition::Isolation::kLogEnd;
  return request.isolation_level == kReadCommitted ? partition::Isolation::kLastStableOffset
                                                   : partition::Isolation::kHighWatermark;
}

/// Older versions know no epochs, and no OFFSET_NOT_AVAILABLE (KIP-207).
void fit(Answer& answer, int16_t version) {
  if (version < kFirstVersionWithEpochs) answer.leader_epoch = -1;
  if (version < kFirstVersionToWait && answer.error_code == ErrorCode::kOffsetNotAvailable)
    answer.error_code = ErrorCode::kLeaderNotAvailable;
}

ListOffsetsResponse list_offsets(Services& services, const ListOffsetsRequest& request,
                                 int16_t version) {
  ListOffsetsResponse response;
  auto image = services.image.load();
  partition::Isolation isolation = isolation_of(request);
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    std::map<int32_t, size_t> places;
    for (const auto& wanted : topic.partitions) {
      auto [place, first] = places.emplace(wanted.partition_index, shown.partitions.size());
      if (!first) {  // one partition, two questions: neither is answered
        shown.partitions[place->second] = {.partition_index = wanted.partition_index,
                                           .error_code = ErrorCode::kInvalidRequest};
        continue;
      }
      shown.partitions.push_back(
          answer_for(services, *image, topic.name, wanted, isolation, version));
    }
  }
  for (auto& topic : response.topics) {
    for (auto& each : topic.partitions) fit(each, version);
  }
  return response;
}

bool reads_the_log(const ListOffsetsRequest& request) {
  for (const auto& topic : request.topics) {
    for (const auto& wanted : topic.partitions) {
      if (wanted.timestamp >= 0 || wanted.timestamp == kMaxTimestamp) return true;
    }
  }
  return false;
}

}  // namespace

void handle_list_offsets(Services& services, Call call) {
  auto request = call.decode<ListOffsetsRequest>();
  if (!request) return;
  if (!reads_the_log(*request)) {
    return call.respond(list_offsets(services, *request, call.version()));
  }
  call.release_frame();
  services.workers.post(
      [&services, call = std::move(call), request = std::move(*request)]() mutable {
        call.respond(list_offsets(services, request, call.version()));
      });
}

void handle_offset_for_leader_epoch(Services& services, Call call) {
  auto request = call.decode<protocol::OffsetForLeaderEpochRequest>();
  if (!request) return;
  protocol::OffsetForLeaderEpochResponse response;
  auto image = services.image.load();
  for (const auto& topic : request->topics) {
    auto& shown = response.topics.emplace_back();
    shown.topic = topic.topic;
    for (const auto& wanted : topic.partitions) {
      auto& answer = shown.partitions.emplace_back();
      answer.partition = wanted.partition;
      auto partition = services.replicas.find(topic.topic, wanted.partition);
      if (!partition) {
        answer.error_code =
            services.replicas.why_missing(image->topic(topic.topic), wanted.partition);
        continue;
      }
      auto end = partition->end_offset_for_epoch(wanted.leader_epoch, wanted.current_leader_epoch);
      if (!end) {
        answer.error_code = end.error().code;
        continue;
      }
      answer.leader_epoch = end->epoch;
      answer.end_offset = end->end_offset;
    }
  }
  call.respond(response);
}

}  // namespace longhaul::broker::handlers
