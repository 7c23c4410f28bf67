// Compaction that is interrupted anywhere.
#include "tests/broker/log/compaction_fixture.h"
#include "tests/broker/log/machine_off.h"

namespace longhaul::broker::log {
namespace {

/// How a run of a compaction that fails at its n-th disk operation is to go on.
struct Interruption {
  base::CrashMode mode = base::CrashMode::kTorn;
  uint64_t seed = 0;
};

class CompactionCrash : public CompactionFixture {
 protected:
  /// Three generations of twelve keys over some segments, tombstones and a transaction among them;
  /// part of it compacted before.
  void fill() {
    files_ = std::make_unique<base::MemoryFileSystem>();
    ASSERT_TRUE(files_->create_directories("/data"));
    ASSERT_TRUE(files_->sync_directory("/"));
    clean_ = false;
    recovery_point_ = log_start_ = first_dirty_ = 0;
    config_.delete_retention_ms = 0;
    open();
    write(0);
    roll();
    compact();
    clock_.now_ms += 1;
    write(1);
    roll();
    write(2);
    roll();
    put({{"active", "1"}});
    ASSERT_TRUE(log_->flush());
  }
  void write(int generation) {
    for (int i = 0; i < 12; ++i) {
      std::optional<std::string> value = std::string(60, static_cast<char>('a' + generation));
      if (i % 4 == generation) value.reset();
      put({{"k" + std::to_string(i), value}});
    }
    records::BatchOptions transaction;
    transaction.producer_id = 40 + generation;
    transaction.producer_epoch = 0;
    transaction.base_sequence = 0;
    transaction.transactional = true;
    put({{"k1", "aborted"}}, transaction);
    mark(40 + generation, false);
  }
  /// What a read_committed consumer would know of the log.
  std::map<std::string, std::string> committed_table() {
    auto known = std::map<std::string, std::string>();
    auto aborted = *log_->aborted_transactions(0, log_->log_end_offset());
    for (const auto& record : records()) {
      bool is_aborted = record.value == "aborted";
      if (is_aborted) {
        bool indexed = std::any_of(aborted.begin(), aborted.end(), [&](const auto& each) {
          return each.first_offset <= record.offset && record.offset < each.last_offset;
        });
        EXPECT_TRUE(indexed) << "nobody would know that offset " << record.offset << " is aborted";
        continue;
      }
      if (record.value) known[*record.key] = *record.value;
      if (!record.value) known.erase(*record.key);
    }
    return known;
  }
  /// Fails everything from the `nth` operation on; false if there were fewer.
  bool compact_until(uint64_t nth) {
    MachineOff machine(*files_, nth);
    return !try_compact();
  }
};

class CompactionCrashes : public CompactionCrash,
                          public testing::WithParamInterface<base::CrashMode> {};

TEST_P(CompactionCrashes, LeaveTheLogAsBeforeOrAsAfterWhereverItHappens) {
  bool interrupted = true;
  int points = 0;
  for (uint64_t nth = 0; interrupted && !HasFatalFailure(); ++nth) {
    for (uint64_t seed = 1; seed <= (GetParam() == base::CrashMode::kTorn ? 6u : 1u); ++seed) {
      fill();
      auto expected = committed_table();
      int64_t end = log_->log_end_offset();
      interrupted = compact_until(nth);
      crash(GetParam(), seed);
      reopen();
      SCOPED_TRACE("operation " + std::to_string(nth) + ", seed " + std::to_string(seed));
      EXPECT_EQ(committed_table(), expected);
      EXPECT_EQ(log_->log_end_offset(), end);
      EXPECT_TRUE(leftovers().empty());
      compact();  // and it can be done after all
      EXPECT_EQ(committed_table(), expected);
      close();
      open();
      EXPECT_EQ(committed_table(), expected);
      EXPECT_EQ(log_->log_end_offset(), end);
    }
    ++points;
  }
  EXPECT_GT(points, 30);
}

INSTANTIATE_TEST_SUITE_P(Modes, CompactionCrashes,
                         testing::Values(base::CrashMode::kLoseUnsynced, base::CrashMode::kKeepAll,
                                         base::CrashMode::kTorn));

/// A directory as Apache Kafka may leave it: what stands there is what a log of ours was made of.
class SettleSwaps : public CompactionCrash {
 protected:
  void rename(const std::string& from, const std::string& to) {
    ASSERT_TRUE(files_->rename("/data/t-0/" + from, "/data/t-0/" + to));
  }
  static std::string segment(int64_t base, const char* rest) {
    return fmt::format("{:020}{}", base, rest);
  }
};

TEST_F(SettleSwaps, ASegmentThatWasDecidedTakesThePlaceOfItsOriginals) {
  open();
  put({{"a", "1"}});
  put({{"b", "1"}});
  roll();
  put({{"c", "1"}});
  roll();
  close();
  // The originals of [0, 2) are still there beside what is to replace them.
  base::Bytes content = file(segment(0, ".log"));
  auto copy = files_->open("/data/t-0/" + segment(0, ".log.swap"), base::OpenMode::kCreateNew);
  ASSERT_TRUE(copy);
  ASSERT_TRUE((*copy)->write_at(0, content));
  rename(segment(0, ".timeindex"), segment(0, ".timeindex.swap"));
  open();
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(leftovers().empty());
  EXPECT_TRUE(has(segment(0, ".timeindex")));
}

TEST_F(SettleSwaps, OneThatWasNotGoes) {
  open();
  put({{"a", "1"}});
  roll();
  put({{"b", "1"}});
  close();
  auto half = files_->open("/data/t-0/" + segment(0, ".log.swap"), base::OpenMode::kCreateNew);
  auto rest = files_->open("/data/t-0/" + segment(0, ".index.cleaned"), base::OpenMode::kCreateNew);
  ASSERT_TRUE(half && rest);
  open();
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1}));
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(SettleSwaps, IndexesThatWereLeftBehindFollowTheirSegment) {
  open();
  put({{"a", "1"}});
  roll();
  put({{"b", "1"}});
  close();
  rename(segment(0, ".index"), segment(0, ".index.swap"));
  open();
  EXPECT_TRUE(has(segment(0, ".index")));
  EXPECT_TRUE(leftovers().empty());
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1}));
}

}  // namespace
}  // namespace longhaul::broker::log
