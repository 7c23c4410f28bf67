#include "broker/handlers/fetch_session.h"

#include <chrono>
#include <cstring>

namespace longhaul::broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr int32_t kNoSession = 0;
constexpr int32_t kInitialEpoch = 0;
constexpr int32_t kFinalEpoch = -1;
constexpr int16_t kFirstVersionWithTopicIds = 13;
// A session that was used more recently is not evicted for a newcomer (as in Kafka).
constexpr std::chrono::microseconds kLeastIdleForEviction = std::chrono::minutes(2);

}  // namespace

bool FetchEntry::update(const protocol::FetchResponse::PartitionData& data) {
  bool news = data.records && data.records->size() > 0;
  news |= data.high_watermark != told_high_watermark;
  news |= data.log_start_offset != told_log_start_offset;
  news |= data.preferred_read_replica >= 0;
  told_high_watermark = data.high_watermark;
  told_log_start_offset = data.log_start_offset;
  // Who meets an error or has to truncate takes over nothing else: whatever comes then is news.
  if (data.error_code != ErrorCode::kNone || data.diverging_epoch.epoch >= 0) {
    told_high_watermark = -1;
    return true;
  }
  return news;
}

std::string FetchEntries::key(const std::string& topic, const base::Uuid& id, int32_t partition) {
  std::string key(sizeof(partition), '\0');
  std::memcpy(key.data(), &partition, sizeof(partition));
  if (id.is_zero()) return key + topic;
  return key.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

void FetchEntries::update(const protocol::FetchRequest& request) {
  for (const auto& topic : request.topics) {
    for (const auto& wanted : topic.partitions) {
      std::string name = key(topic.topic, topic.topic_id, wanted.partition);
      auto [found, added] = by_key_.try_emplace(std::move(name));
      if (added) {
        found->second = order_.emplace(order_.end());
        found->second->topic = topic.topic;
        found->second->topic_id = topic.topic_id;
        found->second->partition = wanted.partition;
      }
      FetchEntry& entry = *found->second;
      entry.max_bytes = wanted.partition_max_bytes;
      entry.fetch_offset = wanted.fetch_offset;
      entry.current_leader_epoch = wanted.current_leader_epoch;
      entry.last_fetched_epoch = wanted.last_fetched_epoch;
      entry.follower_log_start_offset = wanted.log_start_offset;
    }
  }
}

void FetchEntries::forget(const protocol::FetchRequest& request) {
  for (const auto& topic : request.forgotten_topics_data) {
    for (int32_t partition : topic.partitions) {
      auto found = by_key_.find(key(topic.topic, topic.topic_id, partition));
      if (found == by_key_.end()) continue;
      order_.erase(found->second);
      by_key_.erase(found);
    }
  }
}

struct FetchSessionCache::Shared {
  std::mutex mutex;
  std::unordered_map<int32_t, std::unique_ptr<FetchSession>> sessions;

  // Lends a session to a fetch. Call with the mutex held.
  static std::shared_ptr<FetchSession> lend(const std::shared_ptr<Shared>& self,
                                            FetchSession& session) {
    session.busy = true;
    return {&session, [self](FetchSession* lent) {
              std::lock_guard lock(self->mutex);
              lent->busy = false;
            }};
  }
};

FetchSessionCache::FetchSessionCache(size_t slots, const base::Clock& clock, base::Random& random)
    : slots_(slots), clock_(clock), random_(random), shared_(std::make_shared<Shared>()) {}

FetchSessionCache::~FetchSessionCache() = default;

size_t FetchSessionCache::size() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->sessions.size();
}

FetchPlan FetchSessionCache::open(const protocol::FetchRequest& request, int16_t version) {
  bool starts_anew = request.session_epoch == kInitialEpoch || request.session_epoch == kFinalEpoch;
  return starts_anew ? full(request, version) : incremental(request, version);
}

FetchPlan FetchSessionCache::full(const protocol::FetchRequest& request, int16_t version) {
  FetchPlan plan;
  std::lock_guard lock(shared_->mutex);
  if (request.session_id != kNoSession) {
    auto old = shared_->sessions.find(request.session_id);
    if (old != shared_->sessions.end() && !old->second->busy) shared_->sessions.erase(old);
  }
  if (request.session_epoch == kInitialEpoch) plan.session_ = create();
  if (plan.session_) {
    plan.session_id = plan.session_->id;
    plan.session_->uses_topic_ids = version >= kFirstVersionWithTopicIds;
  } else {
    plan.own_ = std::make_unique<FetchEntries>();
  }
  plan.entries().update(request);
  return plan;
}

FetchPlan FetchSessionCache::incremental(const protocol::FetchRequest& request, int16_t version) {
  FetchPlan plan;
  std::lock_guard lock(shared_->mutex);
  auto found = shared_->sessions.find(request.session_id);
  if (found == shared_->sessions.end()) {
    plan.error = ErrorCode::kFetchSessionIdNotFound;
    return plan;
  }
  FetchSession& session = *found->second;
  if (session.busy || session.next_epoch != request.session_epoch) {
    plan.error = ErrorCode::kInvalidFetchSessionEpoch;
    return plan;
  }
  if (session.uses_topic_ids != (version >= kFirstVersionWithTopicIds)) {
    plan.error = ErrorCode::kFetchSessionTopicIdError;
    return plan;
  }
  session.next_epoch = session.next_epoch == INT32_MAX ? 1 : session.next_epoch + 1;
  session.last_used = clock_.monotonic();
  session.entries.update(request);
  session.entries.forget(request);
  if (session.entries.in_order().empty()) {  // one without partitions is over (KIP-227)
    plan.own_ = std::make_unique<FetchEntries>();
    shared_->sessions.erase(found);
    return plan;
  }
  plan.session_id = session.id;
  plan.incremental = true;
  plan.session_ = Shared::lend(shared_, session);
  return plan;
}

// Null if the cache is full of sessions in use: the fetch then goes without one. Called with the
// mutex held.
std::shared_ptr<FetchSession> FetchSessionCache::create() {
  auto& sessions = shared_->sessions;
  auto now = clock_.monotonic();
  if (slots_ == 0) return nullptr;
  if (sessions.size() >= slots_) {
    auto oldest = sessions.end();
    for (auto it = sessions.begin(); it != sessions.end(); ++it) {
      if (it->second->busy) continue;
      if (oldest == sessions.end() || it->second->last_used < oldest->second->last_used) {
        oldest = it;
      }
    }
    if (oldest == sessions.end() || now - oldest->second->last_used < kLeastIdleForEviction) {
      return nullptr;
    }
    sessions.erase(oldest);
  }
  int32_t id = 0;
  while (id == kNoSession || sessions.contains(id)) {
    id = static_cast<int32_t>(random_.below(INT32_MAX)) + 1;
  }
  auto session = std::make_unique<FetchSession>();
  session->id = id;
  session->last_used = now;
  FetchSession& created = *session;
  sessions.emplace(id, std::move(session));
  return Shared::lend(shared_, created);
}

}  // namespace longhaul::broker::handlers
