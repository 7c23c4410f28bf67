// The records of the metadata log: which ones we know, and their bytes
// (docs/formats/metadata-log.md).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/messages/abort_transaction_record.h"
#include "protocol/messages/begin_transaction_record.h"
#include "protocol/messages/broker_registration_change_record.h"
#include "protocol/messages/clear_elr_record.h"
#include "protocol/messages/config_record.h"
#include "protocol/messages/end_transaction_record.h"
#include "protocol/messages/feature_level_record.h"
#include "protocol/messages/fence_broker_record.h"
#include "protocol/messages/no_op_record.h"
#include "protocol/messages/partition_change_record.h"
#include "protocol/messages/partition_record.h"
#include "protocol/messages/producer_ids_record.h"
#include "protocol/messages/register_broker_record.h"
#include "protocol/messages/register_controller_record.h"
#include "protocol/messages/remove_topic_record.h"
#include "protocol/messages/topic_record.h"
#include "protocol/messages/unfence_broker_record.h"
#include "protocol/messages/unregister_broker_record.h"

namespace longhaul::broker::metadata {

/// Every kind of record that we read. Others end the start with an error: skipping what a newer
/// version or Apache Kafka decided would be wrong silently.
using MetadataRecord = std::variant<
    protocol::RegisterBrokerRecord, protocol::UnregisterBrokerRecord, protocol::TopicRecord,
    protocol::PartitionRecord, protocol::ConfigRecord, protocol::PartitionChangeRecord,
    protocol::FenceBrokerRecord, protocol::UnfenceBrokerRecord, protocol::RemoveTopicRecord,
    protocol::FeatureLevelRecord, protocol::ProducerIdsRecord,
    protocol::BrokerRegistrationChangeRecord, protocol::NoOpRecord,
    protocol::BeginTransactionRecord, protocol::EndTransactionRecord,
    protocol::AbortTransactionRecord, protocol::RegisterControllerRecord, protocol::ClearElrRecord>;

using MetadataRecords = std::vector<MetadataRecord>;

/// The value of a record in the log: frame version 1, API key and version as varints, then the
/// body, in the version that metadata.version 4.3-IV0 writes.
base::Bytes encode_record(const MetadataRecord& record);

/// The reverse. kCorrupt, or kUnsupported for a record or version that is not known here.
base::Result<MetadataRecord> decode_record(base::ByteView value);

/// "TopicRecord", for messages.
const char* record_name(const MetadataRecord& record);

}  // namespace longhaul::broker::metadata
