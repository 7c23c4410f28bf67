// Feature levels: what this program supports and what it finalizes in a new cluster (KIP-584).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "broker/metadata/image.h"

namespace longhaul::broker::metadata {

inline constexpr const char* kMetadataVersion = "metadata.version";
inline constexpr const char* kKraftVersion = "kraft.version";
inline constexpr const char* kElrFeature = "eligible.leader.replicas.version";
/// 4.3-IV0, whose records and record versions we write.
inline constexpr int16_t kMetadataVersionLevel = 30;
/// Dynamic voters (KIP-853).
inline constexpr int16_t kKraftVersionLevel = 1;
/// Eligible leader replicas (KIP-966).
inline constexpr int16_t kElrLevel = 1;

/// By name, with kraft.version. A feature whose semantics are not built yet is not here: Kafka's
/// clients take its finalized level as a promise.
const std::map<std::string, FeatureRange>& supported_features();

/// The finalized features that this program does not support at their level, as "name level, …";
/// empty if it supports all. Such a cluster was made by Apache Kafka, or by a newer version of
/// ours.
std::string unsupported_features(const MetadataImage& image);

/// What format writes into a new cluster, without kraft.version (which raft's own records carry).
const std::map<std::string, int16_t>& default_features();

}  // namespace longhaul::broker::metadata
