#include <algorithm>
#include <charconv>

#include "broker/config/option_table.h"
#include "broker/handlers/handlers.h"
#include "broker/metadata/topic_name.h"
#include "broker/partition/topic_settings.h"
#include "protocol/messages/describe_configs.h"

namespace longhaul::broker::handlers {
namespace {

using metadata::ResourceType;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;
using Result = DescribeConfigsResponse::DescribeConfigsResult;
using ShownConfig = DescribeConfigsResponse::DescribeConfigsResourceResult;

class Describer {
 public:
  Describer(Services& services, const DescribeConfigsRequest& request)
      : services_(services), request_(request), image_(services.image.load()) {}

  Result describe(const DescribeConfigsRequest::DescribeConfigsResource& resource) {
    Result result;
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    switch (static_cast<ResourceType>(resource.resource_type)) {
      case ResourceType::kTopic:
        describe_topic(resource, result);
        break;
      case ResourceType::kBroker:
        describe_broker(resource, result);
        break;
      default:
        refuse(result, ErrorCode::kInvalidRequest,
               "resources of type " + std::to_string(resource.resource_type) +
                   " have no options here");
    }
    return result;
  }

 private:
  static void refuse(Result& result, ErrorCode code, std::string message) {
    result.error_code = code;
    result.error_message = std::move(message);
  }

  static bool is_wanted(const DescribeConfigsRequest::DescribeConfigsResource& resource,
                        std::string_view name) {
    if (!resource.configuration_keys || resource.configuration_keys->empty()) return true;
    const auto& keys = *resource.configuration_keys;
    return std::find(keys.begin(), keys.end(), name) != keys.end();
  }

  void describe_topic(const DescribeConfigsRequest::DescribeConfigsResource& resource,
                      Result& result) {
    if (auto problem = metadata::topic_name_problem(resource.resource_name)) {
      return refuse(result, ErrorCode::kInvalidTopicException, *problem);
    }
    if (!image_->topic(resource.resource_name)) {
      return refuse(result, ErrorCode::kUnknownTopicOrPartition,
                    "there is no topic " + resource.resource_name);
    }
    const auto& own = image_->config({ResourceType::kTopic, resource.resource_name});
    auto layers = partition::broker_layers(*image_, services_.config);
    for (const config::Option* option : config::topic_option_table().all()) {
      if (!is_wanted(resource, option->name)) continue;
      result.configs.push_back(show(config::resolve_topic_option(*option, own, layers), false));
    }
  }

  void describe_broker(const DescribeConfigsRequest::DescribeConfigsResource& resource,
                       Result& result) {
    const std::string& name = resource.resource_name;
    const auto& defaults = image_->config({ResourceType::kBroker, ""});
    if (name.empty()) {  // what was set for all brokers, and nothing else
      for (const auto& [option, value] : defaults) {
        const config::Option* known = config::broker_options().find(option);
        if (!known || !is_wanted(resource, option)) continue;
        result.configs.push_back(
            show(config::resolve_broker_option(*known, {.cluster_default = &defaults}), false));
      }
      return;
    }
    if (name != std::to_string(services_.config.node_id)) {
      return refuse(result, ErrorCode::kInvalidRequest,
                    "broker " + std::to_string(services_.config.node_id) +
                        " cannot tell the options of broker " + name);
    }
    auto layers = partition::broker_layers(*image_, services_.config);
    for (const config::Option* option : config::broker_options().all()) {
      bool gone = option->effect.kind == config::Effect::Kind::kDropped;
      if (gone || !is_wanted(resource, option->name)) continue;
      auto setting = config::resolve_broker_option(*option, layers);
      result.configs.push_back(show(setting, setting.read_only()));
    }
  }

  ShownConfig show(const config::Setting& setting, bool read_only) const {
    ShownConfig shown;
    bool hidden = setting.option->sensitive();
    shown.name = setting.option->name;
    shown.value = hidden ? std::nullopt : setting.value;
    shown.documentation = std::nullopt;
    shown.read_only = read_only;
    shown.config_source = static_cast<int8_t>(setting.source);
    shown.is_sensitive = hidden;
    shown.config_type = static_cast<int8_t>(setting.option->type);
    if (!request_.include_synonyms) return shown;
    for (const config::SettingSource& each : setting.synonyms) {
      auto& synonym = shown.synonyms.emplace_back();
      synonym.name = each.name;
      synonym.value = hidden ? std::nullopt : std::optional(each.value);
      synonym.source = static_cast<int8_t>(each.source);
    }
    return shown;
  }

  Services& services_;
  const DescribeConfigsRequest& request_;
  std::shared_ptr<const metadata::MetadataImage> image_;
};

}  // namespace

void handle_describe_configs(Services& services, Call call) {
  auto request = call.decode<DescribeConfigsRequest>();
  if (!request) return;
  Describer describer(services, *request);
  DescribeConfigsResponse response;
  for (const auto& resource : request->resources) {
    response.results.push_back(describer.describe(resource));
  }
  call.respond(response);
}

}  // namespace longhaul::broker::handlers
