#include "broker/metrics/endpoint.h"

#include <gtest/gtest.h>

#include <future>
#include <regex>
#include <sstream>
#include <thread>

#include "base/thread_loop.h"
#include "broker/metrics/family.h"
#include "tests/broker/metrics/http_client.h"

namespace longhaul::broker::metrics {
namespace {

/// Counts how often it was collected, and says so.
class Counting final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    return {counter("test_collections_total", "How often.", {{++count_}}),
            gauge("test_labelled", "Hostile labels.",
                  {{1.5, {{"path", "C:\\x \"y\"\n"}}}, {-2e300, {{"path", ""}}}})};
  }

 private:
  mutable double count_ = 0;
};

/// What of a text is not in Prometheus' format (version 0.0.4), or names a family twice.
std::string flaws_of(const std::string& text) {
  static const std::regex kComment(R"(# (HELP|TYPE) [a-z_]+ .+)");
  static const std::regex kSample(
      R"re([a-z_]+(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? -?[0-9.e+-]+)re");
  std::string flaws;
  if (text.empty() || text.back() != '\n') flaws += "no line end\n";
  std::istringstream lines(text);
  std::vector<std::string> types;
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_match(line, line[0] == '#' ? kComment : kSample)) flaws += line + "\n";
    if (line.rfind("# TYPE ", 0) != 0) continue;
    if (std::find(types.begin(), types.end(), line) != types.end()) flaws += "twice: " + line;
    types.push_back(line);
  }
  return flaws;
}

class EndpointTest : public testing::Test {
 protected:
  void start(std::chrono::seconds stuck_after = std::chrono::seconds(30), HttpLimits limits = {}) {
    endpoint_ = std::make_unique<Endpoint>(
        Endpoint::Context{.reactor = reactor_,
                          .workers = workers_,
                          .clock = clock_,
                          .log = base::Logger(base::null_sink(), "metrics"),
                          .not_ready = [this] { return ready_ ? "" : "recovering logs"; },
                          .stuck_after = stuck_after,
                          .limits = limits});
    endpoint_->watch("the loop", loop_);
    endpoint_->exposition().add(std::make_unique<Counting>());
    auto started = endpoint_->start({"127.0.0.1", 0});
    ASSERT_TRUE(started) << started.error().message;
  }
  void TearDown() override {
    endpoint_.reset();
    workers_.stop();
    loop_.stop();
  }
  Response page(const std::string& path) { return get(endpoint_->port(), path); }

  base::SystemClock clock_;
  net::Reactor reactor_{"metrics"};
  base::ThreadLoop loop_{"loop"};
  base::WorkerPool workers_{"worker", 1};
  std::atomic<bool> ready_{false};
  std::unique_ptr<Endpoint> endpoint_;
};

TEST_F(EndpointTest, TellsHealth) {
  start();
  EXPECT_EQ(page("/livez").status, 200);
  EXPECT_EQ(page("/livez?verbose").body, "ok\n");
  Response response = page("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "recovering logs\n");
  ready_ = true;
  EXPECT_EQ(page("/readyz").status, 200);
  EXPECT_EQ(page("/").status, 404);
  EXPECT_EQ(page("/metrics/").status, 404);
}

TEST_F(EndpointTest, IsNotAliveWhenALoopIsStuck) {
  start(std::chrono::seconds(0));
  std::promise<void> running, release;
  loop_.post([&] {
    running.set_value();
    release.get_future().wait();
  });
  running.get_future().wait();
  EXPECT_EQ(page("/livez").status, 200);  // only now is the loop asked
  Response response = page("/livez");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body.rfind("the loop has not answered for ", 0), 0u) << response.body;
  release.set_value();
  std::promise<void> answered;
  loop_.post([&] { answered.set_value(); });
  answered.get_future().wait();
  EXPECT_EQ(page("/livez").status, 200);
}

TEST_F(EndpointTest, GivesMetricsInPrometheusFormat) {
  start();
  for (int scrape = 1; scrape <= 2; ++scrape) {
    Response response = page("/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(response.head.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
              std::string::npos);
    EXPECT_EQ(flaws_of(response.body), "");
    std::string line = "\ntest_collections_total " + std::to_string(scrape) + "\n";
    EXPECT_NE(response.body.find(line), std::string::npos) << response.body;
  }
}

TEST_F(EndpointTest, AnswersHealthWhileWorkersAreHeldUp) {
  start({}, {.connections = 2});
  std::promise<void> running, release;
  workers_.post([&] {
    running.set_value();
    release.get_future().wait();
  });
  running.get_future().wait();
  RawClient first(endpoint_->port());
  first.send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(page("/readyz").status, 503);
  release.set_value();
  EXPECT_EQ(parse_response(first.read_all()).status, 200);
}

TEST_F(EndpointTest, UsesNothingAfterItsEnd) {
  start();
  std::promise<void> running, release;
  // Nothing here waits for the worker to go on: what it waits for has to be its own.
  workers_.post([&running, released = release.get_future().share()] {
    running.set_value();
    released.wait();
  });
  running.get_future().wait();
  RawClient client(endpoint_->port());
  client.send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(page("/readyz").status, 503);  // on the same reactor, after the scrape was queued
  endpoint_.reset();
  EXPECT_EQ(client.read_all(), "");
  release.set_value();
}

}  // namespace
}  // namespace longhaul::broker::metrics
