#include "broker/handlers/await_all.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/loop.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using namespace std::chrono_literals;

class AwaitAll : public ::testing::Test {
 protected:
  void wait(std::chrono::milliseconds timeout = 1000ms) {
    waiters_.clear();
    outcomes_.reset();
    await_all(
        loop_, connection_, timeout, 2,
        [this](size_t, partition::CommitWaiter waiter) { waiters_.push_back(std::move(waiter)); },
        [this](std::vector<ErrorCode> outcomes) { outcomes_ = std::move(outcomes); });
    simulation_.run_due();
  }

  sim::Simulation simulation_{1};
  sim::Loop loop_{simulation_};
  std::shared_ptr<net::ConnectionInfo> connection_ = std::make_shared<net::ConnectionInfo>();
  std::vector<partition::CommitWaiter> waiters_;
  std::optional<std::vector<ErrorCode>> outcomes_;
};

TEST_F(AwaitAll, IsDoneWithTheLastPart) {
  wait();
  waiters_[1].done(ErrorCode::kNotLeaderOrFollower);
  simulation_.run_due();
  EXPECT_FALSE(outcomes_);
  waiters_[0].done(ErrorCode::kNone);
  simulation_.run_due();
  EXPECT_EQ(outcomes_, (std::vector{ErrorCode::kNone, ErrorCode::kNotLeaderOrFollower}));
  EXPECT_EQ(simulation_.pending(), 0u);
}

TEST_F(AwaitAll, WhoseTimeIsOverWaitsNoMore) {
  wait();
  waiters_[1].done(ErrorCode::kNone);
  EXPECT_FALSE(waiters_[0].is_gone());
  simulation_.run_for(1000ms);
  EXPECT_EQ(outcomes_, (std::vector{ErrorCode::kRequestTimedOut, ErrorCode::kNone}));
  EXPECT_TRUE(waiters_[0].is_gone());
  waiters_[0].done(ErrorCode::kNone);
}

TEST_F(AwaitAll, NorDoesOneWhoseConnectionIsClosed) {
  wait(INT32_MAX * 1ms);
  connection_->when_closed.run();
  EXPECT_TRUE(outcomes_);
  EXPECT_TRUE(waiters_[0].is_gone());
  EXPECT_EQ(simulation_.pending(), 0u);
  wait(INT32_MAX * 1ms);
  EXPECT_TRUE(outcomes_) << "it was closed before";
  EXPECT_EQ(simulation_.pending(), 0u);
}

}  // namespace
}  // namespace longhaul::broker::handlers
