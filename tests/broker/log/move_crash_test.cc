// A move between directories that is interrupted anywhere.
#include "tests/broker/log/machine_off.h"
#include "tests/broker/log/move_fixture.h"

namespace longhaul::broker::log {
namespace {

class MoveCrashes : public MoveFixture, public testing::WithParamInterface<base::CrashMode> {
 protected:
  /// A log of some segments, in two epochs, with a start of its own; all of it is on the disk.
  void fill() {
    config_.segment_bytes = 1000;
    begin_anew();
    append(8, 0);
    append(8, 2);
    ASSERT_TRUE(log().advance_log_start_offset(3));
    ASSERT_TRUE(log().flush());
    manager_->write_checkpoints();
    manager_->write_high_watermarks();
  }
  /// Everything fails from the `nth` change of the disk on; false if there were fewer.
  bool move_until(uint64_t nth) {
    MachineOff machine(*files_, nth);
    auto moved = move_to("/b", b_);
    return !moved || machine.changes_made() == nth;
  }
};

TEST_P(MoveCrashes, LeaveOneWholeLogAndAMoveThatCanBeMade) {
  bool interrupted = true;
  int points = 0;
  for (uint64_t nth = 0; interrupted && !HasFailure(); ++nth) {
    for (uint64_t seed = 1; seed <= (GetParam() == base::CrashMode::kTorn ? 6u : 1u); ++seed) {
      fill();
      auto expected = content(log());
      SCOPED_TRACE("operation " + std::to_string(nth) + ", seed " + std::to_string(seed));
      interrupted = move_until(nth);
      base::SeededRandom random(seed);
      files_->crash(GetParam(), random);
      start();
      ASSERT_TRUE(manager_->get("t", 0));
      EXPECT_EQ(content(log()), expected);
      EXPECT_EQ(named("").size(), 1u) << "one log";
      EXPECT_LE(named("-future").size(), 1u);
      EXPECT_EQ(log().topic_id(), topic_);
      EXPECT_EQ(log().latest_epoch(), 2);
      EXPECT_EQ(log().log_start_offset(), 3);
      append(2, 3);
      expected = content(log());
      bool was_done = place() == "/b";
      ASSERT_TRUE(was_done || move_to("/b", b_));
      EXPECT_EQ(place(), "/b");
      EXPECT_EQ(content(log()), expected);
      ASSERT_TRUE(log().flush());
      // What a sync that failed should have saved, no later one saves: that is for a disk to bear.
      files_->crash(GetParam() == base::CrashMode::kKeepAll ? base::CrashMode::kKeepAll
                                                            : base::CrashMode::kLoseUnsynced,
                    random);
      start();
      EXPECT_EQ(content(log()), expected) << "and it stays";
      EXPECT_EQ(place(), "/b");
    }
    ++points;
  }
  EXPECT_GT(points, 30);
}

INSTANTIATE_TEST_SUITE_P(Modes, MoveCrashes,
                         testing::Values(base::CrashMode::kLoseUnsynced, base::CrashMode::kKeepAll,
                                         base::CrashMode::kTorn));

}  // namespace
}  // namespace longhaul::broker::log
