// A log whose records have keys, and what compaction is to leave of them.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "broker/log/log_compaction.h"
#include "records/record.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {

/// A record as a reader of the log finds it.
struct SeenRecord {
  int64_t offset = -1;
  int64_t timestamp = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

class CompactionFixture : public LogFixture {
 protected:
  CompactionFixture() {
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    config_.segment_bytes = 1000;
    config_.index_interval_bytes = 100;
  }

  using Entries = std::vector<std::pair<std::string, std::optional<std::string>>>;

  /// Appends one batch; returns its first offset.
  int64_t put(const Entries& entries, records::BatchOptions options = {}) {
    records::BatchBuilder builder(options);
    for (const auto& [key, value] : entries) {
      std::optional<base::ByteView> bytes;
      if (value) bytes = base::as_bytes(*value);
      builder.append(clock_.now_ms, base::as_bytes(key), bytes);
    }
    records::Codecs codecs;
    base::Bytes batch = builder.build(codecs);
    auto result = log_->append_as_leader(batch, {0});
    EXPECT_TRUE(result) << result.error().message;
    commit();
    return result ? result->first_offset : -1;
  }
  void mark(int64_t producer_id, bool commit_it) {
    base::Bytes marker = make_marker(producer_id, 0, commit_it);
    ASSERT_TRUE(log_->append_as_leader(marker, {0, AppendOrigin::kCoordinator}));
    commit();
  }
  /// The log's clean section begins where the last finish_compaction said, across reopenings.
  void reopen() {
    open();
    commit();
  }
  void commit() { log_->set_high_watermark(log_->log_end_offset()); }
  void roll() { ASSERT_TRUE(log_->roll()); }

  base::Result<Compacted> try_compact(size_t slots = 1 << 16) {
    Cleanable what = log_->cleanable(clock_.now_ms);
    if (what.dirty_bytes == 0) return Compacted{};
    Throttle throttle(clock_, 1e9, {});
    base::SeededRandom random(7);
    CompactionSettings settings{.map_slots = slots, .map_load_factor = 0.9, .io_buffer_bytes = 512};
    uint64_t truncations = what.truncations;
    LogCompaction compaction(*log_, std::move(what), settings, throttle, random, clock_.now_ms);
    LH_ASSIGN(auto done, compaction.run());
    LH_TRY(log_->finish_compaction(done.clean_to, truncations));
    return done;
  }
  Compacted compact(size_t slots = 1 << 16) {
    auto done = try_compact(slots);
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(Compacted{});
  }

  /// All records but those of control batches, in the log's order.
  std::vector<SeenRecord> records() {
    std::vector<SeenRecord> seen;
    base::Bytes all = read_all(log_->log_start_offset());
    records::BatchWalker walker(all);
    records::Codecs codecs;
    base::Bytes scratch;
    while (const auto* batch = walker.next()) {
      EXPECT_TRUE(records::crc_matches(batch->bytes));
      if (batch->header.is_control()) continue;
      auto payload =
          records::plain_payload(codecs, batch->header, batch->payload(), 1 << 24, scratch);
      EXPECT_TRUE(payload);
      records::RecordReader reader(batch->header, *payload);
      while (const auto* record = reader.next()) {
        auto& each = seen.emplace_back();
        each.offset = record->offset;
        each.timestamp = record->timestamp;
        if (record->key) each.key = std::string(base::as_text(*record->key));
        if (record->value) each.value = std::string(base::as_text(*record->value));
      }
      EXPECT_FALSE(reader.error());
    }
    return seen;
  }
  /// What a reader of the whole log knows in the end.
  std::map<std::string, std::string> table() {
    std::map<std::string, std::string> known;
    for (const auto& record : records()) {
      if (record.value) known[*record.key] = *record.value;
      if (!record.value) known.erase(*record.key);
    }
    return known;
  }
  std::vector<int64_t> offsets() {
    std::vector<int64_t> all;
    for (const auto& record : records()) all.push_back(record.offset);
    return all;
  }
  std::vector<std::string> leftovers() {
    std::vector<std::string> names;
    auto entries = files_->list("/data/t-0");
    for (const auto& entry : *entries) {
      for (const char* suffix : {".cleaned", ".swap", ".tmp"}) {
        if (entry.name.ends_with(suffix)) names.push_back(entry.name);
      }
    }
    return names;
  }
};

}  // namespace longhaul::broker::log
