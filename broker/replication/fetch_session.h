// The fetcher's half of an incremental fetch session (KIP-227): only what changed is sent.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/uuid.h"
#include "protocol/messages/fetch.h"

namespace longhaul::broker::replication {

/// What is to be fetched, and what of it the leader knows. One request at a time: `prepare`, send,
/// then `answered` or `failed`. A request costs what changed since the last one, not what there is.
class FetchSession {
 public:
  using PartitionId = std::pair<base::Uuid, int32_t>;  // of topic and partition
  using Wanted = protocol::FetchRequest::FetchPartition;

  /// From here on, until something else is wanted of this partition.
  void want(const PartitionId& id, const Wanted& partition);
  void drop(const PartitionId& id);
  bool empty() const { return wanted_.empty(); }
  /// True if the next request, or the one under way, names everything that is wanted.
  bool is_full() const { return epoch_ == 0; }

  /// Fills in session, topics and forgotten topics of a request that asks for all that is wanted.
  void prepare(protocol::FetchRequest& request);
  /// False if the leader does not have this session (any longer): the next request is a full one,
  /// and the answer holds nothing.
  bool answered(const protocol::FetchResponse& response);
  /// No answer came; whether the leader has seen the request is not known.
  void failed() { epoch_ = 0; }

 private:
  int32_t id_ = 0;
  int32_t epoch_ = 0;  // of the next request; 0: a full one
  std::map<PartitionId, Wanted> wanted_;
  std::set<PartitionId> told_;     // what the leader has in the session
  std::set<PartitionId> changed_;  // since the last request
};

}  // namespace longhaul::broker::replication
