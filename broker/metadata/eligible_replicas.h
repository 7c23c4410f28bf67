// What eligible leader replicas (KIP-966) ask of min.insync.replicas: which replicas may still
// lead is right only as long as all leaders, and the controller, go by the same value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/metadata/config_rules.h"
#include "broker/metadata/record.h"

namespace longhaul::broker::metadata {

struct ImageStep;

/// By which the leaders of this topic are elected, as it counts on `node`.
ElectionRules election_rules(const MetadataImage& image, const ConfigRules& rules,
                             const std::string& topic, int32_t node);

/// For the log: topics whose min.insync.replicas has come to be more than they have replicas. As in
/// Kafka that is no error; all of them must be in sync then.
std::vector<std::string> min_insync_warnings(const ImageStep& step, const ConfigRules& rules,
                                             int32_t node);

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

/// For a change of options, its ConfigRecords: where another min.insync.replicas counts from now
/// on, leaders may have less acknowledged by others than the eligible replicas have been told to be
/// there, and these are eligible no more (as in Kafka). Not so where nobody leads and nothing can
/// be written: there they stay what they are.
MetadataRecords clear_elr_records(const MetadataImage& image, const MetadataRecords& changes);

/// For the moment when the feature is taken away: nobody is eligible, and where nobody leads the
/// eligible replicas are those in sync, or else the last leader is, as it would be without the
/// feature.
MetadataRecords end_elr_records(const MetadataImage& image);

}  // namespace longhaul::broker::metadata
