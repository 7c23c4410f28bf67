// Compaction beside a disk that fails in one place, readers, and what was lost before.
#include "broker/log/transaction_index.h"
#include "tests/broker/log/compaction_fixture.h"

namespace longhaul::broker::log {
namespace {

using base::DiskOperation;
using base::Fault;

class CompactionFaults : public CompactionFixture {
 protected:
  void put_in_transaction(const std::string& key, const std::string& value, int32_t sequence) {
    put({{key, value}},
        {.producer_id = 9, .producer_epoch = 0, .base_sequence = sequence, .transactional = true});
  }
  /// Two segments after a compaction, the first of which ends before the second begins.
  void leave_a_gap() {
    open();
    std::string half(350, 'v');
    put({{"x", half}});
    put({{"y", half}});
    put({{"z", "1"}});
    roll();
    put({{"z", "2"}});
    put({{"w", half + half}});
    roll();
    put({{"active", "1"}});
    compact();
    ASSERT_EQ(log_->segment_count(), 3u);
    ASSERT_EQ(offsets(), (std::vector<int64_t>{0, 1, 3, 4, 5}));
    crash(base::CrashMode::kKeepAll);
    recovery_point_ = first_dirty_ = 0;
  }
};

TEST_F(CompactionFaults, ATransactionThatWasAbortedBeforeIsNotTakenForALaterOne) {
  open();
  put({{"a", "1"}});
  put_in_transaction("b", "aborted", 0);
  mark(9, false);
  roll();
  compact();
  put_in_transaction("a", "2", 1);
  mark(9, true);
  roll();
  compact();
  EXPECT_EQ(offsets(), (std::vector<int64_t>{3}));
}

TEST_F(CompactionFaults, WithoutADescriptorForAnOldSegmentNothingIsDone) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  put({{"active", "1"}});
  bool written = false;
  files_->set_fault_hook([&](DiskOperation operation, std::string_view path) {
    written |= operation == DiskOperation::kSyncDirectory && path == "/data/t-0";
    bool fails = written && operation == DiskOperation::kOpen && path.ends_with(".txnindex");
    return fails ? std::optional(Fault{{base::Errc::kUnavailable, "short"}}) : std::nullopt;
  });
  auto done = try_compact();
  files_->set_fault_hook({});
  ASSERT_TRUE(written);
  ASSERT_FALSE(done);
  EXPECT_FALSE(log_->is_offline());
  EXPECT_EQ(leftovers(), std::vector<std::string>{});
  compact();
  EXPECT_EQ(offsets(), (std::vector<int64_t>{1, 2}));
}

TEST_F(CompactionFaults, AShortageOnTheWayConcernsThisLogAlone) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  put({{"active", "1"}});
  files_->set_fault_hook([](DiskOperation operation, std::string_view path) {
    bool fails = operation == DiskOperation::kRename && path.ends_with("0.log");
    return fails ? std::optional(Fault{{base::Errc::kNoSpace, "short"}}) : std::nullopt;
  });
  ASSERT_FALSE(try_compact());
  files_->set_fault_hook({});
  EXPECT_TRUE(log_->is_offline());
  EXPECT_EQ(failures_, 0) << "its directory goes on";
  crash(base::CrashMode::kKeepAll);
  reopen();
  EXPECT_EQ(offsets(), (std::vector<int64_t>{1, 2}));
}

// Else the start would take what is decided later for undecided, whose originals are gone.
TEST_F(CompactionFaults, WhatCouldNotBeRemovedIsRemovedBeforeTheNext) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  roll();
  put({{"active", "1"}});
  ASSERT_TRUE(
      files_->open("/data/t-0/00000000000000000000.timeindex.cleaned", base::OpenMode::kCreate));
  ASSERT_TRUE(files_->open("/data/t-0/00000000000000000077.log.cleaned", base::OpenMode::kCreate));
  compact();
  EXPECT_EQ(leftovers(), std::vector<std::string>{});
}

TEST_F(CompactionFaults, AsManySegmentsAsThereAreNeedNoMoreDescriptors) {
  config_.segment_bytes = 1 << 20;
  open();
  for (int i = 0; i < 250; ++i) {
    put({{"a", std::to_string(i)}});
    roll();
  }
  auto done = compact();
  EXPECT_EQ(done.segments_before, 250u);
  EXPECT_EQ(done.segments_after, 3u);
  EXPECT_EQ(offsets(), (std::vector<int64_t>{249}));
}

TEST_F(CompactionFaults, OneRenameThatFailsLosesNoAbortedTransaction) {
  open();
  put({{"a", "1"}});
  put_in_transaction("b", "aborted", 0);
  mark(9, false);
  roll();
  put({{"active", "1"}});
  files_->set_fault_hook([](DiskOperation operation, std::string_view path) {
    std::optional<Fault> fault;
    bool fails = operation == DiskOperation::kRename && path.ends_with(".txnindex.cleaned");
    if (fails) fault = {{base::Errc::kIo, "injected"}, 0};
    return fault;
  });
  ASSERT_FALSE(try_compact());
  files_->set_fault_hook({});
  EXPECT_TRUE(log_->is_offline());
  crash(base::CrashMode::kKeepAll);
  reopen();
  EXPECT_EQ(log_->aborted_transactions(0, 4)->size(), 1u);
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1, 3})) << "it was not decided";
}

TEST_F(CompactionFaults, AGapIsKeptThatOnlyTheCleanersCheckpointTellsOf) {
  leave_a_gap();
  first_dirty_ = 5;
  reopen();
  EXPECT_EQ(log_->log_end_offset(), 6);
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1, 3, 4, 5}));
}

TEST_F(CompactionFaults, AGapIsKeptWhereTheRecoveryPointWasLost) {
  leave_a_gap();
  recovery_point_lost_ = true;
  reopen();
  EXPECT_EQ(log_->recovery_point(), 6) << "so that the next start knows";
  EXPECT_EQ(log_->log_end_offset(), 6);
  EXPECT_EQ(offsets(), (std::vector<int64_t>{0, 1, 3, 4, 5}));
}

TEST_F(CompactionFaults, WhatLiesBeyondTheEndDoesNotCountAsCompacted) {
  first_dirty_ = 5;
  open();
  EXPECT_EQ(log_->first_dirty_offset(), 0);
}

TEST_F(CompactionFaults, SegmentsThatWereReplacedAreClosedBeforeTheRest) {
  open();
  std::string half(400, 'v');
  for (const char* key : {"a", "b"}) {
    put({{key, half}});
    put({{std::string(key) + "2", half}});
    roll();
  }
  Cleanable what = log_->cleanable(clock_.now_ms);
  std::weak_ptr<Segment> first = what.segments.at(0);
  what = {};
  std::optional<bool> gone;
  files_->set_fault_hook([&](DiskOperation operation, std::string_view path) {
    bool is_second = path.ends_with("00000000000000000002.log.cleaned");
    if (operation == DiskOperation::kOpen && is_second && !gone) gone = first.expired();
    return std::optional<Fault>();
  });
  compact();
  files_->set_fault_hook({});
  EXPECT_EQ(gone, true);
}

TEST_F(CompactionFaults, AnIndexThatIsReplacedWhileItIsOpenedIsReadAsItWas) {
  open();
  auto directory = std::make_shared<LogDirectory>(*files_, "/data/t-0");
  TransactionIndex index(directory, 0);
  ASSERT_TRUE(index.append({9, 0, 2, 0}));
  bool first = true;
  files_->set_fault_hook([&](DiskOperation operation, std::string_view) {
    if (operation == DiskOperation::kOpen && std::exchange(first, false)) {
      EXPECT_TRUE(index.pin());
      EXPECT_TRUE(files_->rename(index.path(), index.path() + kDeletedExtension));
    }
    return std::optional<Fault>();
  });
  auto entries = index.read();
  files_->set_fault_hook({});
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 1u);
}

TEST_F(CompactionFaults, WhoReadsNothingOpensNoIndexOfTransactions) {
  open();
  put({{"a", "1"}});
  roll();
  put({{"b", "1"}});
  int opened = 0;
  files_->set_fault_hook([&](DiskOperation operation, std::string_view path) {
    if (operation == DiskOperation::kOpen && path.ends_with(kTransactionIndexExtension)) ++opened;
    return std::optional<Fault>();
  });
  auto read = log_->read({.max_bytes = 1, .upper_bound = 2, .with_aborted = true});
  files_->set_fault_hook({});
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->first_batch_too_large);
  EXPECT_EQ(opened, 0);
}

}  // namespace
}  // namespace longhaul::broker::log
