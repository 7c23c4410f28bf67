// The fetcher's half of an incremental fetch session (KIP-227): only what changed is sent.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/uuid.h"
#include "protocol/messages/fetch.h"

namespace longhaul::broker::replication {

/// Turns what is wanted into requests, one at a time: `prepare`, send, then `answered` or `failed`.
class FetchSession {
 public:
  using PartitionId = std::pair<base::Uuid, int32_t>;  // of topic and partition
  using Wanted = std::map<PartitionId, protocol::FetchRequest::FetchPartition>;

  /// Fills in session, topics and forgotten topics of a request that asks for all of `wanted`.
  void prepare(Wanted wanted, protocol::FetchRequest& request);
  /// False if the leader does not have this session (any longer): the next request is a full one,
  /// and the answer holds nothing.
  bool answered(const protocol::FetchResponse& response);
  /// No answer came; whether the leader has seen the request is not known.
  void failed() { epoch_ = 0; }

 private:
  int32_t id_ = 0;
  int32_t epoch_ = 0;  // of the next request; 0: a full one
  Wanted told_;        // what the leader has in the session
};

}  // namespace longhaul::broker::replication
