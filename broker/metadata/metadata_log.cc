#include "broker/metadata/metadata_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/metadata/birth.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

constexpr uint64_t kReadBytes = 1 << 20;
constexpr uint64_t kLargestQuorumState = 64 << 10;

std::shared_ptr<const log::LogConfig> log_config(const MetadataLogOptions& options) {
  auto config = std::make_shared<log::LogConfig>();
  config->segment_bytes = options.segment_bytes;
  config->segment_ms = options.segment_ms;
  // Only snapshots make records superfluous, never their age.
  config->retention_ms = -1;
  config->retention_bytes = -1;
  config->file_delete_delay_ms = 0;
  return config;
}

}  // namespace

base::Error from_kafka(const protocol::KafkaError& error) {
  bool corrupt = error.code == protocol::ErrorCode::kCorruptMessage;
  return {corrupt ? Errc::kCorrupt : Errc::kIo,
          protocol::name(error.code) + (error.message.empty() ? "" : ": " + error.message)};
}

MetadataLog::MetadataLog(Params params)
    : params_(std::move(params)), directory_(params_.metadata_dir + "/" + kMetadataLogName) {}

base::Result<std::unique_ptr<MetadataLog>> MetadataLog::open(Params params) {
  std::unique_ptr<MetadataLog> opened(new MetadataLog(std::move(params)));
  LH_TRY(opened->params_.files->create_directories(opened->directory_));
  LH_TRY(opened->remove_leftovers());
  LH_TRY(opened->load_election());
  LH_TRY(opened->load_snapshot());
  LH_TRY(opened->load_committed());
  LH_TRY(opened->check_committed());
  LH_TRY(opened->open_log());
  LH_TRY(opened->fit_to_snapshot());
  LH_TRY(opened->load_voters());
  LH_TRY(opened->make_durable());
  return opened;
}

/// A process that was killed leaves in the page cache what it never synced. Recovery reads it back,
/// and others would be told that it is safe here.
base::Result<void> MetadataLog::make_durable() {
  LH_TRY(log_->flush());
  return params_.files->sync_directory(directory_);
}

base::Result<void> MetadataLog::remove_leftovers() {
  LH_ASSIGN(auto entries, params_.files->list(directory_));
  for (const base::DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(".part")) continue;
    LH_TRY(params_.files->remove(directory_ + "/" + entry.name));
  }
  return {};
}

base::Result<void> MetadataLog::load_election() {
  std::string path = directory_ + "/" + std::string(raft::kQuorumStateFile);
  if (!params_.files->exists(path)) return {};
  LH_ASSIGN(base::Bytes bytes, base::read_file(*params_.files, path, kLargestQuorumState));
  auto state = raft::decode_quorum_state(base::as_text(bytes));
  if (!state) return base::fail_in(path, std::move(state).error());
  election_ = std::move(*state);
  return {};
}

base::Result<void> MetadataLog::open_log() {
  log::Log::Params log{.files = params_.files,
                       .clock = params_.clock,
                       .logger = params_.logger,
                       .path = directory_,
                       .id = {std::string(kMetadataTopic), 0},
                       .topic_id = raft::metadata_topic_id(),
                       .config = log_config(params_.options),
                       .on_failure = params_.on_failure};
  LH_ASSIGN(log_, log::Log::open(std::move(log)));
  return {};
}

base::Result<void> MetadataLog::load_snapshot() {
  LH_ASSIGN(auto ids, list_snapshots(*params_.files, directory_));
  std::string& problems = snapshot_problems_;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    auto snapshot = read_snapshot(*params_.files, directory_, *id);
    if (!snapshot) {
      params_.logger.error("snapshot is not usable: {}", snapshot.error().message);
      problems += (problems.empty() ? "" : "; ") + snapshot.error().message;
      continue;
    }
    snapshot_ = std::move(*snapshot);
    break;
  }
  if (snapshot_.image == nullptr) {
    if (!problems.empty()) return fail(Errc::kCorrupt, problems);
    snapshot_.image = std::make_shared<const MetadataImage>();
  }
  return {};
}

base::Result<void> MetadataLog::fit_to_snapshot() {
  int64_t offset = snapshot_.id.offset;
  // A snapshot holds only what was committed: a log that ends before it, or has parted from it
  // (a leader's snapshot was being installed), has nothing to add.
  auto epoch = offset > 0 ? log_->epoch_of_offset(offset - 1) : std::nullopt;
  bool has_parted = epoch && *epoch != snapshot_.id.epoch;
  if (has_parted && committed_ > offset)
    return fail(Errc::kCorrupt,
                fmt::format("{}: before offset {} the log is of epoch {}, the snapshot of epoch {}",
                            directory_, offset, *epoch, snapshot_.id.epoch));
  if (log_->log_end_offset() < offset || has_parted)
    return log_->truncate_fully_and_start_at(offset);
  if (log_->log_start_offset() > offset)
    return fail(
        Errc::kCorrupt,
        fmt::format("{}: the log begins at offset {}, but the newest whole snapshot ends at "
                    "{}: records are missing{}{}",
                    directory_, log_->log_start_offset(), offset,
                    snapshot_problems_.empty() ? "" : "; ", snapshot_problems_));
  return {};
}

base::Result<void> MetadataLog::load_voters() {
  if (!snapshot_.voters.empty()) voters_.reset(snapshot_.id.offset - 1, snapshot_.voters);
  int64_t end = log_->log_end_offset();
  for (int64_t at = snapshot_.id.offset; at < end;) {
    LH_ASSIGN(auto batches, read(at, end));
    if (batches.empty())
      return fail(Errc::kCorrupt, fmt::format("{}: nothing at offset {}", directory_, at));
    for (const LogBatch& batch : batches) {
      for (const LogEntry& entry : batch.entries) {
        if (const auto* voters = std::get_if<raft::VoterSet>(&entry.what))
          voters_.add(entry.offset, *voters);
      }
    }
    at = batches.back().next_offset;
  }
  return {};
}

/// Where the log begins, with the epoch of the record before: a snapshot's end.
raft::OffsetAndEpoch MetadataLog::origin(int32_t first_epoch) const {
  raft::OffsetAndEpoch origin{log_->log_start_offset(), 0};
  if (origin.offset == 0) return origin;
  origin.epoch = first_epoch;  // not older; replicas that are older get a snapshot
  auto ids = list_snapshots(*params_.files, directory_);
  if (!ids) return origin;
  for (const raft::OffsetAndEpoch& id : *ids) {
    if (id.offset == origin.offset) origin = id;
  }
  return origin;
}

raft::LogState MetadataLog::state() const {
  raft::LogState state;
  state.snapshot = snapshot_.id;
  state.end_offset = log_->log_end_offset();
  state.committed = committed_;
  state.voters = voters_;
  // From the newest epoch back: each step tells where the next newer one begins.
  std::map<int32_t, int64_t> starts;
  for (auto epoch = log_->latest_epoch(); epoch;) {
    log::EpochEnd older = log_->end_offset_for_epoch(*epoch - 1);
    bool is_oldest = older.epoch < 0 || older.epoch >= *epoch || older.end_offset < 0;
    starts[*epoch] = std::max(is_oldest ? 0 : older.end_offset, log_->log_start_offset());
    if (is_oldest) break;
    epoch = older.epoch;
  }
  state.epochs =
      raft::EpochTable(origin(starts.empty() ? snapshot_.id.epoch : starts.begin()->first));
  for (auto [epoch, start] : starts) state.epochs.assign(epoch, start);
  return state;
}

base::Result<void> MetadataLog::save_election(const raft::ElectionState& state) {
  return base::write_file_atomic(*params_.files,
                                 directory_ + "/" + std::string(raft::kQuorumStateFile),
                                 base::as_bytes(raft::encode_quorum_state(state)));
}

base::Result<void> MetadataLog::append(base::Bytes& batch, int32_t epoch) {
  auto appended = log_->append_as_leader(batch, {epoch, log::AppendOrigin::kRaft});
  if (!appended) return not_appended(appended.error());
  return {};
}

base::Result<void> MetadataLog::not_appended(const protocol::KafkaError& error) const {
  base::Error known = from_kafka(error);
  bool is_of_disk = error.code == protocol::ErrorCode::kKafkaStorageError;
  if (is_of_disk && !is_offline() && log_->is_out_of_space()) known.code = Errc::kNoSpace;
  return tl::unexpected(std::move(known));
}

base::Result<int64_t> MetadataLog::flush() {
  int64_t end = log_->log_end_offset();
  LH_TRY(log_->flush());
  LH_TRY(note_committed(end));
  return end;
}

base::Result<base::Bytes> MetadataLog::read_bytes(int64_t offset, size_t max_bytes) const {
  auto found = log_->read({offset, max_bytes, end_offset(), /*at_least_one_batch=*/true});
  if (!found) return tl::unexpected(from_kafka(found.error()));
  return base::read_slice(found->slice);
}

base::Result<std::vector<LogBatch>> MetadataLog::read(int64_t offset, int64_t end) const {
  auto found = log_->read({offset, kReadBytes, end, /*at_least_one_batch=*/true});
  if (!found) return tl::unexpected(from_kafka(found.error()));
  LH_ASSIGN(base::Bytes bytes, base::read_slice(found->slice));
  std::vector<LogBatch> batches;
  records::BatchWalker walker(bytes);
  while (const records::BatchView* batch = walker.next()) {
    const records::BatchHeader& header = batch->header;
    if (header.base_offset >= end) break;
    if (!records::crc_matches(batch->bytes))
      return fail(Errc::kCorrupt, fmt::format("{}: the batch at offset {} has a bad checksum",
                                              directory_, header.base_offset));
    LH_ASSIGN(auto entries, decode_batch(*batch));
    if (header.next_offset() <= offset) continue;
    batches.push_back({header.base_offset, header.next_offset(), header.partition_leader_epoch,
                       header.max_timestamp, batch->bytes.size(), std::move(entries)});
  }
  if (walker.error()) return tl::unexpected(*walker.error());
  return batches;
}

base::Result<void> MetadataLog::write_snapshot(const MetadataImage& image,
                                               const raft::VoterSet& voters) {
  return metadata::write_snapshot(*params_.files, directory_, image, voters,
                                  params_.clock->wall_ms());
}

base::Result<int64_t> MetadataLog::clean() {
  LH_ASSIGN(auto ids, list_snapshots(*params_.files, directory_));
  const MetadataLogOptions& options = params_.options;
  LH_ASSIGN(auto entries, params_.files->list(directory_));
  int64_t bytes = 0;
  for (const base::DirectoryEntry& entry : entries) {
    bool counts = entry.name.ends_with(".log") || entry.name.ends_with(kCheckpointExtension);
    if (counts) bytes += static_cast<int64_t>(entry.size);
  }
  auto size_of = [&](const raft::OffsetAndEpoch& id) {
    auto found = std::find_if(entries.begin(), entries.end(),
                              [&](const auto& entry) { return entry.name == snapshot_name(id); });
    return found == entries.end() ? int64_t{0} : static_cast<int64_t>(found->size);
  };
  size_t keep_from = 0;
  while (keep_from + 1 < ids.size()) {
    bool too_big = options.retention_bytes >= 0 && bytes > options.retention_bytes;
    bool too_old = false;
    if (!too_big && options.retention_ms >= 0) {
      auto newest_ms = read_snapshot_timestamp(*params_.files, directory_, ids[keep_from]);
      too_old = !newest_ms || *newest_ms + options.retention_ms < params_.clock->wall_ms();
    }
    if (!too_big && !too_old) break;
    bytes -= size_of(ids[keep_from]);
    ++keep_from;
  }
  if (keep_from == 0) return log_->log_start_offset();
  // First the log forgets what the next snapshot covers, then the older snapshots go: never a gap.
  LH_TRY(log_->advance_log_start_offset(ids[keep_from].offset));
  LH_TRY(log_->delete_old_segments(params_.clock->wall_ms()));
  for (size_t i = 0; i < keep_from; ++i)
    LH_TRY(params_.files->remove(directory_ + "/" + snapshot_name(ids[i])));
  log_->remove_deleted_files(params_.clock->wall_ms());
  return log_->log_start_offset();
}

}  // namespace longhaul::broker::metadata
