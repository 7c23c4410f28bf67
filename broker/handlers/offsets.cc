#include <map>

#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;
using WantedGroup = OffsetFetchRequest::OffsetFetchRequestGroup;
using FetchedGroup = OffsetFetchResponse::OffsetFetchResponseGroup;

constexpr int16_t kFirstFetchWithGroups = 8;
constexpr int16_t kFirstFetchWithTopicIds = 10;

/// Takes what does not exist out of a commit, and puts it into the answer with its error. Topics
/// that are left have their names.
OffsetCommitResponse take_unknown(const metadata::MetadataImage& image,
                                  OffsetCommitRequest& request) {
  OffsetCommitResponse refused;
  std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> known;
  for (auto& topic : request.topics) {
    const metadata::Topic* found = find_topic(image, topic.name, topic.topic_id);
    OffsetCommitResponse::OffsetCommitResponseTopic unknown;
    unknown.name = topic.name;
    unknown.topic_id = topic.topic_id;
    std::vector<OffsetCommitRequest::OffsetCommitRequestPartition> partitions;
    for (auto& each : topic.partitions) {
      if (found && found->partition(each.partition_index)) {
        partitions.push_back(std::move(each));
        continue;
      }
      ErrorCode code = found ? ErrorCode::kUnknownTopicOrPartition : unknown_topic(topic.topic_id);
      unknown.partitions.push_back({.partition_index = each.partition_index, .error_code = code});
    }
    if (!unknown.partitions.empty()) refused.topics.push_back(std::move(unknown));
    if (partitions.empty()) continue;
    topic.name = found->name;
    topic.partitions = std::move(partitions);
    known.push_back(std::move(topic));
  }
  request.topics = std::move(known);
  return refused;
}

/// The same for offsets to delete.
OffsetDeleteResponse take_unknown(const metadata::MetadataImage& image,
                                  OffsetDeleteRequest& request) {
  OffsetDeleteResponse refused;
  for (auto& topic : request.topics) {
    const metadata::Topic* found = image.topic(topic.name);
    OffsetDeleteResponse::OffsetDeleteResponseTopic unknown;
    unknown.name = topic.name;
    std::erase_if(topic.partitions, [&](const auto& each) {
      if (found && found->partition(each.partition_index)) return false;
      unknown.partitions.push_back({.partition_index = each.partition_index,
                                    .error_code = ErrorCode::kUnknownTopicOrPartition});
      return true;
    });
    if (!unknown.partitions.empty()) refused.topics.push_back(std::move(unknown));
  }
  std::erase_if(request.topics, [](const auto& topic) { return topic.partitions.empty(); });
  return refused;
}

void merge(OffsetDeleteResponse& response, OffsetDeleteResponse& refused) {
  for (auto& topic : refused.topics) {
    auto same = std::find_if(response.topics.begin(), response.topics.end(),
                             [&](const auto& each) { return each.name == topic.name; });
    if (same == response.topics.end()) {
      response.topics.push_back(std::move(topic));
      continue;
    }
    for (auto& each : topic.partitions) same->partitions.push_back(each);
  }
}

/// Adds the refused partitions to the answer, to their topic if it is there.
void merge(OffsetCommitResponse& response, OffsetCommitResponse& refused) {
  for (auto& topic : refused.topics) {
    auto same = std::find_if(response.topics.begin(), response.topics.end(), [&](const auto& each) {
      return topic.topic_id.is_zero() ? each.name == topic.name : each.topic_id == topic.topic_id;
    });
    if (same == response.topics.end()) {
      response.topics.push_back(std::move(topic));
      continue;
    }
    for (auto& each : topic.partitions) same->partitions.push_back(each);
  }
}

/// Answers for partitions of which nothing can be said.
template <class Partitions>
void refuse_partitions(const std::vector<int32_t>& indexes, ErrorCode code, Partitions& answers) {
  for (int32_t index : indexes) {
    auto& each = answers.emplace_back();
    each.partition_index = index;
    each.committed_offset = -1;
    each.metadata = "";
    each.error_code = code;
  }
}

/// One group of an OffsetFetch with topic IDs: names for the coordinator, IDs for the answer.
FetchedGroup fetch_by_ids(const metadata::MetadataImage& image, groups::GroupCoordinator& groups,
                          WantedGroup wanted) {
  FetchedGroup unknown;
  if (wanted.topics) {
    std::vector<OffsetFetchRequest::OffsetFetchRequestTopics> known;
    for (auto& topic : *wanted.topics) {
      if (const metadata::Topic* found = image.topic(topic.topic_id)) {
        topic.name = found->name;
        known.push_back(std::move(topic));
        continue;
      }
      auto& shown = unknown.topics.emplace_back();
      shown.topic_id = topic.topic_id;
      refuse_partitions(topic.partition_indexes, ErrorCode::kUnknownTopicId, shown.partitions);
    }
    wanted.topics = std::move(known);
  }
  FetchedGroup fetched = groups.fetch(wanted);
  std::erase_if(fetched.topics, [&](auto& topic) {
    if (!topic.topic_id.is_zero()) return false;
    const metadata::Topic* found = image.topic(topic.name);
    if (found) topic.topic_id = found->id;
    return found == nullptr;  // an offset of a topic that has been deleted meanwhile
  });
  for (auto& topic : unknown.topics) fetched.topics.push_back(std::move(topic));
  return fetched;
}

/// Versions before 8 ask for one group, in fields of their own.
OffsetFetchResponse fetch_one(groups::GroupCoordinator& groups, const OffsetFetchRequest& request) {
  WantedGroup wanted;
  wanted.group_id = request.group_id;
  wanted.topics.reset();  // null asks for all of them
  if (request.topics) {
    auto& topics = wanted.topics.emplace();
    for (const auto& topic : *request.topics) {
      auto& each = topics.emplace_back();
      each.name = topic.name;
      each.partition_indexes = topic.partition_indexes;
    }
  }
  FetchedGroup fetched = groups.fetch(wanted);
  OffsetFetchResponse response;
  response.error_code = fetched.error_code;
  for (auto& topic : fetched.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (auto& each : topic.partitions) {
      shown.partitions.push_back({.partition_index = each.partition_index,
                                  .committed_offset = each.committed_offset,
                                  .committed_leader_epoch = each.committed_leader_epoch,
                                  .metadata = each.metadata,
                                  .error_code = each.error_code});
    }
  }
  // Version 1 has no error for the whole: each partition carries it.
  if (fetched.error_code != ErrorCode::kNone && request.topics) {
    response.topics.clear();
    for (const auto& topic : *request.topics) {
      auto& shown = response.topics.emplace_back();
      shown.name = topic.name;
      refuse_partitions(topic.partition_indexes, fetched.error_code, shown.partitions);
    }
  }
  return response;
}

}  // namespace

void handle_offset_commit(Services& services, Call call) {
  auto request = call.decode<OffsetCommitRequest>();
  if (!request) return;
  call.release_frame();
  OffsetCommitResponse refused = take_unknown(*services.image.load(), *request);
  if (request->topics.empty() && !refused.topics.empty()) return call.respond(refused);
  services.groups_loop.post([&groups = services.groups, request = std::move(*request),
                             refused = std::move(refused), call = std::move(call)]() mutable {
    groups.commit(request, [call = std::move(call),
                            refused = std::move(refused)](OffsetCommitResponse response) mutable {
      merge(response, refused);
      call.respond(response);
    });
  });
}

void handle_offset_fetch(Services& services, Call call) {
  auto request = call.decode<OffsetFetchRequest>();
  if (!request) return;
  services.groups_loop.post([&services, request = std::move(*request),
                             call = std::move(call)]() mutable {
    if (call.version() < kFirstFetchWithGroups) {
      return call.respond(fetch_one(services.groups, request));
    }
    auto image = services.image.load();
    OffsetFetchResponse response;
    for (WantedGroup& wanted : request.groups) {
      bool by_ids = call.version() >= kFirstFetchWithTopicIds;
      response.groups.push_back(by_ids ? fetch_by_ids(*image, services.groups, std::move(wanted))
                                       : services.groups.fetch(wanted));
    }
    call.respond(response);
  });
}

void handle_offset_delete(Services& services, Call call) {
  auto request = call.decode<OffsetDeleteRequest>();
  if (!request) return;
  OffsetDeleteResponse refused = take_unknown(*services.image.load(), *request);
  services.groups_loop.post([&groups = services.groups, request = std::move(*request),
                             refused = std::move(refused), call = std::move(call)]() mutable {
    groups.remove_offsets(
        request, [call = std::move(call), refused = std::move(refused)](auto response) mutable {
          if (response.error_code == ErrorCode::kNone) merge(response, refused);
          call.respond(response);
        });
  });
}

}  // namespace longhaul::broker::handlers
