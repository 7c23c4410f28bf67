#include "broker/log/log_compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "broker/log/batch_scanner.h"
#include "records/builder.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

/// A batch that is larger when it is decompressed is not compacted: there is no room for it beside
/// the map.
constexpr size_t kMaxPlainBatch = size_t{256} << 20;
/// A buffer that one batch has made larger is not kept for the next.
constexpr size_t kKeptScratch = 4u << 20;
constexpr size_t kLeastSlots = 64;
/// In one group: the files of all of them are open when they are replaced.
constexpr size_t kMostSegments = 100;

/// Slots beyond what there are offsets would never be used.
size_t slots_for(const Cleanable& what, const CompactionSettings& settings) {
  auto offsets = static_cast<uint64_t>(what.segments_end - what.first_dirty);
  double needed = static_cast<double>(offsets) / std::max(settings.map_load_factor, 0.01);
  auto wanted = static_cast<size_t>(std::min(needed, 1e15)) + kLeastSlots;
  return std::min(wanted, settings.map_slots);
}

base::Result<void> check_crc(const Segment& segment, const records::BatchHeader& header,
                             base::ByteView bytes) {
  if (records::crc_matches(bytes)) return {};
  return base::fail(Errc::kCorrupt, fmt::format("{}: wrong CRC at offset {}", segment.paths()[0],
                                                header.base_offset));
}

}  // namespace

LogCompaction::LogCompaction(Log& log, Cleanable what, const CompactionSettings& settings,
                             Throttle& throttle, base::Random& random, int64_t now_ms)
    : log_(log),
      what_(std::move(what)),
      config_(log.config()),
      io_buffer_bytes_(std::max<size_t>(settings.io_buffer_bytes, records::kHeaderSize)),
      throttle_(throttle),
      now_ms_(now_ms),
      map_(slots_for(what_, settings), settings.map_load_factor, random),
      last_seen_end_(what_.first_dirty) {}

base::Result<Compacted> LogCompaction::run() {
  LH_TRY(build_map());
  if (result_.clean_to == what_.first_dirty) return result_;
  LH_ASSIGN(auto aborted,
            log_.aborted_transactions(what_.segments.front()->base_offset(), result_.clean_to));
  transactions_.emplace(std::move(aborted));
  for (const auto& producer : log_.producers()) producers_[producer.producer_id] = producer;
  LH_TRY(remove_leftovers());
  LH_TRY(log_.secure_below(what_.segments_end));
  for (size_t first = 0; first < what_.segments.size();) {
    if (what_.segments[first]->base_offset() >= result_.clean_to) break;
    Group group = next_group(first);
    LH_TRY(rewrite(group));
    first += group.size();
    result_.segments_before += group.size();
    ++result_.segments_after;
    for (auto& segment : group) {
      result_.bytes_before += segment->size();
      segment.reset();  // or its files would stay open until all groups are done
    }
  }
  return result_;
}

struct LogCompaction::Source {
  SegmentPtr segment;
  std::shared_ptr<base::File> file;
  BatchScanner scanner;
  int64_t next_offset;               // behind the last batch
  records::BatchHeader header = {};  // of the last
  base::ByteView bytes = {};         // all of it
};

/// False at the end.
base::Result<bool> LogCompaction::read_batch(Source& source) {
  LH_ASSIGN(auto header, source.scanner.next());
  if (!header) return false;
  LH_ASSIGN(source.bytes, source.scanner.bytes());
  LH_TRY(check_crc(*source.segment, *header, source.bytes));
  source.header = *header;
  source.next_offset = header->next_offset();
  return true;
}

base::Result<bool> LogCompaction::read_next(Source& source) {
  auto read = read_batch(source);
  if (!read && is_rot(read.error())) {
    damage_ =
        Damage{source.segment, source.scanner.position(), source.next_offset, what_.truncations};
  }
  if (!read || !*read) return read;
  result_.bytes_read += source.bytes.size();
  LH_TRY(throttle_.pace(source.bytes.size()));
  return true;
}

/// What one that was called off could not remove: the start would take what is decided from here on
/// for undecided.
base::Result<void> LogCompaction::remove_leftovers() const {
  LH_ASSIGN(auto entries, log_.files().list(log_.path()));
  for (const auto& entry : entries) {
    if (!entry.name.ends_with(kCleanedExtension)) continue;
    LH_TRY(log_.files().remove(log_.path() + "/" + entry.name));
  }
  return {};
}

base::Result<void> LogCompaction::build_map() {
  LH_ASSIGN(auto aborted, log_.aborted_transactions(what_.first_dirty, what_.end));
  transactions_.emplace(std::move(aborted));
  result_.clean_to = what_.end;
  for (const auto& segment : what_.segments) {
    LH_ASSIGN(bool goes_on, map_segment(segment));
    segment->close();  // or as many files would be open as there are segments
    if (goes_on) continue;
    result_.clean_to = last_seen_end_;
    return {};
  }
  return {};
}

base::Result<bool> LogCompaction::map_segment(const SegmentPtr& segment) {
  auto found = segment->find(what_.first_dirty, segment->size());
  if (!found && !is_rot(found.error())) return tl::unexpected(found.error());
  if (found && !*found) return true;
  // What is damaged is found from the beginning.
  uint64_t position = found ? (*found)->position : 0;
  int64_t offset = position > 0 ? (*found)->base_offset : segment->base_offset();
  LH_ASSIGN(auto file, segment->file());
  Source source{segment, file, {*file, position, segment->size(), io_buffer_bytes_}, offset};
  for (;;) {
    LH_ASSIGN(bool is_there, read_next(source));
    if (!is_there) return true;
    LH_ASSIGN(bool goes_on, map_batch(source.header, source.bytes));
    shrink_scratch();
    if (!goes_on) return false;
  }
}

base::Result<bool> LogCompaction::map_batch(const records::BatchHeader& header,
                                            base::ByteView bytes) {
  if (header.last_offset() >= what_.end) return false;
  if (header.is_control()) {
    transactions_->see_marker(header, parse_end_marker({header, bytes}));
  } else if (!transactions_->see_records(header)) {
    LH_ASSIGN(auto payload,
              records::plain_payload(codecs_, header, bytes.subspan(records::kHeaderSize),
                                     kMaxPlainBatch, scratch_));
    records::RecordReader reader(header, payload);
    while (const records::Record* record = reader.next()) {
      if (!record->key || record->offset < what_.first_dirty) continue;
      if (map_.put(*record->key, record->offset)) continue;
      if (last_seen_end_ > what_.first_dirty) return false;
      return base::fail(Errc::kTooLarge,
                        fmt::format("the batch at offset {} has more keys than fit: raise "
                                    "log.cleaner.dedupe.buffer.size",
                                    header.base_offset));
    }
    if (reader.error()) return tl::unexpected(*reader.error());
  }
  last_seen_end_ = header.next_offset();
  return true;
}

void LogCompaction::shrink_scratch() {
  if (scratch_.capacity() > kKeptScratch) scratch_ = base::Bytes();
}

LogCompaction::Group LogCompaction::next_group(size_t first) {
  Group all = what_.segments;
  int64_t base_offset = all[first]->base_offset();
  uint64_t bytes = all[first]->size();
  size_t index_bytes = all[first]->index_bytes();
  size_t end = first + 1;
  size_t most = std::min(all.size(), first + kMostSegments);
  for (; end < most && all[end]->base_offset() < result_.clean_to; ++end) {
    int64_t next_base = end + 1 < all.size() ? all[end + 1]->base_offset() : what_.segments_end;
    bytes += all[end]->size();
    index_bytes += all[end]->index_bytes();
    if (bytes > static_cast<uint64_t>(config_->segment_bytes) ||
        index_bytes > static_cast<size_t>(config_->segment_index_bytes) ||
        next_base - 1 - base_offset > std::numeric_limits<int32_t>::max()) {
      break;
    }
  }
  return all.subspan(first, end - first);
}

base::Result<void> LogCompaction::rewrite(Group group) {
  auto directory = std::make_shared<LogDirectory>(log_.files(), log_.path(), kCleanedExtension);
  Segment cleaned(directory, group.front()->base_offset(), now_ms_);
  group_bytes_ = 0;
  auto done = fill(cleaned, group);
  if (done) done = log_.replace_segments(group, what_.truncations, *config_);
  // If the log is offline, it may be decided: the start tells by the files that are there.
  if (!done && !log_.is_offline()) remove_files(cleaned);
  return done;
}

base::Result<void> LogCompaction::fill(Segment& cleaned, Group group) {
  LH_TRY(cleaned.create());
  for (const auto& segment : group) LH_TRY(filter_segment(cleaned, segment));
  LH_TRY(write_out(cleaned));
  LH_TRY(cleaned.seal());
  LH_TRY(cleaned.sync());
  LH_TRY(cleaned.sync_indexes());
  return log_.files().sync_directory(log_.path());
}

base::Result<void> LogCompaction::filter_segment(Segment& cleaned, const SegmentPtr& segment) {
  LH_ASSIGN(auto file, segment->file());
  Source source{
      segment, file, {*file, 0, segment->size(), io_buffer_bytes_}, segment->base_offset()};
  for (;;) {
    LH_ASSIGN(bool is_there, read_next(source));
    if (!is_there) break;
    LH_TRY(filter_batch(cleaned, source.header, source.bytes));
    shrink_scratch();
    if (out_.size() >= io_buffer_bytes_) LH_TRY(write_out(cleaned));
  }
  // What is not looked at stays as it is, markers included.
  LH_ASSIGN(auto aborted, segment->transactions().read());
  for (const auto& entry : aborted) {
    if (entry.last_offset >= result_.clean_to) LH_TRY(cleaned.transactions().append(entry));
  }
  return {};
}

base::Result<void> LogCompaction::filter_batch(Segment& cleaned, const records::BatchHeader& header,
                                               base::ByteView bytes) {
  if (header.base_offset >= result_.clean_to) {
    emit(bytes);
    return {};
  }
  bool drop = false;
  bool is_last_marker = false;
  if (header.is_control()) {
    auto marker = transactions_->see_marker(header, parse_end_marker({header, bytes}));
    if (marker.aborted) LH_TRY(cleaned.transactions().append(*marker.aborted));
    is_last_marker = marker.is_last;
    drop = is_last_marker && header.has_delete_horizon() && header.base_timestamp <= now_ms_;
  } else {
    drop = transactions_->see_records(header);
  }
  if (!drop && header.record_count > 0) return filter_records(header, bytes, is_last_marker);
  if (keeps_header(header)) emit(records::make_empty_batch(header));
  return {};
}

base::Result<void> LogCompaction::filter_records(const records::BatchHeader& header,
                                                 base::ByteView bytes, bool is_last_marker) {
  LH_ASSIGN(auto payload,
            records::plain_payload(codecs_, header, bytes.subspan(records::kHeaderSize),
                                   kMaxPlainBatch, scratch_));
  int32_t kept = 0;
  bool waits = is_last_marker;  // for a horizon, from which on it may go
  stays_.clear();
  records::RecordReader counter(header, payload);
  while (const records::Record* record = counter.next()) {
    stays_.push_back(stays(header, *record));
    if (!stays_.back()) continue;
    ++kept;
    waits |= !record->value;
  }
  if (counter.error()) return tl::unexpected(*counter.error());
  if (kept == 0) {
    if (keeps_header(header)) emit(records::make_empty_batch(header));
    return {};
  }
  bool new_horizon = waits && !header.has_delete_horizon();
  if (kept == header.record_count && !new_horizon) {
    emit(bytes);
    return {};
  }
  std::optional<int64_t> horizon;
  if (new_horizon) {
    constexpr int64_t kLatest = std::numeric_limits<int64_t>::max();
    horizon = now_ms_ + std::min(config_->delete_retention_ms, kLatest - now_ms_);
  }
  records::BatchRewriter rewriter(header, horizon);
  records::RecordReader reader(header, payload);
  for (bool kept_before : stays_) {
    const records::Record* record = reader.next();
    if (kept_before) rewriter.keep(*record);
  }
  emit(rewriter.build(codecs_));
  return {};
}

bool LogCompaction::stays(const records::BatchHeader& header, const records::Record& record) const {
  if (header.is_control()) return true;
  if (!record.key) return false;  // from before the topic was compacted: no later one can come
  if (record.offset < map_.get(*record.key)) return false;
  return record.value || !header.has_delete_horizon() || now_ms_ < header.base_timestamp;
}

/// Else nobody would know what comes next: of the log, were the rest lost, or of a producer.
bool LogCompaction::keeps_header(const records::BatchHeader& header) const {
  if (header.next_offset() == last_seen_end_) return true;
  auto producer = producers_.find(header.producer_id);
  if (!header.has_producer_id() || producer == producers_.end()) return false;
  auto batches = producer->second.batches();
  if (!batches.empty()) return batches.back().last_offset == header.last_offset();
  return header.is_control() && producer->second.epoch == header.producer_epoch;
}

void LogCompaction::emit(base::ByteView batch) {
  out_.insert(out_.end(), batch.begin(), batch.end());
  out_headers_.push_back(*records::parse_header(batch));
}

base::Result<void> LogCompaction::write_out(Segment& cleaned) {
  if (out_.empty()) return {};
  group_bytes_ += out_.size();
  if (group_bytes_ > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    return base::fail(Errc::kTooLarge, cleaned.paths()[0] + ": its records grew when compressed");
  }
  std::vector<records::BatchView> batches;
  size_t at = 0;
  for (const auto& header : out_headers_) {
    batches.push_back({header, base::ByteView(out_).subspan(at, header.size_bytes())});
    at += header.size_bytes();
  }
  LH_TRY(cleaned.append(out_, batches, *config_));
  result_.bytes_written += out_.size();
  uint64_t written = out_.size();
  out_.clear();
  out_headers_.clear();
  return throttle_.pace(written);
}

void LogCompaction::remove_files(const Segment& cleaned) const {
  for (const auto& path : cleaned.paths()) static_cast<void>(log_.files().remove(path));
}

}  // namespace longhaul::broker::log
