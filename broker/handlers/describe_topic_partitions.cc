#include "protocol/messages/describe_topic_partitions.h"

#include <algorithm>
#include <set>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;
using protocol::ErrorCode;
using ShownTopic = DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponseTopic;

/// Fills one answer, topic by topic in the order of names, up to a number of partitions.
class Page {
 public:
  Page(const metadata::MetadataImage& image, std::string listener, int32_t limit)
      : image_(image), listener_(std::move(listener)), left_(limit) {}

  /// False once the page is full.
  bool add(const std::string& name, int32_t first_partition) {
    const metadata::Topic* topic = image_.topic(name);
    if (!topic) return add_missing(name);
    if (left_ == 0) return end_at(name, first_partition);
    ShownTopic& shown = response.topics.emplace_back();
    shown.name = topic->name;
    shown.topic_id = topic->id;
    shown.is_internal = is_internal_topic(topic->name);
    shown.topic_authorized_operations = kAllTopicOperations;
    auto count = static_cast<int32_t>(topic->partitions.size());
    for (int32_t i = std::max(first_partition, 0); i < count; ++i) {
      if (left_ == 0) return end_at(name, i);
      --left_;
      add_partition(shown, i, *topic->partition(i));
    }
    return true;
  }

  /// The whole request is wrong: every topic that it names is refused.
  void refuse(const std::set<std::string>& names) {
    for (const std::string& name : names) {
      ShownTopic& shown = response.topics.emplace_back();
      shown.name = name;
      shown.error_code = ErrorCode::kInvalidRequest;
    }
  }

  DescribeTopicPartitionsResponse response;

 private:
  bool add_missing(const std::string& name) {
    ShownTopic& shown = response.topics.emplace_back();
    shown.name = name;
    shown.topic_authorized_operations = kAllTopicOperations;
    shown.error_code = metadata::topic_name_problem(name) ? ErrorCode::kInvalidTopicException
                                                          : ErrorCode::kUnknownTopicOrPartition;
    return true;
  }

  bool end_at(const std::string& name, int32_t partition) {
    response.next_cursor.emplace();
    response.next_cursor->topic_name = name;
    response.next_cursor->partition_index = partition;
    return false;
  }

  void add_partition(ShownTopic& topic, int32_t index, const metadata::Partition& partition) {
    PartitionView view = view_partition(image_, partition, listener_);
    topic.partitions.push_back({.error_code = view.error,
                                .partition_index = index,
                                .leader_id = view.leader,
                                .leader_epoch = partition.leader_epoch,
                                .replica_nodes = partition.replicas,
                                .isr_nodes = partition.isr,
                                .eligible_leader_replicas = partition.elr,
                                .last_known_elr = partition.last_known_elr,
                                .offline_replicas = std::move(view.offline_replicas)});
  }

  const metadata::MetadataImage& image_;
  std::string listener_;
  int32_t left_;
};

}  // namespace

void handle_describe_topic_partitions(Services& services, Call call) {
  auto request = call.decode<DescribeTopicPartitionsRequest>();
  if (!request) return;
  auto image = services.image.load();
  int32_t most = services.config.integer("max.request.partition.size.limit");
  Page page(*image, call.request().connection()->listener,
            std::clamp(request->response_partition_limit, 1, std::max(1, most)));
  std::set<std::string> names;
  for (const auto& topic : request->topics) names.insert(topic.name);
  if (request->cursor) {
    const auto& cursor = *request->cursor;
    bool strange = !names.empty() && !names.contains(cursor.topic_name);
    if (strange || cursor.partition_index < 0) {
      page.refuse(names);
      return call.respond(page.response);
    }
  }
  if (names.empty()) {
    image->topic_ids.for_each(
        [&](const std::string& name, const base::Uuid&) { names.insert(name); });
  }
  auto first = names.begin();
  int32_t first_partition = 0;
  if (request->cursor) {
    first = names.lower_bound(request->cursor->topic_name);
    if (first != names.end() && *first == request->cursor->topic_name) {
      first_partition = request->cursor->partition_index;
    }
  }
  for (; first != names.end(); ++first, first_partition = 0) {
    if (!page.add(*first, first_partition)) break;
  }
  call.respond(page.response);
}

}  // namespace longhaul::broker::handlers
