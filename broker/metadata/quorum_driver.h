// Carries out what raft decides: appends, flushes, remembers elections. Of one voter so far; for
// more, these are missing: a timer for `Raft::tick`, requests to and from other nodes
// (raft/wire.h), what followers do to the log, and snapshots from the leader.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/metadata/metadata_log.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::metadata {

/// Lives on the metadata loop; only fsync runs elsewhere. One flush is under way at a time, and
/// covers everything appended before it began: requests that come together are committed together.
class QuorumDriver : public std::enable_shared_from_this<QuorumDriver> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    base::Executor* io = nullptr;  ///< where fsync may block
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;  ///< used on the loop alone
    base::Logger logger{base::null_sink(), "metadata"};
    std::shared_ptr<MetadataLog> log;
    raft::ReplicaKey self;
    std::function<void(const raft::RoleChange&)> on_role;
    std::function<void(int64_t high_watermark)> on_committed;
    /// The log cannot be written any more: the node must stop, and nothing that was not yet
    /// committed will be.
    std::function<void(const base::Error&)> on_fatal;
  };

  /// A batch that was appended as leader.
  struct Appended {
    int64_t base_offset = 0;
    int64_t next_offset = 0;
    int32_t epoch = 0;
    int64_t timestamp_ms = 0;
    size_t size_bytes = 0;
  };

  explicit QuorumDriver(Params params);
  /// Takes part in the quorum from now on.
  void start();
  /// Leader only: appends a batch and has it made durable. An error leaves the log as it was.
  base::Result<Appended> append(const MetadataRecords& records);
  /// Nothing is begun any more; `idle` runs on the loop once no flush is under way.
  void stop(base::Task idle);

  const raft::Raft& raft() const { return raft_; }
  /// A snapshot was written, and the log cleaned to begin at `log_start`.
  void snapshot_written(const raft::OffsetAndEpoch& id, int64_t log_start) {
    raft_.snapshot_written(id);
    raft_.log_start_moved(log_start);
  }

 private:
  void carry_out(raft::Outputs outputs);
  base::Result<void> carry_out(const raft::AppendControl& control);
  base::Result<void> carry_out(const raft::AppendVoters& control);
  void begin_flush();
  void flushed(base::Result<int64_t> end);
  void fail(const base::Error& error);

  Params params_;
  raft::Raft raft_;
  bool flushing_ = false;
  bool flush_again_ = false;
  bool failed_ = false;
  bool stopping_ = false;
  base::Task idle_;
};

}  // namespace longhaul::broker::metadata
