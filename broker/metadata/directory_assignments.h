// How a broker tells the controller in which directory each of its replicas lies (KIP-858).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/metadata/controller_client.h"
#include "broker/metadata/delta.h"

namespace longhaul::broker::metadata {

/// As in Kafka.
inline constexpr size_t kMaxAssignmentsPerRequest = 2'250;

/// For a broker of several log directories: with one, the controller knows. One request is under
/// way at a time; what it could not settle is sent again, for as long as the metadata say otherwise
/// than the disk. All on one loop; ends when destroyed.
class DirectoryAssignments : public std::enable_shared_from_this<DirectoryAssignments> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "directories"};
    ControllerClient* controller = nullptr;
    int32_t broker_id = -1;
    /// The ID of the directory where a replica lies; absent if it lies nowhere.
    std::function<std::optional<base::Uuid>(const Topic& topic, int32_t partition)> directory_of;
    int64_t retry_ms = 500;
    int64_t request_timeout_ms = 30'000;
  };

  explicit DirectoryAssignments(Params params) : params_(std::move(params)) {}

  /// A new image, once this broker's replicas are as it says.
  void follow(const Shared<MetadataImage>& image, const MetadataChanges& changes);
  /// This replica may lie elsewhere by now, or be about to.
  void look_at(const base::Uuid& topic_id, int32_t partition);
  /// Replicas that lay nowhere when the metadata named them may have been created since.
  void look_again();

 private:
  using Replica = std::pair<base::Uuid, int32_t>;  // topic and partition

  void send();
  /// The directory to tell for a replica, if that is none the metadata have.
  std::optional<base::Uuid> news_of(const Replica& replica);
  protocol::AssignReplicasToDirsRequest next_request();
  void answered(const protocol::AssignReplicasToDirsResponse& response);

  Params params_;
  Shared<MetadataImage> image_;
  std::set<Replica> due_;      // to be looked at
  std::set<Replica> sent_;     // in the request under way
  std::set<Replica> nowhere_;  // ours, but without a log
  base::TimerId retry_ = 0;
};

}  // namespace longhaul::broker::metadata
