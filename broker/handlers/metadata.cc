#include "protocol/messages/metadata.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "broker/handlers/auto_create.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using Errors = std::map<std::string, ErrorCode>;

constexpr int16_t kFirstVersionByIds = 12;

MetadataResponse::MetadataResponseTopic show_topic(const metadata::MetadataImage& image,
                                                   const metadata::Topic& topic,
                                                   const std::string& listener,
                                                   const MetadataRequest& request) {
  MetadataResponse::MetadataResponseTopic shown;
  shown.name = topic.name;
  shown.topic_id = topic.id;
  shown.is_internal = is_internal_topic(topic.name);
  if (request.include_topic_authorized_operations) {
    shown.topic_authorized_operations = kAllTopicOperations;
  }
  shown.partitions.reserve(topic.partitions.size());
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    const metadata::Partition& partition = *topic.partitions[i];
    PartitionView view = view_partition(image, partition, listener);
    shown.partitions.push_back({.error_code = view.error,
                                .partition_index = static_cast<int32_t>(i),
                                .leader_id = view.leader,
                                .leader_epoch = partition.leader_epoch,
                                .replica_nodes = partition.replicas,
                                .isr_nodes = partition.isr,
                                .offline_replicas = std::move(view.offline_replicas)});
  }
  return shown;
}

MetadataResponse::MetadataResponseTopic show_missing(
    const MetadataRequest::MetadataRequestTopic& wanted, const MetadataRequest& request,
    const Errors& creation_errors) {
  std::string name = wanted.name.value_or("");
  MetadataResponse::MetadataResponseTopic missing;
  missing.name = wanted.name;
  missing.topic_id = wanted.topic_id;
  missing.is_internal = is_internal_topic(name);
  missing.error_code = unknown_topic(wanted.topic_id);
  if (!wanted.topic_id.is_zero()) return missing;
  if (request.include_topic_authorized_operations) {
    missing.topic_authorized_operations = kAllTopicOperations;
  }
  auto failed = creation_errors.find(name);
  if (failed != creation_errors.end()) missing.error_code = failed->second;
  if (metadata::topic_name_problem(name)) missing.error_code = ErrorCode::kInvalidTopicException;
  return missing;
}

void show_brokers(const Services& services, const metadata::MetadataImage& image,
                  const std::string& listener, MetadataResponse& response) {
  std::vector<VisibleBroker> visible = visible_brokers(image, listener, false);
  for (const VisibleBroker& each : visible) {
    response.brokers.push_back({.node_id = each.broker->id,
                                .host = each.endpoint->host,
                                .port = each.endpoint->port,
                                .rack = each.broker->rack});
  }
  response.cluster_id = services.cluster_id;
  response.controller_id = controller_for_clients(visible, services.config.node_id);
}

/// Versions 10 and 11 have IDs in their requests, but no broker ever answered to them.
bool is_invalid(const MetadataRequest& request, int16_t version) {
  if (!request.topics || version >= kFirstVersionByIds) return false;
  return std::any_of(request.topics->begin(), request.topics->end(),
                     [](const auto& topic) { return !topic.name || !topic.topic_id.is_zero(); });
}

MetadataResponse refuse(const MetadataRequest& request) {
  MetadataResponse response;
  for (const auto& topic : *request.topics) {
    auto& refused = response.topics.emplace_back();
    refused.name = topic.name.value_or("");
    refused.topic_id = topic.topic_id;
    refused.error_code = ErrorCode::kInvalidRequest;
  }
  return response;
}

bool wants_all(const MetadataRequest& request, int16_t version) {
  return !request.topics || (version == 0 && request.topics->empty());
}

void answer(Services& services, Call& call, const MetadataRequest& request,
            const Errors& creation_errors) {
  auto image = services.image.load();
  const std::string& listener = call.request().connection()->listener;
  MetadataResponse response;
  show_brokers(services, *image, listener, response);
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  if (wants_all(request, call.version())) {
    image->topic_ids.for_each([&](const std::string&, const base::Uuid& id) {
      response.topics.push_back(show_topic(*image, *image->topic(id), listener, request));
    });
    return call.respond(response);
  }
  std::set<std::pair<std::string, base::Uuid>> shown;  // what is asked for twice is answered once
  for (const auto& wanted : *request.topics) {
    std::string name = wanted.name.value_or("");
    const metadata::Topic* topic = find_topic(*image, name, wanted.topic_id);
    bool first =
        shown.emplace(topic ? topic->name : name, topic ? topic->id : wanted.topic_id).second;
    if (!first) continue;
    response.topics.push_back(topic ? show_topic(*image, *topic, listener, request)
                                    : show_missing(wanted, request, creation_errors));
  }
  call.respond(response);
}

/// The topics asked for that are not there and may be created.
std::set<std::string> to_create(const Services& services, const MetadataRequest& request) {
  std::set<std::string> names;
  if (!request.allow_auto_topic_creation || !request.topics) return names;
  if (!services.config.boolean("auto.create.topics.enable")) return names;
  auto image = services.image.load();
  for (const auto& wanted : *request.topics) {
    if (!wanted.name || !wanted.topic_id.is_zero() || image->topic(*wanted.name)) continue;
    if (!metadata::topic_name_problem(*wanted.name)) names.insert(*wanted.name);
  }
  return names;
}

}  // namespace

void handle_metadata(Services& services, Call call) {
  auto request = call.decode<MetadataRequest>();
  if (!request) return;
  if (is_invalid(*request, call.version())) return call.respond(refuse(*request));
  std::set<std::string> missing = to_create(services, *request);
  if (missing.empty()) return answer(services, call, *request, {});
  base::EventLoop& loop = call.loop();
  auto done = [&services, call = std::move(call), request = std::move(*request)](
                  const protocol::CreateTopicsResponse& created) mutable {
    Errors errors;
    for (const auto& topic : created.topics) {
      // Somebody else was quicker: then it is there.
      if (topic.error_code == ErrorCode::kTopicAlreadyExists) continue;
      if (topic.error_code != ErrorCode::kNone) errors[topic.name] = topic.error_code;
    }
    answer(services, call, request, errors);
  };
  auto_create_topics(services, missing, loop, std::move(done));
}

}  // namespace longhaul::broker::handlers
