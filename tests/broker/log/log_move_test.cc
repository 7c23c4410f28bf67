#include "tests/broker/log/move_fixture.h"

namespace longhaul::broker::log {
namespace {

class LogMove : public MoveFixture {
 protected:
  void SetUp() override {
    config_.segment_bytes = 1000;
    begin_anew();
  }
  Log& copy() { return *manager_->future(kId)->log; }
  void create() { ASSERT_TRUE(manager_->create_future(kId, "/b")); }
};

TEST_F(LogMove, BringsAllOfItAndTheOldOneGoes) {
  append(20);
  auto expected = content(log());
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(place(), "/b");
  EXPECT_EQ(content(log()), expected);
  EXPECT_EQ(log().high_watermark(), 20);
  EXPECT_EQ(named(""), (std::vector<std::string>{"/b/t-0"}));
  EXPECT_EQ(named("-delete").size(), 1u);
  clock_.now_ms += config_.file_delete_delay_ms;
  manager_->remove_deleted();
  EXPECT_TRUE(named("-delete").empty());
  append(1);
  ASSERT_TRUE(manager_->shutdown(1));
  start();
  EXPECT_EQ(log().log_end_offset(), 21);
  EXPECT_EQ(log().high_watermark(), 21);
}

TEST_F(LogMove, BackAndForth) {
  append(5);
  ASSERT_TRUE(move_to("/b", b_));
  append(5);
  ASSERT_TRUE(move_to("/a", a_));
  append(5);
  auto expected = content(log());
  ASSERT_TRUE(log().flush());
  base::SeededRandom random(1);
  files_->crash(base::CrashMode::kLoseUnsynced, random);
  start();
  EXPECT_EQ(place(), "/a");
  EXPECT_EQ(content(log()), expected);
}

TEST_F(LogMove, GoesOnAfterARestart) {
  append(20);
  create();
  ASSERT_TRUE(copy_step());
  int64_t so_far = copy().log_end_offset();
  ASSERT_GT(so_far, 0);
  ASSERT_LT(so_far, 20);
  ASSERT_TRUE(manager_->shutdown(1));
  start();
  ASSERT_TRUE(manager_->future(kId));
  EXPECT_EQ(manager_->future(kId)->directory, "/b");
  EXPECT_EQ(copy().log_end_offset(), so_far);
  auto held = manager_->held();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_FALSE(held[0].is_future);
  EXPECT_TRUE(held[1].is_future);
  EXPECT_EQ(manager_->logs().size(), 1u);
}

// Records of a tail that was never on the disk, and others that came in their place.
TEST_F(LogMove, WhatTheLogLostTheCopyLosesToo) {
  append(4, 0);
  ASSERT_TRUE(log().flush());
  append(4, 1);
  create();
  ASSERT_TRUE(copy_all());
  ASSERT_TRUE(copy().flush());
  ASSERT_TRUE(copy().write_checkpoints());
  base::SeededRandom random(1);
  files_->crash(base::CrashMode::kLoseUnsynced, random);
  start();
  EXPECT_EQ(log().log_end_offset(), 4);
  EXPECT_EQ(copy().log_end_offset(), 4);
  append(6, 5);
  auto expected = content(log());
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(content(log()), expected);
}

TEST_F(LogMove, ACopyOfAnotherPastIsCutWhereItParts) {
  append(4, 0);
  append(4, 1);
  create();
  ASSERT_TRUE(copy_all());
  ASSERT_TRUE(log().truncate_to(5));
  append(1, 3);
  append(5, 4);
  ASSERT_TRUE(cut_to_match(log(), copy()));
  EXPECT_EQ(copy().log_end_offset(), 5);
  ASSERT_TRUE(copy_all());
  EXPECT_EQ(content(copy()), content(log()));
  EXPECT_EQ(copy().latest_epoch(), 4);
}

TEST_F(LogMove, TheStartFollows) {
  append(10);
  create();
  ASSERT_TRUE(copy_step());
  ASSERT_TRUE(log().advance_log_start_offset(9));
  ASSERT_TRUE(copy_all());
  EXPECT_EQ(copy().log_start_offset(), 9);
  ASSERT_TRUE(log().advance_log_start_offset(10));
  ASSERT_TRUE(copy_all());
  EXPECT_EQ(copy().log_start_offset(), 10) << "of a log without records";
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(log().log_start_offset(), 10);
  base::SeededRandom random(1);
  files_->crash(base::CrashMode::kLoseUnsynced, random);
  start();
  EXPECT_EQ(log().log_start_offset(), 10) << "what was deleted does not come back";
}

TEST_F(LogMove, NothingExpiresInACopyButWithItsLog) {
  append(30);
  create();
  ASSERT_TRUE(copy_all());
  LogConfig short_lived = config_;
  short_lived.retention_ms = 1'000;
  clock_.now_ms += 1'000'000'000;
  manager_->delete_old_segments();
  EXPECT_EQ(copy().log_start_offset(), 0);
  log().set_config(std::make_shared<LogConfig>(short_lived));
  manager_->delete_old_segments();
  EXPECT_EQ(log().log_start_offset(), 30);
  EXPECT_EQ(copy().log_start_offset(), 0);
  uint64_t before = copy().size_bytes();
  append(3);
  ASSERT_TRUE(copy_all());
  manager_->delete_old_segments();
  EXPECT_EQ(copy().log_start_offset(), 30);
  EXPECT_LT(copy().size_bytes(), before);
  ASSERT_TRUE(move_to("/b", b_));
  clock_.now_ms += config_.file_delete_delay_ms;
  manager_->remove_deleted();
  auto entries = files_->list("/b/t-0");
  ASSERT_TRUE(entries);
  for (const auto& entry : *entries) EXPECT_FALSE(entry.name.ends_with(".deleted"));
}

// A start that was told to a client from the copy's directory only.
TEST_F(LogMove, ACopyThatBeginsBehindItsLogBeginsAnew) {
  append(10);
  create();
  ASSERT_TRUE(copy_all());
  ASSERT_TRUE(copy().advance_log_start_offset(5));
  ASSERT_TRUE(cut_to_match(log(), copy()));
  ASSERT_TRUE(copy_all());
  EXPECT_EQ(content(copy()), content(log()));
}

TEST_F(LogMove, ALogMayStartWithinABatch) {
  base::Bytes batch = make_batch({.count = 10});
  ASSERT_TRUE(log().append_as_leader(batch, {}));
  append(3);
  ASSERT_TRUE(log().advance_log_start_offset(7));
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(log().log_start_offset(), 7);
  EXPECT_EQ(log().log_end_offset(), 13);
  EXPECT_EQ(content(log()).front().first, 0) << "the batch as it was";
}

TEST_F(LogMove, ProducersAndEpochsComeAlong) {
  base::Bytes first =
      make_batch({.count = 3, .producer_id = 9, .producer_epoch = 0, .sequence = 0});
  base::Bytes again = first;
  ASSERT_TRUE(log().append_as_leader(first, {}));
  log().set_high_watermark(3);
  ASSERT_TRUE(log().advance_log_start_offset(3));
  log().begin_epoch(6);
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(log().latest_epoch(), 6) << "of which there is no record yet";
  auto known = log().append_as_leader(again, {.leader_epoch = 6});
  ASSERT_TRUE(known);
  EXPECT_TRUE(known->duplicate) << "although no record of it is left to be copied";
}

TEST_F(LogMove, OneThatIsCalledOffLeavesNothing) {
  append(5);
  create();
  ASSERT_TRUE(copy_all());
  ASSERT_TRUE(manager_->remove_future(kId));
  EXPECT_FALSE(manager_->future(kId));
  EXPECT_TRUE(named("-future").empty());
  ASSERT_TRUE(move_to("/b", b_));
  EXPECT_EQ(log().log_end_offset(), 5);
}

TEST_F(LogMove, TheCopyGoesWithItsLog) {
  append(5);
  create();
  ASSERT_TRUE(manager_->remove(kId));
  EXPECT_FALSE(manager_->future(kId));
  EXPECT_TRUE(named("").empty());
  EXPECT_TRUE(named("-future").empty());
  EXPECT_EQ(named("-delete").size(), 2u);
}

TEST_F(LogMove, ADirectoryThatFailsAsTheNameChangesLosesNothing) {
  append(5);
  create();
  ASSERT_TRUE(copy_all());
  for (auto operation : {base::DiskOperation::kRename, base::DiskOperation::kSyncDirectory}) {
    SetUp();
    append(5);
    create();
    ASSERT_TRUE(copy_all());
    ASSERT_TRUE(log().flush());
    ASSERT_TRUE(copy().flush());
    assigned_ = b_;
    files_->set_fault_hook([&](base::DiskOperation at, std::string_view path) {
      std::optional<base::Fault> fault;
      if (at == operation && path.starts_with("/b")) fault = {{base::Errc::kIo, "bad"}, 0};
      return fault;
    });
    bool became_it = manager_->promote_future(kId, manager_->hold_still()).has_value();
    EXPECT_EQ(became_it, operation == base::DiskOperation::kSyncDirectory);
    EXPECT_EQ(manager_->get("t", 0) == nullptr, became_it) << "in a directory that is offline";
    files_->set_fault_hook({});
    base::SeededRandom random(1);
    files_->crash(base::CrashMode::kLoseUnsynced, random);
    start();
    EXPECT_EQ(log().log_end_offset(), 5);
    EXPECT_EQ(named("").size(), 1u);
  }
}

TEST_F(LogMove, WhatIsToComeGoesWhereItIsWanted) {
  EXPECT_EQ(manager_->check_move(kId, "/b"), protocol::ErrorCode::kNone);
  EXPECT_EQ(manager_->check_move(kId, "/c"), protocol::ErrorCode::kLogDirNotFound);
  EXPECT_EQ(manager_->check_move({std::string(220, 'x'), 0}, "/b"),
            protocol::ErrorCode::kInvalidTopicException);
  for (int32_t i = 0; i < 4; ++i) {
    manager_->prefer({"u", i}, "/a");
    ASSERT_TRUE(manager_->get_or_create({"u", i}, topic_, Presence::kNew));
    EXPECT_EQ(manager_->directory_of("u", i), "/a");
  }
}

}  // namespace
}  // namespace longhaul::broker::log
