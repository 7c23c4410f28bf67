// The one partition that messages of the quorum are about, wherever a message has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/raft/types.h"

namespace longhaul::broker::raft {

template <class Topic>
bool is_metadata_topic(const Topic& topic) {
  if constexpr (requires { topic.topic_id; }) {
    return topic.topic == kMetadataTopic || topic.topic_id == metadata_topic_id();
  } else if constexpr (requires { topic.topic_name; }) {
    return topic.topic_name == kMetadataTopic;
  } else {
    return topic.name == kMetadataTopic;
  }
}

template <class Partition>
int32_t partition_index(const Partition& partition) {
  if constexpr (requires { partition.partition_index; }) {
    return partition.partition_index;
  } else if constexpr (requires { partition.partition; }) {
    return partition.partition;
  } else {
    return partition.index;
  }
}

/// Partition 0 of the metadata log if the message has that and nothing else, or null.
template <class Topic>
auto metadata_partition(const std::vector<Topic>& topics) -> decltype(&topics[0].partitions[0]) {
  bool is_alone = topics.size() == 1 && topics[0].partitions.size() == 1 &&
                  is_metadata_topic(topics[0]) && partition_index(topics[0].partitions[0]) == 0;
  return is_alone ? &topics[0].partitions[0] : nullptr;
}

/// Adds the metadata log's partition 0 to a message without topics.
template <class Topic>
auto& add_metadata_partition(std::vector<Topic>& topics) {
  Topic& topic = topics.emplace_back();
  if constexpr (requires { topic.topic_id; }) {
    topic.topic = kMetadataTopic;
    topic.topic_id = metadata_topic_id();
  } else if constexpr (requires { topic.topic_name; }) {
    topic.topic_name = kMetadataTopic;
  } else {
    topic.name = kMetadataTopic;
  }
  return topic.partitions.emplace_back();
}

/// From and to the endpoints of any message, which all have name, host and port.
template <class Listener>
std::vector<Endpoint> endpoints_of(const std::vector<Listener>& listeners) {
  std::vector<Endpoint> endpoints;
  for (const Listener& listener : listeners)
    endpoints.push_back({listener.name, listener.host, listener.port});
  return endpoints;
}
template <class Listener>
void add_listeners(const std::vector<Endpoint>& endpoints, std::vector<Listener>& listeners) {
  for (const Endpoint& endpoint : endpoints)
    listeners.push_back({endpoint.name, endpoint.host, endpoint.port});
}

}  // namespace longhaul::broker::raft
