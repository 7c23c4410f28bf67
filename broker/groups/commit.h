// Offsets on their way in and out: what OffsetCommit stores and OffsetFetch shows.
#pragma once

#include <vector>

#include "broker/groups/group.h"
#include "broker/groups/group_config.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"

namespace longhaul::broker::groups {

/// One OffsetCommit: what to write, what to keep once that is committed, and what to answer.
class Commit {
 public:
  /// `now_ms`: wall clock.
  Commit(const protocol::OffsetCommitRequest& request, const GroupConfig& config, int64_t now_ms);

  const std::string& group() const { return group_; }
  /// Empty if there is nothing to store: no partitions, or none that may be stored.
  std::vector<KeyValue> records() const;
  void apply(Group& group) const;
  /// The answer, given how writing went.
  protocol::OffsetCommitResponse response(protocol::ErrorCode outcome) const;

 private:
  std::string group_;
  std::vector<std::pair<OffsetKey, CommittedOffset>> accepted_;
  protocol::OffsetCommitResponse response_;  // with the errors of those not accepted
};

/// The same error for every partition of the request.
protocol::OffsetCommitResponse refuse_commit(const protocol::OffsetCommitRequest& request,
                                             protocol::ErrorCode why);

/// What a client of the coordinator is told when an append to `__consumer_offsets` failed.
protocol::ErrorCode commit_error(protocol::ErrorCode append_error);

/// Fills in what was asked for; all offsets if `request.topics` is null. -1: nothing committed.
void fill_fetched(const protocol::OffsetFetchRequest::OffsetFetchRequestGroup& request,
                  const Offsets& offsets,
                  protocol::OffsetFetchResponse::OffsetFetchResponseGroup& response);

}  // namespace longhaul::broker::groups
