#include "broker/metadata/broker_lifecycle.h"

#include <algorithm>

#include "tests/broker/metadata/node_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class Lifecycle : public NodeFixture {
 protected:
  void make(const std::string& cluster) {
    BrokerLifecycle::Params params;
    params.loop = &*loop_;
    params.clock = &clock_;
    params.controller = node_.get();
    params.images = &node_->images();
    params.registration = registration(1000);
    params.registration.cluster_id = cluster;
    params.registration.log_dirs.push_back(base::Uuid::random(random_));
    params.heartbeat_interval_ms = interval_ms_;
    params.request_timeout_ms = 1'000;
    params.on_refused = [this](ErrorCode code) { refused_ = code; };
    params.on_fenced = [this](bool fenced) { fenced_.push_back(fenced); };
    params.offline_directories = [this] { return offline_; };
    lifecycle_ = std::make_shared<BrokerLifecycle>(std::move(params));
  }

  /// A broker that is alive and leads the topic "t".
  void serve() {
    upkeep_.session_timeout = std::chrono::seconds(9);
    start();
    make(kCluster);
    lifecycle_->register_broker([this](int64_t) { lifecycle_->unfence([] {}); });
    run();
    ASSERT_EQ(created("t"), ErrorCode::kNone);
  }
  int32_t leader() { return image()->partition("t", 0)->leader; }

  std::shared_ptr<BrokerLifecycle> lifecycle_;
  ErrorCode refused_ = ErrorCode::kNone;
  int64_t interval_ms_ = 2'000;
  std::vector<bool> fenced_;
  std::vector<base::Uuid> offline_;
};

TEST_F(Lifecycle, RegistersAndComesAlive) {
  start();
  make(kCluster);
  int64_t epoch = -1;
  bool alive = false;
  lifecycle_->register_broker([&](int64_t given) {
    epoch = given;
    EXPECT_EQ(image()->broker(1000)->epoch, given);
    EXPECT_TRUE(image()->broker(1000)->fenced);
    lifecycle_->unfence([&] { alive = true; });
  });
  run();
  EXPECT_EQ(epoch, lifecycle_->broker_epoch());
  EXPECT_TRUE(alive);
  EXPECT_FALSE(image()->broker(1000)->fenced);
  stop();
}

TEST_F(Lifecycle, TriesAgainUntilTheControllerAnswers) {
  start();
  make(kCluster);
  bool registered = false;
  lifecycle_->register_broker([&](int64_t) { registered = true; });
  // The disk does not move for three time-outs: the leader has not committed its first record.
  advance_without_io(3'500);
  EXPECT_FALSE(registered);
  run();
  advance(200);
  EXPECT_TRUE(registered);
  stop();
}

TEST_F(Lifecycle, AWrongClusterIsFinal) {
  start();
  make("another");
  lifecycle_->register_broker([&](int64_t) { ADD_FAILURE(); });
  run();
  EXPECT_EQ(refused_, ErrorCode::kInconsistentClusterId);
  advance(10'000);
  stop();
}

TEST_F(Lifecycle, HeartbeatsKeepItAlive) {
  serve();
  int64_t end = image()->provenance.offset;
  advance(60'000);
  EXPECT_EQ(fenced_, (std::vector<bool>{false}));
  EXPECT_EQ(image()->provenance.offset, end) << "and write nothing";
  lifecycle_.reset();
  advance(9'100);
  EXPECT_TRUE(image()->broker(1000)->fenced);
  stop();
}

TEST_F(Lifecycle, WhoeverIsFencedComesBack) {
  interval_ms_ = 10'000;
  serve();
  advance(9'500);
  EXPECT_EQ(leader(), kNoLeader);
  advance(1'000);
  EXPECT_EQ(fenced_.size(), 1u) << "the heartbeat that unfences says so";
  EXPECT_EQ(leader(), 1000);
  stop();
}

TEST_F(Lifecycle, ControlledShutdown) {
  serve();
  bool gone = false;
  lifecycle_->shut_down([&] { gone = true; });
  advance(300);
  EXPECT_TRUE(gone);
  EXPECT_TRUE(image()->broker(1000)->fenced);
  EXPECT_TRUE(image()->broker(1000)->in_controlled_shutdown);
  EXPECT_EQ(leader(), kNoLeader);
  int64_t end = image()->provenance.offset;
  advance(60'000);
  EXPECT_EQ(image()->provenance.offset, end);
  stop();
}

TEST_F(Lifecycle, AShutdownWithoutAControllerEndsByItself) {
  serve();
  bool gone = false;
  lifecycle_->shut_down([&] { gone = true; });
  io_->hold();
  advance(900);
  EXPECT_FALSE(gone);
  advance(200);
  EXPECT_TRUE(gone);
  io_->resume();
  stop();
}

TEST_F(Lifecycle, AShutdownBeforeTheRegistration) {
  start();
  make(kCluster);
  lifecycle_->register_broker([&](int64_t) { ADD_FAILURE(); });
  bool gone = false;
  lifecycle_->shut_down([&] { gone = true; });
  EXPECT_TRUE(gone);
  advance(1'000);
  stop();
}

TEST_F(Lifecycle, FailedDirectoriesAreTold) {
  serve();
  offline_ = {self_.directory};
  advance(2'100);
  const auto& online = image()->broker(1000)->directories;
  EXPECT_EQ(online.size(), 1u);
  EXPECT_EQ(std::count(online.begin(), online.end(), self_.directory), 0);
  stop();
}

TEST_F(Lifecycle, WhoIsNoLongerRegisteredIsTold) {
  serve();
  protocol::UnregisterBrokerRequest request;
  request.broker_id = 1000;
  send(&metadata::unregister_broker, request);
  advance(2'100);
  EXPECT_EQ(refused_, ErrorCode::kStaleBrokerEpoch);
  stop();
}

}  // namespace
}  // namespace longhaul::broker::metadata
