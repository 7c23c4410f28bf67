// IncrementalAlterConfigs (KIP-339) and the older AlterConfigs.
#include <fmt/core.h>

#include <charconv>
#include <iterator>
#include <map>
#include <set>

#include "broker/metadata/config_records.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/eligible_replicas.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;

KafkaResult<> check_broker(const MetadataImage& image, const std::string& name) {
  if (name.empty()) return {};  // all brokers
  int32_t id = -1;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0)
    return kafka_fail(ErrorCode::kInvalidRequest,
                      fmt::format("Invalid broker id '{}': it must be a number or empty.", name));
  if (image.broker(id) == nullptr)
    return kafka_fail(ErrorCode::kBrokerIdNotRegistered,
                      fmt::format("No broker with id {} found.", id));
  return {};
}

KafkaResult<> check_resource(const MetadataImage& image, const ConfigResource& resource) {
  switch (resource.type) {
    case ResourceType::kTopic:
      if (resource.name.empty())
        return kafka_fail(ErrorCode::kInvalidRequest, "Default topic resources are not allowed.");
      if (auto problem = topic_name_problem(resource.name))
        return kafka_fail(ErrorCode::kInvalidTopicException, *problem);
      if (image.topic(resource.name) == nullptr)
        return kafka_fail(ErrorCode::kUnknownTopicOrPartition,
                          fmt::format("The topic '{}' does not exist.", resource.name));
      return {};
    case ResourceType::kBroker:
      return check_broker(image, resource.name);
    default:
      return kafka_fail(ErrorCode::kInvalidRequest, fmt::format("Unexpected resource type {}.",
                                                                static_cast<int>(resource.type)));
  }
}

/// Names that occur twice in one resource's list.
template <class Configs>
bool has_duplicates(const Configs& configs) {
  std::set<std::string> names;
  for (const auto& config : configs) {
    if (!names.insert(config.name).second) return true;
  }
  return false;
}

template <class Configs>
std::string null_values(const Configs& configs, auto&& is_delete) {
  std::string nulls;
  for (const auto& config : configs) {
    if (!config.value && !is_delete(config)) nulls += (nulls.empty() ? "" : ",") + config.name;
  }
  return nulls;
}

/// What both requests check before they look at values.
template <class Resource>
KafkaResult<> check(const ControllerInput& input, const ConfigResource& key,
                    const Resource& resource, bool repeated, auto&& is_delete) {
  if (repeated)
    return kafka_fail(ErrorCode::kInvalidRequest, "Each resource must appear at most once.");
  if (auto known = check_resource(input.image, key); !known) return known;
  if (has_duplicates(resource.configs))
    return kafka_fail(ErrorCode::kInvalidRequest, "Error due to duplicate config keys");
  std::string nulls = null_values(resource.configs, is_delete);
  if (!nulls.empty())
    return kafka_fail(ErrorCode::kInvalidRequest, "Null value not supported for : " + nulls);
  return {};
}

KafkaResult<ConfigMap> checked_as_a_whole(const ControllerInput& input, const ConfigResource& key,
                                          ConfigMap own) {
  if (auto valid = input.configs.check(key, own); !valid) return tl::unexpected(valid.error());
  if (auto right = check_min_insync(input.image, key, own); !right)
    return tl::unexpected(right.error());
  return own;
}

KafkaResult<ConfigMap> incremental(
    const ControllerInput& input, const ConfigResource& key,
    const protocol::IncrementalAlterConfigsRequest::AlterConfigsResource& resource, bool repeated) {
  auto is_delete = [](const auto& config) {
    return config.config_operation == static_cast<int8_t>(config::Operation::kDelete);
  };
  if (auto checked = check(input, key, resource, repeated, is_delete); !checked)
    return tl::unexpected(checked.error());
  ConfigMap own = input.image.config(key);
  for (const auto& config : resource.configs) {
    if (config.config_operation < 0 || config.config_operation > 3)
      return kafka_fail(
          ErrorCode::kInvalidRequest,
          fmt::format("Unknown operation {} for {}", config.config_operation, config.name));
    auto operation = static_cast<config::Operation>(config.config_operation);
    auto done = input.configs.alter(key, own, {config.name, operation, config.value});
    if (!done) return tl::unexpected(done.error());
  }
  return checked_as_a_whole(input, key, std::move(own));
}

KafkaResult<ConfigMap> replacing(
    const ControllerInput& input, const ConfigResource& key,
    const protocol::AlterConfigsRequest::AlterConfigsResource& resource, bool repeated) {
  auto never = [](const auto&) { return false; };
  if (auto checked = check(input, key, resource, repeated, never); !checked)
    return tl::unexpected(checked.error());
  ConfigMap own;
  for (const auto& config : resource.configs) {
    auto done = input.configs.alter(key, own, {config.name, config::Operation::kSet, config.value});
    if (!done) return tl::unexpected(done.error());
  }
  return checked_as_a_whole(input, key, std::move(own));
}

/// Both requests: `values` gives the options that a resource has afterwards.
template <class Response, class Request, class Values>
Decision<Response> decide(const ControllerInput& input, const Request& request, Values&& values) {
  Decision<Response> decision;
  std::map<ConfigResource, int> times;
  auto key_of = [](const auto& resource) {
    return ConfigResource{static_cast<ResourceType>(resource.resource_type),
                          resource.resource_name};
  };
  for (const auto& resource : request.resources) ++times[key_of(resource)];
  for (const auto& resource : request.resources) {
    ConfigResource key = key_of(resource);
    auto& answer = decision.response.responses.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    answer.error_message.reset();
    KafkaResult<ConfigMap> after = values(input, key, resource, times[key] > 1);
    if (!after) {
      answer.error_code = after.error().code;
      answer.error_message = after.error().message;
      continue;
    }
    MetadataRecords records;
    append_config_records(key, input.image.config(key), *after, records);
    MetadataRecords clear = clear_elr_records(input.image, records);
    std::move(clear.begin(), clear.end(), std::back_inserter(records));
    if (decision.records.size() + records.size() > kMaxRecordsPerRequest) {
      answer.error_code = ErrorCode::kPolicyViolation;
      answer.error_message = "Excessively large number of changes per request.";
      continue;
    }
    std::move(records.begin(), records.end(), std::back_inserter(decision.records));
  }
  if (request.validate_only) decision.records.clear();
  return decision;
}

}  // namespace

Decision<protocol::IncrementalAlterConfigsResponse> incremental_alter_configs(
    const ControllerInput& input, const protocol::IncrementalAlterConfigsRequest& request) {
  return decide<protocol::IncrementalAlterConfigsResponse>(input, request, incremental);
}

Decision<protocol::AlterConfigsResponse> alter_configs(
    const ControllerInput& input, const protocol::AlterConfigsRequest& request) {
  return decide<protocol::AlterConfigsResponse>(input, request, replacing);
}

}  // namespace longhaul::broker::metadata
