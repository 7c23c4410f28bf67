// What eligible leader replicas (KIP-966) ask of min.insync.replicas: which replicas may still
// lead is right only as long as all leaders, and the controller, go by the same value.
#pragma once

#include "broker/metadata/config_rules.h"
#include "broker/metadata/record.h"

namespace longhaul::broker::metadata {

/// Whether eligible.leader.replicas.version is finalized above 0.
bool has_eligible_replicas(const MetadataImage& image);

/// Whether a new cluster's first records finalize it.
bool finalizes_eligible_replicas(const MetadataRecords& bootstrap);

/// For the moment when the feature is finalized: min.insync.replicas is set for all brokers, to
/// what counts for them now, and no broker keeps a value of its own.
void append_min_insync_records(const MetadataImage& image, const ConfigRules& rules,
                               MetadataRecords& records);

/// Afterwards: INVALID_CONFIG for a broker's own min.insync.replicas, and where the one of all
/// brokers goes away.
protocol::KafkaResult<> check_min_insync(const MetadataImage& image, const ConfigResource& resource,
                                         const ConfigMap& after);

}  // namespace longhaul::broker::metadata
