#include "broker/partition/replication_quota.h"

#include <gtest/gtest.h>

#include "broker/partition/topic_settings.h"

namespace longhaul::broker::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class StoppedClock final : public base::Clock {
 public:
  int64_t wall_ms() const override { return 0; }
  Monotonic monotonic() const override { return now_; }
  void advance(milliseconds by) { now_ += by; }

 private:
  Monotonic now_ = seconds(100);
};

class ReplicationQuotaTest : public ::testing::Test {
 protected:
  milliseconds wait() const {
    return std::chrono::duration_cast<milliseconds>(quota_.free_at() - clock_.monotonic());
  }

  StoppedClock clock_;
  ReplicationQuota quota_{clock_, seconds(10)};
};

TEST_F(ReplicationQuotaTest, LetsAllThroughUntilARateIsSet) {
  quota_.count(uint64_t{1} << 60);
  EXPECT_FALSE(quota_.is_exceeded());
}

TEST_F(ReplicationQuotaTest, HoldsTheRateOnAverageOverItsWindow) {
  quota_.set_rate(1000);
  quota_.count(10'000);  // what the window had room for
  EXPECT_FALSE(quota_.is_exceeded());
  quota_.count(2500);
  EXPECT_EQ(wait(), milliseconds(2500));
  clock_.advance(seconds(2));
  EXPECT_TRUE(quota_.is_exceeded());
  clock_.advance(milliseconds(500));
  EXPECT_FALSE(quota_.is_exceeded());
  clock_.advance(seconds(1000));  // more than a window is not saved up
  quota_.count(11'000);
  EXPECT_EQ(wait(), seconds(1));
}

TEST_F(ReplicationQuotaTest, ZeroLetsNothingThroughUntilItIsRaised) {
  quota_.set_rate(0);
  EXPECT_TRUE(quota_.is_exceeded());
  clock_.advance(seconds(1000));
  EXPECT_TRUE(quota_.is_exceeded());
  quota_.set_rate(1);
  EXPECT_FALSE(quota_.is_exceeded());
}

TEST_F(ReplicationQuotaTest, ANewRateForgetsWhatWasOwed) {
  quota_.set_rate(1);
  quota_.count(1000);
  quota_.set_rate(1);
  EXPECT_TRUE(quota_.is_exceeded());
  quota_.set_rate(2);
  EXPECT_FALSE(quota_.is_exceeded());
}

TEST(ThrottledReplicas, AreThoseNamedOrAll) {
  EXPECT_FALSE(ThrottledReplicas().contains(0, 1));
  EXPECT_TRUE(ThrottledReplicas({"*"}).contains(7, 9));
  ThrottledReplicas named({"0:1", "3:1002"});
  EXPECT_TRUE(named.contains(0, 1));
  EXPECT_TRUE(named.contains(3, 1002));
  EXPECT_FALSE(named.contains(0, 1002));
  EXPECT_FALSE(named.contains(3, 1));
}

}  // namespace
}  // namespace longhaul::broker::partition
