#include "broker/handlers/auto_create.h"

#include <chrono>

namespace longhaul::broker::handlers {
namespace {

using protocol::CreateTopicsRequest;

constexpr int32_t kBrokerDefault = -1;  // KIP-464
constexpr int32_t kTimeoutMs = 30'000;

CreateTopicsRequest::CreatableTopic describe(const Services& services, const std::string& name) {
  CreateTopicsRequest::CreatableTopic topic;
  topic.name = name;
  topic.num_partitions = kBrokerDefault;
  topic.replication_factor = kBrokerDefault;
  if (name != kOffsetsTopic) return topic;
  topic.num_partitions = services.config.integer("offsets.topic.num.partitions");
  // As many replicas as there are brokers for, up to what is configured: a cluster that begins
  // with one broker can have groups, and the replicas are raised when brokers join.
  auto brokers = static_cast<int32_t>(services.image.load()->active_brokers());
  int32_t wanted = services.config.integer("offsets.topic.replication.factor");
  topic.replication_factor = static_cast<int16_t>(std::max(1, std::min(wanted, brokers)));
  topic.configs = {
      {.name = "cleanup.policy", .value = "compact"},
      {.name = "compression.type", .value = "producer"},
      {.name = "segment.bytes",
       .value = std::to_string(services.config.integer("offsets.topic.segment.bytes"))}};
  return topic;
}

}  // namespace

void auto_create_topics(Services& services, const std::set<std::string>& names,
                        base::EventLoop& loop,
                        base::Callback<void(protocol::CreateTopicsResponse)> done) {
  CreateTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  for (const std::string& name : names) request.topics.push_back(describe(services, name));
  services.controller.ask(
      &metadata::create_topics, std::move(request),
      {&loop, services.clock.monotonic() + std::chrono::milliseconds(kTimeoutMs)}, std::move(done));
}

}  // namespace longhaul::broker::handlers
