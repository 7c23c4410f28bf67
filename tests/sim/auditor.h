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
  Auditor(World& world, Host& host, Topics& topics, History& history)
      : world_(world), host_(host), topics_(topics), history_(history) {}

  /// `newest_ms`: the latest that the wall clock has been before.
  /// False if the host died on the way; then nothing is said of what it has not come to.
  bool audit(const std::vector<std::unique_ptr<Committer>>& committers, Loss loss,
             int64_t newest_ms);

 private:
  template <class Response, class Request>
  std::optional<client::Reply<Response>> ask(Request request);

  bool audit_topics();
  bool audit_partition(const PartitionId& partition, Loss loss, int64_t newest_ms);
  bool audit_time(const PartitionId& partition, const Contents& contents);
  bool audit_group(Committer& committer, Loss loss);
  std::optional<int64_t> offset(const PartitionId& partition, int64_t timestamp);
  std::optional<Contents> read(const PartitionId& partition);
  /// What it has of the log from `next` on goes into `contents`; nothing if the host died.
  std::optional<protocol::ErrorCode> read_some(const PartitionId& partition, int64_t& next,
                                               Contents& contents);

  World& world_;
  Host& host_;
  Topics& topics_;
  History& history_;
  std::shared_ptr<Connection> connection_;
};

}  // namespace longhaul::sim
