// Incremental fetch sessions (KIP-227): a fetcher names its partitions once, then only changes.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"
#include "protocol/error_code.h"
#include "protocol/messages/fetch.h"

namespace longhaul::broker::handlers {

/// What a fetcher wants of one partition, and what it was last told of it.
struct FetchEntry {
  std::string topic;    // as the request named it: by name before version 13,
  base::Uuid topic_id;  // by ID from then on
  int32_t partition = 0;
  int32_t max_bytes = 0;
  int64_t fetch_offset = 0;
  int32_t current_leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
  int64_t follower_log_start_offset = -1;

  int64_t told_high_watermark = -1;
  int64_t told_log_start_offset = -1;

  /// True if an incremental answer must carry `data`; notes what the fetcher then knows.
  bool update(const protocol::FetchResponse::PartitionData& data);
};

/// The partitions of one fetcher, in the order in which they are served: who got data goes to the
/// end, so that a small max_bytes starves nobody.
class FetchEntries {
 public:
  using List = std::list<FetchEntry>;

  /// Adds the partitions of a request, or updates those that are here.
  void update(const protocol::FetchRequest& request);
  void forget(const protocol::FetchRequest& request);
  void move_to_end(List::iterator entry) { order_.splice(order_.end(), order_, entry); }
  List& in_order() { return order_; }
  size_t size() const { return order_.size(); }

 private:
  static std::string key(const std::string& topic, const base::Uuid& id, int32_t partition);

  List order_;
  std::unordered_map<std::string, List::iterator> by_key_;
};

/// One fetcher's session. While a fetch is being answered it belongs to that fetch alone.
struct FetchSession {
  int32_t id = 0;
  int32_t next_epoch = 1;
  bool uses_topic_ids = false;
  bool busy = false;
  base::Clock::Monotonic last_used{};
  FetchEntries entries;
};

/// One fetch: which partitions, and how to answer. Gives the session back when destroyed.
class FetchPlan {
 public:
  FetchPlan() = default;
  FetchPlan(FetchPlan&&) noexcept = default;
  FetchPlan& operator=(FetchPlan&&) noexcept = default;
  ~FetchPlan() = default;

  /// Not kNone: the whole request is answered with this.
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  /// For the response; 0: there is no session.
  int32_t session_id = 0;
  /// Only partitions with news belong into the response.
  bool incremental = false;

  FetchEntries& entries() { return session_ ? session_->entries : *own_; }

 private:
  friend class FetchSessionCache;
  std::shared_ptr<FetchSession> session_;  // its deleter marks it as no longer busy
  std::unique_ptr<FetchEntries> own_;
};

/// All sessions of this broker. Safe from any thread.
class FetchSessionCache {
 public:
  /// `slots`: max.incremental.fetch.session.cache.slots.
  FetchSessionCache(size_t slots, const base::Clock& clock, base::Random& random);
  ~FetchSessionCache();

  /// Finds or makes the session that the request is about, and brings it up to date.
  FetchPlan open(const protocol::FetchRequest& request, int16_t version);

  size_t size() const;

 private:
  struct Shared;
  FetchPlan full(const protocol::FetchRequest& request, int16_t version);
  FetchPlan incremental(const protocol::FetchRequest& request, int16_t version);
  std::shared_ptr<FetchSession> create();

  const size_t slots_;
  const base::Clock& clock_;
  base::Random& random_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace longhaul::broker::handlers
