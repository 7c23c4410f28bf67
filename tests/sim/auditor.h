// Reads everything there is and holds it against the history.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/committer.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// For the test itself, while actors rest: runs the simulation until its questions are answered.
class Auditor {
 public:
  Auditor(Region& region, Topics& topics, History& history)
      : world_(region.world()), region_(region), topics_(topics), history_(history) {}

  /// False if somebody died on the way; then nothing is said of what it has not come to.
  bool audit(const std::vector<std::unique_ptr<Committer>>& committers, Loss loss);

 private:
  template <class Response, class Request>
  std::optional<client::Reply<Response>> ask(int32_t node, Request request);

  bool audit_topics();
  bool audit_partition(const PartitionId& partition, Loss loss);
  /// Waits a little, and looks again who leads. False if that should not be done any more.
  bool try_again(protocol::ErrorCode code);
  std::optional<int32_t> coordinator_of(const std::string& group);
  bool audit_time(const PartitionId& partition, const Contents& contents);
  bool audit_group(Committer& committer, Loss loss);
  std::optional<int64_t> offset(const PartitionId& partition, int64_t timestamp);
  std::optional<Contents> read(const PartitionId& partition);
  /// What it has of the log from `next` on goes into `contents`; nothing if the host died.
  std::optional<protocol::ErrorCode> read_some(const PartitionId& partition, int64_t& next,
                                               Contents& contents);

  World& world_;
  Region& region_;
  Topics& topics_;
  History& history_;
  std::unique_ptr<ConnectionPool> connections_;
  std::map<PartitionId, int32_t> leaders_;
  int tries_left_ = 0;
};

}  // namespace longhaul::sim
