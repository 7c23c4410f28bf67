// Opens the directory of a log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/log/log.h"

namespace longhaul::broker::log {

/// One use: makes a log out of what its directory holds. Nobody else sees the log meanwhile.
class LogLoader {
 public:
  explicit LogLoader(Log::Params params);
  base::Result<std::shared_ptr<Log>> load();

 private:
  struct Sizes {
    std::optional<uint64_t> log;
    std::optional<uint64_t> offset_index;
    std::optional<uint64_t> time_index;
  };

  base::Result<void> list_files();
  base::Result<void> write_again();
  base::Result<void> adopt_segments();
  base::Result<void> load_topic_id();
  base::Result<void> forget_torn(const base::Error& why);
  base::Result<void> sync_removals();
  base::Result<void> load_epochs();
  base::Result<void> open_segments();
  base::Result<void> open_trusted(size_t i);
  base::Result<void> recover_from(size_t first);
  /// True if a segment that begins at `end` may be part of the log although none ends there.
  bool may_be_gap(int64_t end) const;
  base::Result<bool> recover_one(size_t i);
  base::Result<void> finish();
  /// Where the durable part of a segment ends.
  int64_t durable_end(size_t i) const;
  /// Once: so its directory's entries and its topic ID are durable.
  bool was_flushed() const { return params_.recovery_point > 0; }
  /// The first segment that has to be read; the number of segments if none has.
  size_t first_untrusted() const;
  void publish(size_t count);
  /// kCancelled if whoever opens the log does not want it any more.
  base::Result<void> go_on(size_t bytes_read);

  Log::Params params_;
  std::shared_ptr<Log> log_;
  std::map<int64_t, Sizes> files_;
  Log::SegmentList segments_;
  bool sync_failed_ = false;
  bool rebuild_epochs_ = false;
  int64_t next_offset_ = 0;
  int32_t last_epoch_ = -1;
  size_t read_since_asked_ = 0;
  bool cut_ = false;  // a segment was: nothing may follow it
};

}  // namespace longhaul::broker::log
