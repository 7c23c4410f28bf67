// After an unclean stop: whatever was intact is kept, nothing torn is served, and indexes and
// producers are those of a log that was never longer.
#include <algorithm>

#include "base/crc32c.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/offset_index.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

class LogRecoveryTest : public LogFixture {
 protected:
  static constexpr const char* kLog = "/data/t-0/00000000000000000000.log";

  LogRecoveryTest() { config_.index_interval_bytes = 150; }

  static BatchSpec spec(int i) {
    BatchSpec spec{.count = 1 + i % 3, .timestamp = 1'700'000'000'000 + i, .value_size = 10};
    spec.epoch = i / 4;
    if (i % 2 == 0) {
      spec.producer_id = 77;
      spec.producer_epoch = 1;
    }
    return spec;
  }

  /// A log of `count` batches, and the sequence numbers that producer 77 used.
  void fill(int count) {
    int32_t sequence = 0;
    for (int i = 0; i < count; ++i) {
      BatchSpec next = spec(i);
      if (next.producer_id >= 0) {
        next.sequence = sequence;
        sequence += next.count;
      }
      append_ok(next);
    }
  }

  /// Everything about a log that recovery restores.
  struct State {
    base::Bytes log, offsets, times;
    std::vector<EpochEnd> epochs;
    std::vector<int64_t> producers;
    int64_t end = 0;
    bool operator==(const State&) const = default;
  };
  State state() {
    State state;
    state.end = log_->log_end_offset();
    for (int32_t epoch = 0; epoch < 4; ++epoch) {
      state.epochs.push_back(log_->end_offset_for_epoch(epoch));
    }
    for (const auto& producer : log_->producers()) {
      state.producers.insert(state.producers.end(), {producer.producer_id, producer.epoch});
      for (const auto& batch : producer.batches()) {
        state.producers.insert(state.producers.end(),
                               {batch.last_sequence, batch.last_offset, batch.offset_delta});
      }
    }
    EXPECT_EQ(file("00000000000000000000.log"), read_all(0));
    state.log = file("00000000000000000000.log");
    state.offsets = file("00000000000000000000.index");
    state.times = file("00000000000000000000.timeindex");
    return state;
  }

  /// The state of a log that got the first `count` batches only, and was then recovered.
  State untouched(int count) {
    files_ = std::make_unique<base::MemoryFileSystem>();
    EXPECT_TRUE(files_->create_directories("/data"));
    open();
    fill(count);
    crash(base::CrashMode::kKeepAll);
    open();
    return state();
  }

  void put(const base::Bytes& content) {
    files_ = std::make_unique<base::MemoryFileSystem>();
    ASSERT_TRUE(files_->create_directories("/data/t-0"));
    auto file = files_->open(kLog, base::OpenMode::kCreate);
    ASSERT_TRUE((*file)->write_at(0, content));
  }
};

TEST_F(LogRecoveryTest, CutAtEveryByte) {
  constexpr int kBatches = 12;
  std::vector<State> states;
  for (int count = 0; count <= kBatches; ++count) states.push_back(untouched(count));
  base::Bytes whole = states.back().log;
  for (size_t size = 0; size <= whole.size(); ++size) {
    base::Bytes content(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    put(content);
    open();
    auto intact = static_cast<size_t>(
        std::upper_bound(states.begin(), states.end(), size,
                         [](size_t at, const State& one) { return at < one.log.size(); }) -
        states.begin() - 1);
    ASSERT_EQ(states[intact], state()) << "cut at " << size;
    // And it goes on from there.
    ASSERT_EQ(states[intact].end, append_ok({.epoch = 9}));
  }
}

TEST_F(LogRecoveryTest, FlipEveryByte) {
  constexpr int kBatches = 8;
  std::vector<State> states;
  for (int count = 0; count <= kBatches; ++count) states.push_back(untouched(count));
  base::Bytes whole = states.back().log;
  size_t first_size = states[1].log.size();
  for (size_t at = first_size; at < whole.size(); ++at) {
    auto hit = static_cast<size_t>(
        std::upper_bound(states.begin(), states.end(), at,
                         [](size_t byte, const State& one) { return byte < one.log.size(); }) -
        states.begin() - 1);
    for (uint8_t mask : {0xff, 0x01, 0x80}) {
      base::Bytes content = whole;
      content[at] ^= mask;
      put(content);
      open();
      // The leader epoch (and base offset) lie outside the CRC: a change there may pass as another
      // epoch, but the records are those that were written.
      size_t in_batch = at - states[hit].log.size();
      if (in_batch >= records::kPartitionLeaderEpochAt && in_batch < records::kMagicAt) {
        ASSERT_GE(log_->log_end_offset(), states[hit].end);
        read_all(0);
        continue;
      }
      // Nothing at or after the damage is served, unless a base offset became a larger one, which
      // nothing can tell from a gap that compaction left.
      if (in_batch < records::kLengthAt && log_->log_end_offset() > states[hit].end) {
        read_all(0);
        continue;
      }
      ASSERT_EQ(states[hit], state()) << "flipped " << at << " with " << int{mask};
    }
  }
}

TEST_F(LogRecoveryTest, ATailOfZerosIsCut) {
  State before = untouched(5);
  base::Bytes content = before.log;
  content.resize(content.size() + 5000);
  put(content);
  open();
  EXPECT_EQ(before, state());
}

TEST_F(LogRecoveryTest, SegmentsAfterACutAreRemoved) {
  config_.segment_bytes = 400;
  open();
  fill(20);
  ASSERT_GT(log_->segment_count(), 4u);
  int64_t end = log_->log_end_offset();
  crash(base::CrashMode::kKeepAll);
  ASSERT_TRUE(files_->flip_bit(kLog, 200, 3));
  open();
  EXPECT_EQ(1u, log_->segment_count());
  EXPECT_LT(log_->log_end_offset(), end);
  EXPECT_EQ(0u, *log_->delete_old_segments(0));
  auto entries = files_->list("/data/t-0");
  auto segments = std::count_if(entries->begin(), entries->end(),
                                [](const auto& entry) { return entry.name.ends_with(".log"); });
  EXPECT_EQ(1, segments);
}

TEST_F(LogRecoveryTest, NothingBelowTheRecoveryPointIsRead) {
  config_.segment_bytes = 400;
  open();
  fill(20);
  ASSERT_TRUE(log_->flush());
  EXPECT_EQ(log_->log_end_offset(), log_->recovery_point());
  recovery_point_ = log_->recovery_point();
  int64_t end = log_->log_end_offset();
  crash(base::CrashMode::kLoseUnsynced);
  // The first segment is damaged, but it was durable: recovery has no business there.
  ASSERT_TRUE(files_->flip_bit(kLog, 200, 3));
  open();
  EXPECT_EQ(end, log_->log_end_offset());
  EXPECT_EQ(1u, log_->producers().size());
}

TEST_F(LogRecoveryTest, RotInADurableSegmentIsNotCut) {
  config_.segment_bytes = 400;
  for (bool orderly : {true, false}) {
    files_ = std::make_unique<base::MemoryFileSystem>();
    ASSERT_TRUE(files_->create_directories("/data"));
    recovery_point_ = 0;
    clean_ = false;
    open();
    fill(20);
    int64_t end = log_->log_end_offset();
    ASSERT_TRUE(log_->flush());
    close();
    clean_ = orderly;
    int64_t second = headers_of(file("00000000000000000000.log"))[0].next_offset();
    // The length of the second batch, and an index that is gone.
    uint64_t at = headers_of(file("00000000000000000000.log"))[0].size_bytes();
    ASSERT_TRUE(files_->flip_bit(kLog, at + records::kLengthAt, 7));
    ASSERT_TRUE((*files_->open("/data/t-0/00000000000000000000.index", base::OpenMode::kCreate))
                    ->write_at(0, base::Bytes(8, 0xff)));
    open();
    EXPECT_EQ(end, log_->log_end_offset());
    EXPECT_TRUE(log_->read({0, 1, end, true}));
    auto damaged = log_->read({second, 1, end, true});
    ASSERT_FALSE(damaged);
    EXPECT_EQ(protocol::ErrorCode::kCorruptMessage, damaged.error().code);
    int64_t later = log_->end_offset_for_epoch(2).end_offset;
    EXPECT_FALSE(headers_of(read_all(later)).empty());
  }
}

/// The segment that holds the recovery point: whatever rots below it, all that was durable is
/// there, and what comes later is found.
TEST_F(LogRecoveryTest, RotBelowTheRecoveryPointCutsNothing) {
  const State first = untouched(1);
  const State durable = untouched(6);
  const State all = untouched(8);
  for (size_t at = first.log.size(); at < durable.log.size(); ++at) {
    for (uint8_t mask : {0xff, 0x01, 0x80}) {
      base::Bytes content = all.log;
      content[at] ^= mask;
      put(content);
      recovery_point_ = durable.end;
      open();
      ASSERT_EQ(content, file("00000000000000000000.log")) << "flipped " << at;
      ASSERT_EQ(all.end, log_->log_end_offset()) << "flipped " << at;
      ASSERT_EQ(
          base::Bytes(all.log.begin() + static_cast<ptrdiff_t>(durable.log.size()), all.log.end()),
          read_all(durable.end))
          << "flipped " << at;
    }
  }
}

TEST_F(LogRecoveryTest, RotUpToTheEndIsKeptToo) {
  const State durable = untouched(6);
  for (bool orderly : {false, true}) {
    base::Bytes content = durable.log;
    content[content.size() - 3] ^= 1;
    put(content);
    recovery_point_ = durable.end;
    clean_ = orderly;
    open();
    EXPECT_EQ(durable.end, log_->log_end_offset());
    EXPECT_EQ(durable.end, append_ok({.epoch = 9}));
    EXPECT_EQ(content.size() + read_all(durable.end).size(), log_->size_bytes());
  }
}

TEST_F(LogRecoveryTest, EpochsOfWhatCompactionTookStay) {
  open();
  for (int32_t epoch : {1, 3, 5}) {
    log_->begin_epoch(epoch);
    append_ok({.epoch = epoch});
  }
  ASSERT_TRUE(log_->roll());
  ASSERT_TRUE(log_->flush());
  recovery_point_ = log_->recovery_point();
  crash(base::CrashMode::kLoseUnsynced);
  // What compaction may have left of the first segment: the last batch.
  base::Bytes batch = make_batch({.base_offset = 2, .epoch = 5});
  auto file = files_->open(kLog, base::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(0));
  ASSERT_TRUE((*file)->write_at(0, base::ByteView(batch)));
  open();
  EXPECT_EQ(3, log_->log_end_offset());
  EXPECT_EQ((EpochEnd{1, 1}), log_->end_offset_for_epoch(1));
  EXPECT_EQ((EpochEnd{3, 2}), log_->end_offset_for_epoch(4));
  EXPECT_EQ((EpochEnd{5, 3}), log_->end_offset_for_epoch(5));
}

TEST_F(LogRecoveryTest, EpochsThatTheBatchesContradictGo) {
  open();
  for (int32_t epoch : {1, 1, 3}) append_ok({.epoch = epoch});
  crash(base::CrashMode::kKeepAll);
  ASSERT_TRUE(write_epoch_checkpoint(*files_, "/data/t-0/leader-epoch-checkpoint",
                                     {{1, 0}, {2, 1}, {4, 2}, {5, 7}}));
  open();
  EXPECT_EQ((EpochEnd{1, 2}), log_->end_offset_for_epoch(1));
  EXPECT_EQ((EpochEnd{1, 2}), log_->end_offset_for_epoch(2));
  EXPECT_EQ((EpochEnd{3, 3}), log_->end_offset_for_epoch(3));
}

TEST_F(LogRecoveryTest, AHoleBetweenSegmentsIsNoLog) {
  config_.segment_bytes = 400;
  open();
  fill(20);
  crash(base::CrashMode::kKeepAll);
  // The first segment lost its tail at the end of a batch: nothing in it is wrong.
  base::Bytes content = file("00000000000000000000.log");
  uint64_t first = headers_of(content)[0].size_bytes();
  ASSERT_TRUE((*files_->open(kLog, base::OpenMode::kReadWrite))->truncate(first));
  open();
  EXPECT_EQ(1u, log_->segment_count());
  EXPECT_EQ(first, log_->size_bytes());
}

TEST_F(LogRecoveryTest, AnOrderlyStopIsTrusted) {
  open();
  fill(12);
  State before = state();
  close();
  State stopped{file("00000000000000000000.log"),
                file("00000000000000000000.index"),
                file("00000000000000000000.timeindex"),
                {},
                {},
                0};
  // Were anything scanned, this would be found.
  ASSERT_TRUE(files_->flip_bit(kLog, 100, 3));
  open();
  EXPECT_EQ(before.end, log_->log_end_offset());
  EXPECT_EQ(before.epochs[2], log_->end_offset_for_epoch(2));
  EXPECT_FALSE(stopped.offsets.empty());
  EXPECT_EQ(stopped.offsets, file("00000000000000000000.index"));
  EXPECT_EQ(stopped.times, file("00000000000000000000.timeindex"));
  // A snapshot keeps each producer's newest batch.
  EXPECT_EQ(77, log_->producers().at(0).producer_id);
  EXPECT_EQ(1u, log_->producers().at(0).batches().size());
}

TEST_F(LogRecoveryTest, IndexesThatDoNotFitAreBuiltAnew) {
  open();
  fill(30);
  close();
  base::Bytes offsets = file("00000000000000000000.index");
  // But for the last entry, each points where the one behind it does: a batch, and a later one.
  base::Bytes shifted = offsets;
  ASSERT_GE(offsets.size(), 3 * OffsetIndex::kEntrySize);
  for (size_t at = OffsetIndex::kEntrySize; at < offsets.size(); at += OffsetIndex::kEntrySize) {
    std::copy_n(offsets.data() + at + 4, 4, shifted.data() + at - 4);
  }
  for (const base::Bytes& wrong :
       {base::Bytes{}, base::Bytes(16, 0), base::Bytes(5, 1), base::Bytes(24, 0xff), shifted}) {
    auto index = files_->open("/data/t-0/00000000000000000000.index", base::OpenMode::kCreate);
    ASSERT_TRUE((*index)->truncate(0));
    ASSERT_TRUE((*index)->write_at(0, wrong));
    clean_ = true;
    open();
    for (int64_t offset = 0; offset < log_->log_end_offset(); ++offset) {
      auto read = log_->read({offset, 1, log_->log_end_offset(), true});
      ASSERT_TRUE(read);
      auto headers = headers_of(*base::read_slice(read->slice));
      ASSERT_EQ(1u, headers.size());
      EXPECT_LE(headers[0].base_offset, offset);
      EXPECT_GE(headers[0].last_offset(), offset);
    }
    close();
  }
  ASSERT_TRUE(files_->remove("/data/t-0/00000000000000000000.index"));
  clean_ = true;
  open();
  EXPECT_EQ(offsets, file("00000000000000000000.index"));
}

TEST_F(LogRecoveryTest, ALostEpochCheckpointIsReadFromTheBatches) {
  open();
  fill(12);
  State before = state();
  close();
  for (const char* content : {"", "0\n1\nx y\n", "1\n0\n"}) {
    ASSERT_TRUE(base::write_file_atomic(*files_, "/data/t-0/leader-epoch-checkpoint",
                                        base::as_bytes(content)));
    clean_ = true;
    open();
    EXPECT_EQ(before.epochs, state().epochs);
    close();
  }
  ASSERT_TRUE(files_->remove("/data/t-0/leader-epoch-checkpoint"));
  clean_ = true;
  open();
  EXPECT_EQ(before.epochs, state().epochs);
}

TEST_F(LogRecoveryTest, ATornSnapshotGivesWayToAnOlderOne) {
  config_.segment_bytes = 400;
  open();
  fill(20);
  State before;
  std::vector<int64_t> sequences;
  for (const auto& producer : log_->producers()) sequences.push_back(producer.last_sequence());
  int64_t end = log_->log_end_offset();
  close();
  char name[64];
  std::snprintf(name, sizeof name, "/data/t-0/%020lld.snapshot", static_cast<long long>(end));
  ASSERT_TRUE(files_->flip_bit(name, 12, 1));
  open();
  ASSERT_EQ(1u, log_->producers().size());
  EXPECT_EQ(sequences[0], log_->producers()[0].last_sequence());
}

TEST_F(LogRecoveryTest, AStartAboveTheEndStartsOver) {
  open();
  fill(5);
  log_->set_high_watermark(log_->log_end_offset());
  log_start_ = 100;
  crash(base::CrashMode::kKeepAll);
  open();
  EXPECT_EQ(100, log_->log_start_offset());
  EXPECT_EQ(100, log_->log_end_offset());
  EXPECT_EQ(100, append_ok());
}

TEST_F(LogRecoveryTest, RefusesAnOlderMessageFormat) {
  base::Bytes content(100, 0);
  content[11] = 88;  // length; the magic is 0
  put(content);
  auto log = Log::open(params());
  ASSERT_FALSE(log);
  EXPECT_EQ(base::Errc::kUnsupported, log.error().code);
  EXPECT_EQ(content, file("00000000000000000000.log"));
}

TEST_F(LogRecoveryTest, CrashesAtAnyPointKeepWhatWasSynced) {
  config_.segment_bytes = 1500;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    files_ = std::make_unique<base::MemoryFileSystem>();
    ASSERT_TRUE(files_->create_directories("/data"));
    ASSERT_TRUE(files_->sync_directory("/"));
    recovery_point_ = 0;
    open();
    base::SeededRandom random(seed);
    base::Bytes written;
    size_t synced = 0;
    for (int life = 0; life < 4; ++life) {
      for (uint64_t step = random.below(25); step > 0; --step) {
        base::Bytes batch = make_batch(
            {.count = 1 + static_cast<int>(random.below(3)), .value_size = random.below(400)});
        ASSERT_TRUE(log_->append_as_leader(batch, {life}));
        written.insert(written.end(), batch.begin(), batch.end());
        if (random.below(6) == 0) {
          ASSERT_TRUE(log_->flush());
          synced = written.size();
        }
        if (random.below(10) == 0) recovery_point_ = log_->recovery_point();
      }
      crash(random.below(4) == 0 ? base::CrashMode::kLoseUnsynced : base::CrashMode::kTorn,
            random.next());
      open();
      base::Bytes found = read_all(0);
      ASSERT_GE(found.size(), synced) << "seed " << seed;
      ASSERT_LE(found.size(), written.size());
      written.resize(found.size());
      ASSERT_EQ(written, found) << "seed " << seed;
      ASSERT_GE(log_->log_end_offset(), log_->recovery_point());
      for (const auto& header : headers_of(found)) {
        auto read = log_->read({header.last_offset(), 1, log_->log_end_offset(), true});
        ASSERT_TRUE(read);
        ASSERT_EQ(header.base_offset, headers_of(*base::read_slice(read->slice)).at(0).base_offset);
      }
      // What survived once is not durable for that: it may go next time, but only as a tail.
      synced = std::min(synced, written.size());
    }
  }
}

}  // namespace
}  // namespace longhaul::broker::log
