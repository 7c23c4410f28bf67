// Kafka's APIs: keys, names, versions, where each is served.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "protocol/api_key.h"

namespace longhaul::protocol {

/// `first_flexible` of what never has compact encodings and tagged fields.
inline constexpr int16_t kNeverFlexible = std::numeric_limits<int16_t>::max();

struct ApiInfo {
  ApiKey key;
  std::string_view name;  ///< "Produce"
  int16_t min_version;
  int16_t max_version;
  int16_t first_flexible;  ///< or kNeverFlexible
  bool on_broker;
  bool on_controller;
  bool latest_unstable;  ///< max_version may still change in Kafka

  bool has_version(int16_t version) const {
    return min_version <= version && version <= max_version;
  }
  /// The newest version that Kafka calls stable: what a server offers unless told otherwise.
  int16_t max_stable_version() const {
    return static_cast<int16_t>(max_version - (latest_unstable ? 1 : 0));
  }
  /// What an ApiVersions answer gives as the oldest version. For Produce that is 0, although 0 to 2
  /// are gone: older librdkafka takes a broker without them for one that cannot compress.
  int16_t advertised_min_version() const { return key == ApiKey::kProduce ? 0 : min_version; }
};

/// All of them in the order of their keys.
std::span<const ApiInfo> apis();
/// nullptr when no API has this key.
const ApiInfo* find_api(int16_t key);
inline const ApiInfo* find_api(ApiKey key) { return find_api(static_cast<int16_t>(key)); }
/// "Produce"; "unknown" for a key of no API.
std::string_view name(ApiKey key);

/// The version of the request header that goes with a request: 2 where the request is flexible,
/// else 1.
int16_t request_header_version(const ApiInfo& api, int16_t version);
/// The same for responses: 1 where the response is flexible, else 0. ApiVersions always has 0,
/// because a client reads that answer before it knows what the server speaks (KIP-511).
int16_t response_header_version(const ApiInfo& api, int16_t version);

}  // namespace longhaul::protocol
