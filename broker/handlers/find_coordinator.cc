#include "protocol/messages/find_coordinator.h"

#include "broker/handlers/auto_create.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::FindCoordinatorRequest;
using protocol::FindCoordinatorResponse;
using Coordinator = FindCoordinatorResponse::Coordinator;

constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;
constexpr int16_t kFirstVersionWithSeveral = 4;

Coordinator refuse(const std::string& key, ErrorCode code, std::string why) {
  Coordinator refused;
  refused.key = key;
  refused.node_id = -1;
  refused.port = -1;
  refused.error_code = code;
  refused.error_message = std::move(why);
  return refused;
}

Coordinator find(const Services& services, const std::string& key, int8_t key_type,
                 const std::string& listener) {
  if (key_type == kTransaction) {
    return refuse(key, ErrorCode::kUnsupportedVersion,
                  "there are no transactions in this version of the broker");
  }
  if (key_type != kGroup) {
    return refuse(key, ErrorCode::kInvalidRequest,
                  "coordinators of type " + std::to_string(key_type) + " are not known");
  }
  auto image = services.image.load();
  const metadata::Topic* topic = image->topic(kOffsetsTopic);
  if (!topic) {
    return refuse(key, ErrorCode::kCoordinatorNotAvailable,
                  "__consumer_offsets does not exist yet");
  }
  auto count = static_cast<int32_t>(topic->partitions.size());
  int32_t index = groups::partition_of_group(key, count);
  int32_t leader = topic->partition(index)->leader;
  for (const VisibleBroker& each : visible_brokers(*image, listener, false)) {
    if (each.broker->id != leader) continue;
    Coordinator found;
    found.key = key;
    found.node_id = leader;
    found.host = each.endpoint->host;
    found.port = each.endpoint->port;
    return found;
  }
  return refuse(key, ErrorCode::kCoordinatorNotAvailable,
                "__consumer_offsets-" + std::to_string(index) + " has no leader now");
}

void answer(const Services& services, Call& call, const FindCoordinatorRequest& request) {
  const std::string& listener = call.request().connection()->listener;
  FindCoordinatorResponse response;
  if (call.version() >= kFirstVersionWithSeveral) {
    for (const std::string& key : request.coordinator_keys) {
      response.coordinators.push_back(find(services, key, request.key_type, listener));
    }
    return call.respond(response);
  }
  Coordinator found = find(services, request.key, request.key_type, listener);
  response.error_code = found.error_code;
  response.error_message = found.error_message;
  response.node_id = found.node_id;
  response.host = found.host;
  response.port = found.port;
  call.respond(response);
}

}  // namespace

void handle_find_coordinator(Services& services, Call call) {
  auto request = call.decode<FindCoordinatorRequest>();
  if (!request) return;
  bool missing = request->key_type == kGroup && !services.image.load()->topic(kOffsetsTopic);
  if (!missing) return answer(services, call, *request);
  base::EventLoop& loop = call.loop();
  auto done = [&services, call = std::move(call),
               request = std::move(*request)](const protocol::CreateTopicsResponse&) mutable {
    answer(services, call, request);  // if it could not be created, that is what this will say
  };
  auto_create_topics(services, {kOffsetsTopic}, loop, std::move(done));
}

}  // namespace longhaul::broker::handlers
