#include <map>
#include <set>

#include "broker/handlers/handlers.h"
#include "protocol/messages/describe_log_dirs.h"

namespace longhaul::broker::handlers {
namespace {

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
  for (const auto& log : services.logs.logs()) {
    if (!is_wanted(request, log->id())) continue;
    auto directory = index.find(services.logs.directory_of(log->id().topic, log->id().partition));
    if (directory == index.end()) continue;
    auto& topics = response.results[directory->second].topics;
    if (topics.empty() || topics.back().name != log->id().topic) {
      topics.emplace_back().name = log->id().topic;
    }
    topics.back().partitions.push_back({.partition_index = log->id().partition,
                                        .partition_size = static_cast<int64_t>(log->size_bytes()),
                                        .offset_lag = log->log_end_offset() - log->high_watermark(),
                                        .is_future_key = false});
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

}  // namespace longhaul::broker::handlers
