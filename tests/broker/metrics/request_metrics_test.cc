#include "broker/metrics/request_metrics.h"

#include <gtest/gtest.h>

#include "broker/metrics/exposition.h"
#include "broker/net/frame_pool.h"
#include "protocol/api.h"
#include "tests/broker/metrics/hand_clock.h"

namespace longhaul::broker::metrics {
namespace {

class NoLoop final : public base::EventLoop {
 public:
  void post(base::Task) override {}
  base::TimerId after(std::chrono::microseconds, base::Task) override { return 1; }
  bool cancel(base::TimerId) override { return false; }
};

/// Keeps the reply of the last request.
class Keeper final : public net::RequestHandler {
 public:
  void handle(net::Request, net::Reply reply) override { kept.emplace(std::move(reply)); }
  std::optional<net::Reply> kept;
};

class Outcomes final : public net::ReplySink {
 public:
  void deliver(uint64_t sequence, net::Outcome outcome) override {
    sequences.push_back(sequence);
    last = std::move(outcome);
  }
  std::vector<uint64_t> sequences;
  net::Outcome last;
};

class RequestMetricsTest : public testing::Test {
 protected:
  /// Hands over an ApiVersions request of 10 bytes.
  void ask(NoLoop& loop, uint64_t sequence) {
    base::Writer writer;
    writer.int16(static_cast<int16_t>(protocol::ApiKey::kApiVersions));
    writer.int16(2);
    writer.int32(7);
    writer.int16(-1);
    net::FrameBuffer frame = pool_.acquire(writer.view().size());
    std::copy(writer.view().begin(), writer.view().end(), frame.span().begin());
    auto request = net::Request::parse(std::move(frame), std::make_shared<net::ConnectionInfo>(),
                                       loop, clock_.now);
    ASSERT_TRUE(request);
    handler_.handle(std::move(*request), net::Reply(sink_, sequence));
  }
  RequestStats::Totals totals() const {
    auto index = protocol::find_api(protocol::ApiKey::kApiVersions) - protocol::apis().data();
    return stats_.totals()[static_cast<size_t>(index)];
  }

  HandClock clock_;
  net::FramePool pool_{1 << 20};
  NoLoop first_, second_;
  Keeper keeper_;
  RequestStats stats_{{&first_, &second_}};
  CountingHandler handler_{keeper_, stats_, clock_};
  std::shared_ptr<Outcomes> sink_ = std::make_shared<Outcomes>();
};

TEST_F(RequestMetricsTest, PassesEveryOutcomeOnAndCountsIt) {
  ask(first_, 5);
  clock_.now += std::chrono::milliseconds(3);
  keeper_.kept->send({base::Bytes(100), {}});
  EXPECT_EQ(sink_->last.kind, net::Outcome::Kind::kResponse);
  EXPECT_EQ(sink_->last.response.size(), 100u);
  ask(second_, 6);
  keeper_.kept->none();
  EXPECT_EQ(sink_->last.kind, net::Outcome::Kind::kNone);
  ask(second_, 7);
  clock_.now += std::chrono::seconds(2);
  keeper_.kept.reset();  // dropped
  EXPECT_EQ(sink_->last.kind, net::Outcome::Kind::kClose);
  EXPECT_NE(sink_->last.why, "");
  EXPECT_EQ(sink_->sequences, (std::vector<uint64_t>{5, 6, 7}));

  RequestStats::Totals sum = totals();
  EXPECT_EQ(sum.count, 3u);
  EXPECT_EQ(sum.request_bytes, 30u);
  EXPECT_EQ(sum.response_bytes, 100u);
  EXPECT_EQ(sum.closed, 1u);
  EXPECT_EQ(sum.total_us, 2'003'000u);
  EXPECT_EQ(sum.times.front(), 1u);
  EXPECT_EQ(sum.times[3], 1u);
  EXPECT_EQ(sum.times.back(), 1u);
}

TEST_F(RequestMetricsTest, ShowsApisThatWereAskedFor) {
  Exposition exposition;
  exposition.add(std::make_unique<RequestMetrics>(stats_));
  EXPECT_EQ(exposition.text().find("{api="), std::string::npos);
  ask(first_, 0);
  clock_.now += std::chrono::microseconds(1000);
  keeper_.kept->none();
  std::string text = exposition.text();
  for (const char* line : {"# TYPE longhaul_request_seconds histogram\n",
                           "longhaul_request_seconds_count{api=\"ApiVersions\"} 1\n",
                           "longhaul_request_seconds_sum{api=\"ApiVersions\"} 0.001\n",
                           "longhaul_request_seconds_bucket{api=\"ApiVersions\",le=\"0.0005\"} 0\n",
                           "longhaul_request_seconds_bucket{api=\"ApiVersions\",le=\"0.001\"} 1\n",
                           "longhaul_request_seconds_bucket{api=\"ApiVersions\",le=\"+Inf\"} 1\n",
                           "longhaul_request_bytes_total{api=\"ApiVersions\"} 10\n",
                           "longhaul_requests_closed_total{api=\"ApiVersions\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("Produce"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::broker::metrics
