#include "broker/replication/fetch_session.h"

#include <limits>
#include <utility>

namespace longhaul::broker::replication {
namespace {

using protocol::FetchRequest;

/// The entry of that topic at the end of `topics`, added if it is not there.
template <class Topic>
Topic& last_of(std::vector<Topic>& topics, const base::Uuid& id) {
  if (topics.empty() || topics.back().topic_id != id) topics.emplace_back().topic_id = id;
  return topics.back();
}

}  // namespace

void FetchSession::want(const PartitionId& id, const Wanted& partition) {
  auto [at, is_new] = wanted_.try_emplace(id, partition);
  if (!is_new && at->second == partition) return;
  at->second = partition;
  changed_.insert(id);
}

void FetchSession::drop(const PartitionId& id) {
  if (wanted_.erase(id) > 0) changed_.insert(id);
}

void FetchSession::prepare(FetchRequest& request) {
  request.session_id = id_;
  request.session_epoch = epoch_;
  if (epoch_ == 0) {  // a session that is still there is closed by this
    changed_.clear();
    told_.clear();
    for (const auto& [id, partition] : wanted_) {
      last_of(request.topics, id.first).partitions.push_back(partition);
      told_.insert(told_.end(), id);
    }
    return;
  }
  for (const PartitionId& id : std::exchange(changed_, {})) {
    auto wanted = wanted_.find(id);
    if (wanted != wanted_.end()) {
      last_of(request.topics, id.first).partitions.push_back(wanted->second);
      told_.insert(id);
    } else if (told_.erase(id) > 0) {
      last_of(request.forgotten_topics_data, id.first).partitions.push_back(id.second);
    }
  }
}

bool FetchSession::answered(const protocol::FetchResponse& response) {
  if (response.error_code != protocol::ErrorCode::kNone) {
    if (response.error_code == protocol::ErrorCode::kFetchSessionIdNotFound) id_ = 0;
    epoch_ = 0;
    return false;
  }
  if (epoch_ == 0) id_ = response.session_id;
  if (id_ == 0) return true;  // the leader has no room for a session
  epoch_ = epoch_ == std::numeric_limits<int32_t>::max() ? 1 : epoch_ + 1;
  return true;
}

}  // namespace longhaul::broker::replication
