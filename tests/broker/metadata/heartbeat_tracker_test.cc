#include "broker/metadata/heartbeat_tracker.h"

#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Runs = std::vector<BrokerHeartbeatTracker::BrokerRun>;

class Tracker : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    for (int32_t id : {1, 2}) add_broker(id);
    add_broker(3, /*unfence=*/false);
    tracker_.follow(*image_, seconds(100));
  }
  int64_t epoch(int32_t id) { return image_->broker(id)->epoch; }
  void beat(int32_t id, seconds now, int64_t offset = 0) {
    tracker_.heard(id, epoch(id), offset, now);
  }

  BrokerHeartbeatTracker tracker_{milliseconds(9'000)};
};

TEST_F(Tracker, SilenceEndsASession) {
  EXPECT_EQ(tracker_.next_expiry(), seconds(109));
  EXPECT_TRUE(tracker_.to_fence(seconds(108)).empty());
  beat(1, seconds(105));
  EXPECT_EQ(tracker_.next_expiry(), seconds(109));
  EXPECT_EQ(tracker_.to_fence(seconds(109)), (Runs{{2, epoch(2)}}));
  EXPECT_TRUE(tracker_.has_session(1, epoch(1), seconds(109)));
  EXPECT_FALSE(tracker_.has_session(2, epoch(2), seconds(109)));
  EXPECT_EQ(tracker_.to_fence(seconds(200)), (Runs{{2, epoch(2)}, {1, epoch(1)}}));
  tracker_.heard(2, epoch(2) - 1, 0, seconds(199));  // an earlier run of it
  EXPECT_FALSE(tracker_.has_session(2, epoch(2), seconds(200)));
}

TEST_F(Tracker, WhoCouldNotBeHeardIsNotSilent) {
  tracker_.renew_all(seconds(129));
  EXPECT_TRUE(tracker_.to_fence(seconds(137)).empty());
  EXPECT_EQ(tracker_.to_fence(seconds(138)).size(), 2u);
}

TEST_F(Tracker, AFencedBrokerIsNotFencedAgain) {
  protocol::BrokerRegistrationChangeRecord fence;
  fence.broker_id = 2;
  fence.broker_epoch = epoch(2);
  fence.fenced = 1;
  apply({fence});
  tracker_.follow(*image_, seconds(109));
  EXPECT_EQ(tracker_.to_fence(seconds(200)), (Runs{{1, epoch(1)}}));
  // Unfenced, it has a whole session before it.
  fence.fenced = -1;
  apply({fence});
  tracker_.follow(*image_, seconds(300));
  EXPECT_EQ(tracker_.to_fence(seconds(308)), (Runs{{1, epoch(1)}}));
}

TEST_F(Tracker, ARefusedReconnectEndsASessionAtOnce) {
  EXPECT_TRUE(tracker_.connection_closed(1, epoch(1)));
  EXPECT_TRUE(tracker_.to_fence(seconds(101)).empty());
  tracker_.reconnect_refused(1, epoch(1));
  EXPECT_EQ(tracker_.to_fence(seconds(101)), (Runs{{1, epoch(1)}}));
  EXPECT_FALSE(tracker_.has_session(1, epoch(1), seconds(101)));
  EXPECT_FALSE(tracker_.connection_closed(1, epoch(1)));
  EXPECT_LE(*tracker_.next_expiry(), seconds(101));
}

TEST_F(Tracker, AHeartbeatInBetweenSavesIt) {
  EXPECT_TRUE(tracker_.connection_closed(1, epoch(1)));
  beat(1, seconds(101));
  tracker_.reconnect_refused(1, epoch(1));
  EXPECT_TRUE(tracker_.to_fence(seconds(102)).empty());
  // Refused without a reset, or in another epoch: nothing is proved.
  tracker_.reconnect_refused(2, epoch(2));
  EXPECT_FALSE(tracker_.connection_closed(2, epoch(2) - 1));
  tracker_.reconnect_refused(2, epoch(2));
  EXPECT_TRUE(tracker_.to_fence(seconds(102)).empty());
}

TEST_F(Tracker, UnregisteredBrokersAreForgotten) {
  protocol::UnregisterBrokerRecord record;
  record.broker_id = 1;
  record.broker_epoch = epoch(1);
  apply({record});
  tracker_.follow(*image_, seconds(101));
  EXPECT_EQ(tracker_.to_fence(seconds(200)), (Runs{{2, epoch(2)}}));
}

TEST_F(Tracker, ShutdownWaitsForTheOthersToKnow) {
  beat(2, seconds(100), offset_ - 1);
  protocol::BrokerRegistrationChangeRecord leaving;
  leaving.broker_id = 1;
  leaving.broker_epoch = epoch(1);
  leaving.in_controlled_shutdown = 1;
  apply({leaving});
  tracker_.follow(*image_, seconds(101));
  EXPECT_FALSE(tracker_.may_shut_down(1));
  beat(2, seconds(102), offset_ - 1);
  EXPECT_TRUE(tracker_.may_shut_down(1));  // 3 is fenced and need not know
}

}  // namespace
}  // namespace longhaul::broker::metadata
