#include <algorithm>
#include <map>
#include <string>

#include "broker/handlers/handlers.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/describe_log_dirs.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::AlterReplicaLogDirsRequest;
using protocol::AlterReplicaLogDirsResponse;
using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using protocol::ErrorCode;

bool is_wanted(const DescribeLogDirsRequest& request, const log::TopicPartition& id) {
  if (!request.topics) return true;
  for (const auto& topic : *request.topics) {
    if (topic.topic != id.topic) continue;
    for (int32_t partition : topic.partitions) {
      if (partition == id.partition) return true;
    }
  }
  return false;
}

/// By how much a log's end lies behind the partition's high watermark, or that of a copy behind the
/// end of the log; -1 if that is not known.
int64_t lag_of(const Services& services, const log::HeldLog& held) {
  int64_t end = held.log->log_end_offset();
  if (!held.is_future) return std::max<int64_t>(held.log->high_watermark() - end, 0);
  auto log = services.logs.get(held.log->id().topic, held.log->id().partition);
  return log ? log->log_end_offset() - end : -1;
}

DescribeLogDirsResponse describe(Services& services, const DescribeLogDirsRequest& request) {
  DescribeLogDirsResponse response;
  std::map<std::string, size_t> index;
  for (const log::LogDirStatus& directory : services.logs.directories()) {
    auto& shown = response.results.emplace_back();
    shown.log_dir = directory.path;
    if (!directory.failure.empty()) {
      shown.error_code = ErrorCode::kKafkaStorageError;
      continue;
    }
    shown.total_bytes = static_cast<int64_t>(directory.space.total_bytes);
    shown.usable_bytes = static_cast<int64_t>(directory.space.usable_bytes);
    index[directory.path] = response.results.size() - 1;
  }
  for (const log::HeldLog& held : services.logs.held()) {
    const log::Log& log = *held.log;
    auto directory = index.find(held.directory);
    if (!is_wanted(request, log.id()) || directory == index.end()) continue;
    auto& topics = response.results[directory->second].topics;
    if (topics.empty() || topics.back().name != log.id().topic) {
      topics.emplace_back().name = log.id().topic;
    }
    topics.back().partitions.push_back({.partition_index = log.id().partition,
                                        .partition_size = static_cast<int64_t>(log.size_bytes()),
                                        .offset_lag = lag_of(services, held),
                                        .is_future_key = held.is_future});
  }
  return response;
}

/// A partition that is named twice goes where it is named last.
using Destinations = std::map<std::string, std::map<int32_t, std::string>>;

AlterReplicaLogDirsResponse alter(Services& services, const Destinations& destinations) {
  AlterReplicaLogDirsResponse response;
  auto image = services.image.load();
  for (const auto& [name, partitions] : destinations) {
    auto& result = response.results.emplace_back();
    result.topic_name = name;
    for (const auto& [index, directory] : partitions) {
      ErrorCode outcome = services.mover.move(image->topic(name), {name, index}, directory);
      result.partitions.push_back({.partition_index = index, .error_code = outcome});
    }
  }
  return response;
}

}  // namespace

void handle_describe_log_dirs(Services& services, Call call) {
  auto request = call.decode<DescribeLogDirsRequest>();
  if (!request) return;
  call.release_frame();
  services.workers.post(
      [&services, call = std::move(call), request = std::move(*request)]() mutable {
        call.respond(describe(services, request));
      });
}

void handle_alter_replica_log_dirs(Services& services, Call call) {
  auto request = call.decode<AlterReplicaLogDirsRequest>();
  if (!request) return;
  Destinations destinations;
  for (const auto& directory : request->dirs) {
    for (const auto& topic : directory.topics) {
      for (int32_t partition : topic.partitions) {
        destinations[topic.name][partition] = directory.path;
      }
    }
  }
  call.release_frame();
  services.workers.post(
      [&services, call = std::move(call), destinations = std::move(destinations)]() mutable {
        call.respond(alter(services, destinations));
      });
}

}  // namespace longhaul::broker::handlers
