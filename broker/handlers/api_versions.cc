#include "protocol/messages/api_versions.h"

#include "broker/handlers/dispatcher.h"
#include "broker/handlers/handlers.h"
#include "broker/metadata/features.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ApiVersionsResponse;
using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithFeaturesFrom0 = 4;

void list_apis(ApiVersionsResponse& response, bool controller) {
  for (const ApiHandler& handler : api_handlers()) {
    if (!(controller ? handler.on_controller : handler.on_broker)) continue;
    const protocol::ApiInfo& api = *protocol::find_api(handler.key);
    response.api_keys.push_back({.api_key = static_cast<int16_t>(api.key),
                                 .min_version = api.advertised_min_version(),
                                 .max_version = api.max_stable_version()});
  }
}

void list_features(ApiVersionsResponse& response, const metadata::MetadataImage& image,
                   int16_t version) {
  for (const auto& [name, range] : metadata::supported_features()) {
    // Clients of before version 4 fail on a range that begins at 0 (KIP-584, KAFKA-17011).
    if (range.min == 0 && version < kFirstVersionWithFeaturesFrom0) continue;
    response.supported_features.push_back(
        {.name = name, .min_version = range.min, .max_version = range.max});
  }
  for (const auto& [name, level] : image.finalized_features()) {
    response.finalized_features.push_back(
        {.name = name, .max_version_level = level, .min_version_level = level});
  }
  response.finalized_features_epoch = image.provenance.offset;
}

// KIP-511: names of what a person would write, nothing that could harm a log or a metric.
bool is_acceptable(const std::string& text) {
  if (text.empty()) return false;
  auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (!plain(text.front()) || !plain(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

}  // namespace

void handle_api_versions(Services& services, Call call) {
  bool controller = call.request().connection()->controller_listener;
  const protocol::ApiInfo& api = *protocol::find_api(protocol::ApiKey::kApiVersions);
  ApiVersionsResponse response;
  if (!api.has_version(call.version())) {
    // Version 0 is what every client can read; it finds there what else it may ask with.
    response.error_code = ErrorCode::kUnsupportedVersion;
    list_apis(response, controller);
    return call.respond_as(response, 0, {});
  }
  auto request = call.decode<protocol::ApiVersionsRequest>();
  if (!request) return;
  if (call.version() >= 3) {
    if (!is_acceptable(request->client_software_name) ||
        !is_acceptable(request->client_software_version)) {
      response.error_code = ErrorCode::kInvalidRequest;
      return call.respond(response);
    }
    call.request().connection()->client_software_name = request->client_software_name;
    call.request().connection()->client_software_version = request->client_software_version;
  }
  list_apis(response, controller);
  list_features(response, *services.image.load(), call.version());
  call.respond(response);
}

}  // namespace longhaul::broker::handlers
