// AllocateProducerIds (KIP-730).
#include <algorithm>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {

Decision<protocol::AllocateProducerIdsResponse> allocate_producer_ids(
    const ControllerInput& input, const protocol::AllocateProducerIdsRequest& request) {
  using protocol::ErrorCode;
  Decision<protocol::AllocateProducerIdsResponse> decision;
  decision.response.error_code =
      check_broker_epoch(input.image, request.broker_id, request.broker_epoch);
  if (decision.response.error_code != ErrorCode::kNone) return decision;
  int64_t first = static_cast<int64_t>(input.settings.region_ordinal) << kProducerIdRegionShift;
  int64_t size = int64_t{1} << kProducerIdRegionShift;
  int64_t start = std::max(input.image.next_producer_id, first);
  // Beyond the region's range: its ordinal was changed downwards, or 2^48 IDs were used up.
  if (start - first > size - kProducerIdBlock) {
    decision.response.error_code = ErrorCode::kUnknownServerError;
    return decision;
  }
  protocol::ProducerIdsRecord record;
  record.broker_id = request.broker_id;
  record.broker_epoch = request.broker_epoch;
  record.next_producer_id = start + kProducerIdBlock;
  decision.records.emplace_back(record);
  decision.response.producer_id_start = start;
  decision.response.producer_id_len = kProducerIdBlock;
  return decision;
}

}  // namespace longhaul::broker::metadata
