// What this replica has acknowledged, and that it is still there.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "broker/log/batch_scanner.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_result.h"
#include "broker/metadata/birth.h"
#include "broker/metadata/metadata_log.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;

/// Rot is found in what is old: what was committed since the last time may go unnoted.
constexpr std::chrono::seconds kNoteCommittedEvery{10};

std::string committed_path(const std::string& directory) {
  return directory + "/committed-offset-checkpoint";
}

std::pair<std::string, int32_t> metadata_partition_name() {
  return {std::string(kMetadataTopic), 0};
}

/// Follows the batches of a log that has no gaps, file by file.
class Soundness {
 public:
  explicit Soundness(int64_t from) : next_(from) {}

  /// What is wrong with the file below `end`; empty if nothing is.
  base::Result<std::string> problem_in(const base::File& file, int64_t end) {
    LH_ASSIGN(uint64_t size, file.size());
    log::BatchScanner scanner(file, 0, size, log::kBatchChunk);
    while (next_ < end) {
      auto header = scanner.next();
      bool is_unreadable = !header && (header.error().code == Errc::kCorrupt ||
                                       header.error().code == Errc::kUnsupported);
      if (!header && !is_unreadable) return tl::unexpected(header.error());
      if (header && !*header) break;
      bool follows =
          header && (*header)->base_offset == next_ && (*header)->partition_leader_epoch >= epoch_;
      if (!follows) return fmt::format("at byte {} no batch continues", scanner.position());
      LH_ASSIGN(bool whole, scanner.crc_matches());
      if (!whole) return fmt::format("the batch at byte {} has a wrong CRC", scanner.position());
      next_ = (*header)->next_offset();
      epoch_ = (*header)->partition_leader_epoch;
    }
    return std::string();
  }
  int64_t next() const { return next_; }

 private:
  int64_t next_;
  int32_t epoch_ = 0;
};

}  // namespace

base::Result<void> MetadataLog::load_committed() {
  auto noted = log::read_offset_checkpoint(*params_.files, committed_path(directory_));
  if (!noted && noted.error().code != Errc::kCorrupt) return tl::unexpected(noted.error());
  if (!noted) {
    params_.logger.error("{}; what was committed is not checked", noted.error().message);
    return {};
  }
  auto found = noted->find(metadata_partition_name());
  if (found != noted->end()) committed_ = found->second;
  return {};
}

/// Before anything is cut off. What a snapshot holds needs no log; a crash while a leader's
/// snapshot took the place of the log leaves such a one.
base::Result<void> MetadataLog::check_committed() const {
  if (committed_ <= snapshot_.id.offset) return {};
  LH_ASSIGN(auto entries, params_.files->list(directory_));
  std::optional<Soundness> log;
  std::string file = directory_;
  std::string problem;
  for (const base::DirectoryEntry& entry : entries) {
    auto base_offset = log::parse_segment_file(entry.name, log::kLogExtension);
    if (!base_offset) continue;
    if (!log) log.emplace(*base_offset);
    file = directory_ + "/" + entry.name;
    if (*base_offset != log->next()) break;
    LH_ASSIGN(auto opened, params_.files->open(file, base::OpenMode::kRead));
    LH_ASSIGN(problem, log->problem_in(*opened, committed_));
    if (!problem.empty() || log->next() >= committed_) break;
  }
  int64_t sound = log ? log->next() : 0;
  if (problem.empty() && sound >= committed_) return {};
  return base::fail(
      Errc::kCorrupt,
      fmt::format("{}: {}; records from offset {} on are damaged or missing, but up to offset {} "
                  "this replica has acknowledged them as durable. Nothing was changed. Remove this "
                  "voter from the quorum if it is one, empty {}, format it to join, and add it "
                  "anew once it has caught up",
                  file, problem.empty() ? "the log does not go on" : problem, sound, committed_,
                  params_.metadata_dir));
}

/// `durable` is where the log is durable up to. A full disk is no reason to refuse.
base::Result<void> MetadataLog::note_committed(int64_t durable) {
  int64_t committed = std::min(durable, log_->high_watermark());
  auto now = params_.clock->monotonic();
  bool is_recent = committed_noted_ && *committed_noted_ + kNoteCommittedEvery > now;
  if (committed <= committed_ || is_recent) return {};
  auto written = log::write_offset_checkpoint(*params_.files, committed_path(directory_),
                                              {{metadata_partition_name(), committed}});
  if (!written && !log::is_shortage(written.error())) return written;
  if (written) committed_ = committed;
  committed_noted_ = now;
  return {};
}

base::Result<void> MetadataLog::close() {
  committed_noted_.reset();
  auto noted = is_offline() ? base::Result<void>() : note_committed(log_->recovery_point());
  LH_TRY(log_->close());
  return noted;
}

}  // namespace longhaul::broker::metadata
