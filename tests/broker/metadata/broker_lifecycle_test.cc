#include "broker/metadata/broker_lifecycle.h"

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
    auto& request = params.registration;
    request.broker_id = 1000;
    request.cluster_id = cluster;
    request.incarnation_id = base::Uuid::random(random_);
    request.listeners.push_back({"PLAINTEXT", "localhost", 9092, 0});
    request.features.push_back({"metadata.version", 30, 30});
    request.rack = std::nullopt;
    request.log_dirs = {self_.directory};
    params.request_timeout_ms = 1'000;
    params.on_refused = [this](ErrorCode code) { refused_ = code; };
    lifecycle_ = std::make_shared<BrokerLifecycle>(std::move(params));
  }

  std::shared_ptr<BrokerLifecycle> lifecycle_;
  ErrorCode refused_ = ErrorCode::kNone;
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

}  // namespace
}  // namespace longhaul::broker::metadata
