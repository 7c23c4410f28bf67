#include "broker/replication/fetch_session.h"

#include <limits>

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

void FetchSession::prepare(Wanted wanted, FetchRequest& request) {
  request.session_id = id_;
  request.session_epoch = epoch_;
  if (epoch_ == 0) told_.clear();  // one that is still there is closed by this
  for (const auto& [id, partition] : wanted) {
    auto told = told_.find(id);
    if (told != told_.end() && told->second == partition) continue;
    last_of(request.topics, id.first).partitions.push_back(partition);
  }
  for (const auto& [id, partition] : told_) {
    if (wanted.contains(id)) continue;
    last_of(request.forgotten_topics_data, id.first).partitions.push_back(id.second);
  }
  told_ = std::move(wanted);
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
