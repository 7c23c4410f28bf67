// Topics as requests name them: by name in older versions, by ID in newer ones (KIP-516).
#pragma once

#include <string>

#include "base/uuid.h"
#include "broker/metadata/image.h"
#include "broker/metadata/topic_name.h"
#include "protocol/error_code.h"

namespace longhaul::broker::handlers {

/// Null if there is no such topic; `id` counts unless it is zero.
inline const metadata::Topic* find_topic(const metadata::MetadataImage& image,
                                         const std::string& name, const base::Uuid& id) {
  return id.is_zero() ? image.topic(name) : image.topic(id);
}

/// What to answer for a topic that is not there.
inline protocol::ErrorCode unknown_topic(const base::Uuid& id) {
  return id.is_zero() ? protocol::ErrorCode::kUnknownTopicOrPartition
                      : protocol::ErrorCode::kUnknownTopicId;
}

/// Kafka's topics for its own use, which clients read but do not write.
inline bool is_internal_topic(const std::string& name) {
  return name == metadata::kOffsetsTopic || name == "__transaction_state" ||
         name == "__share_group_state";
}

}  // namespace longhaul::broker::handlers
