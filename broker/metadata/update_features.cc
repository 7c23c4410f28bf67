// UpdateFeatures (KIP-584, KIP-778).
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "broker/metadata/controller.h"
#include "broker/metadata/eligible_replicas.h"
#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using Update = protocol::UpdateFeaturesRequest::FeatureUpdateKey;

/// UpgradeType of the request.
constexpr int8_t kUpgrade = 1;
constexpr int8_t kSafeDowngrade = 2;
constexpr int8_t kUnsafeDowngrade = 3;

int16_t level_of(const MetadataImage& image, const std::string& feature) {
  return feature == kKraftVersion ? image.kraft_version : image.feature_level(feature);
}

KafkaResult<> check_brokers(const MetadataImage& image, const Update& update) {
  KafkaResult<> result;
  image.brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
    auto range = broker->features.find(update.feature);
    bool supported = range != broker->features.end() &&
                     update.max_version_level >= range->second.min &&
                     update.max_version_level <= range->second.max;
    if (result && !supported && update.max_version_level != 0)
      result =
          kafka_fail(ErrorCode::kInvalidUpdateVersion,
                     fmt::format("Invalid update version {} for feature {}. Broker {} does not "
                                 "support this feature.",
                                 update.max_version_level, update.feature, id));
  });
  return result;
}

KafkaResult<> check(const ControllerInput& input, const Update& update) {
  auto refuse = [&](const std::string& why) {
    return kafka_fail(ErrorCode::kInvalidUpdateVersion,
                      fmt::format("Invalid update version {} for feature {}. {}",
                                  update.max_version_level, update.feature, why));
  };
  auto supported = supported_features().find(update.feature);
  if (supported == supported_features().end())
    return refuse(
        fmt::format("Local controller {} does not support this feature.", input.settings.node_id));
  const FeatureRange& range = supported->second;
  if (update.max_version_level < range.min || update.max_version_level > range.max)
    return refuse(fmt::format("Local controller {} only supports versions {}-{}",
                              input.settings.node_id, range.min, range.max));
  if (update.upgrade_type < kUpgrade || update.upgrade_type > kUnsafeDowngrade)
    return kafka_fail(ErrorCode::kInvalidRequest,
                      fmt::format("Unknown upgrade type {}.", update.upgrade_type));
  int16_t now = level_of(input.image, update.feature);
  if (update.max_version_level < now && update.upgrade_type == kUpgrade && !update.allow_downgrade)
    return refuse(
        "Can't downgrade the version of this feature without setting the upgrade type to "
        "either safe or unsafe downgrade.");
  if (update.max_version_level > now && update.upgrade_type >= kSafeDowngrade)
    return refuse("Can't downgrade to a newer version.");
  if (update.feature == kKraftVersion && update.max_version_level != now)
    return refuse(fmt::format("It was set to {} when the cluster was formatted.", now));
  if (update.feature == kKraftVersion) return {};
  return check_brokers(input.image, update);
}

}  // namespace

Decision<protocol::UpdateFeaturesResponse> update_features(
    const ControllerInput& input, const protocol::UpdateFeaturesRequest& request) {
  Decision<protocol::UpdateFeaturesResponse> decision;
  decision.response.error_message.reset();
  std::set<std::string> names;
  for (const Update& update : request.feature_updates) {
    KafkaResult<> checked = check(input, update);
    if (!names.insert(update.feature).second)
      checked = kafka_fail(ErrorCode::kInvalidRequest,
                           fmt::format("Feature {} appears more than once.", update.feature));
    auto& answer = decision.response.results.emplace_back();
    answer.feature = update.feature;
    answer.error_message.reset();
    if (!checked) {
      answer.error_code = checked.error().code;
      answer.error_message = checked.error().message;
      // All updates are one: the first that fails fails them all (KIP-1022).
      decision.response.error_code = checked.error().code;
      decision.response.error_message = checked.error().message;
      break;
    }
    if (level_of(input.image, update.feature) == update.max_version_level) continue;
    protocol::FeatureLevelRecord record;
    record.name = update.feature;
    record.feature_level = update.max_version_level;
    decision.records.emplace_back(std::move(record));
    if (update.feature != kElrFeature) continue;
    if (update.max_version_level > 0) {
      append_min_insync_records(input.image, input.configs, decision.records);
    } else {
      MetadataRecords end = end_elr_records(input.image);
      std::move(end.begin(), end.end(), std::back_inserter(decision.records));
    }
  }
  if (decision.records.size() > kMaxRecordsPerRequest) {
    decision.response.error_code = ErrorCode::kPolicyViolation;
    decision.response.error_message = "Too many partitions have no leader now to change so much.";
  }
  bool failed = decision.response.error_code != ErrorCode::kNone;
  if (failed || request.validate_only) decision.records.clear();
  return decision;
}

}  // namespace longhaul::broker::metadata
