// What a replica that follows a leader does to its log, and what it reads of snapshots for others.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/metadata/birth.h"
#include "broker/metadata/metadata_log.h"

namespace longhaul::broker::metadata {
namespace {

/// Where a leader's snapshot lies until it is whole. One place for all: the next one takes that of
/// one that was given up. A snapshot of our own may be written at the same time, elsewhere.
std::string fetched_path(const std::string& directory) { return directory + "/fetched.part"; }

}  // namespace

base::Result<void> MetadataLog::append_fetched(base::ByteView batch) {
  auto appended = log_->append_as_follower(batch);
  if (!appended) return not_appended(appended.error());
  return {};
}

base::Result<void> MetadataLog::truncate(int64_t end_offset) {
  LH_TRY(log_->truncate_to(end_offset));
  if (log_->log_end_offset() == end_offset) return {};
  return base::fail(base::Errc::kCorrupt,
                    fmt::format("{}: no batch begins at offset {}, where it was to be cut off",
                                directory_, end_offset));
}

base::Result<void> MetadataLog::write_fetched_snapshot(int64_t position, base::ByteView bytes) {
  LH_ASSIGN(auto file, params_.files->open(fetched_path(directory_), base::OpenMode::kCreate));
  if (position == 0) LH_TRY(file->truncate(0));
  return file->write_at(static_cast<uint64_t>(position), bytes);
}

base::Result<Snapshot> MetadataLog::read_fetched_snapshot(const raft::OffsetAndEpoch& id) {
  return read_snapshot_file(*params_.files, fetched_path(directory_), id);
}

base::Result<void> MetadataLog::install_fetched_snapshot(const raft::OffsetAndEpoch& id) {
  std::string path = fetched_path(directory_);
  {
    LH_ASSIGN(auto file, params_.files->open(path, base::OpenMode::kReadWrite));
    LH_TRY(file->sync());
  }
  LH_TRY(params_.files->rename(path, directory_ + "/" + snapshot_name(id)));
  LH_TRY(params_.files->sync_directory(directory_));
  // A crash in between: the next start sees that the log does not reach the snapshot.
  return log_->truncate_fully_and_start_at(id.offset);
}

base::Result<MetadataLog::SnapshotPart> MetadataLog::read_snapshot_part(
    const raft::OffsetAndEpoch& id, int64_t position, size_t max_bytes) const {
  LH_ASSIGN(auto file,
            params_.files->open(directory_ + "/" + snapshot_name(id), base::OpenMode::kRead));
  LH_ASSIGN(uint64_t size, file->size());
  auto from = static_cast<uint64_t>(position);
  if (from >= size) return base::fail(base::Errc::kInvalidArgument, "beyond the snapshot's end");
  auto bytes = std::make_shared<base::Bytes>(std::min<uint64_t>(max_bytes, size - from));
  LH_ASSIGN(size_t got, file->read_at(from, *bytes));
  bytes->resize(got);
  return SnapshotPart{static_cast<int64_t>(size), std::move(bytes)};
}

}  // namespace longhaul::broker::metadata
