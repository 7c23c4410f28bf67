// Topics that brokers make for themselves.
#pragma once

#include "broker/metadata/controller.h"

namespace longhaul::broker::metadata {

/// Reassigns partitions of internal topics that have fewer replicas than they are meant to
/// (offsets.topic.replication.factor) and than there are active brokers: the topic was made when
/// there were not as many. New replicas go to other racks first; none is taken away. What is being
/// moved by somebody else is left alone.
MetadataRecords raise_internal_replicas(const ControllerInput& input);

}  // namespace longhaul::broker::metadata
