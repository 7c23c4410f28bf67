#include "broker/metrics/broker_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/memory_file_system.h"
#include "broker/metrics/exposition.h"
#include "broker/metrics/process_metrics.h"

namespace longhaul::broker::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(std::unique_ptr<prometheus::Collectable> source) {
  Exposition exposition;
  exposition.add(std::move(source));
  return exposition.text();
}

/// The value of a sample by its name and labels as they stand in the text.
double value_of(const std::string& text, const std::string& sample) {
  size_t at = text.find("\n" + sample + " ");
  if (at == text.npos) return -1;
  return std::stod(text.substr(at + sample.size() + 2));
}

TEST(BrokerMetrics, OfTheNode) {
  bool ready = false;
  Exposition exposition;
  exposition.add(std::make_unique<NodeMetrics>(1001, "0.1.0", [&] { return ready; }));
  std::string text = exposition.text();
  EXPECT_EQ(value_of(text, R"(longhaul_broker_info{node_id="1001",version="0.1.0"})"), 1);
  EXPECT_EQ(value_of(text, "longhaul_broker_ready"), 0);
  ready = true;
  EXPECT_EQ(value_of(exposition.text(), "longhaul_broker_ready"), 1);
}

TEST(BrokerMetrics, OfReactorsAndRequestMemory) {
  net::Reactor first("first"), second("second");
  net::FramePool frames(1 << 20);
  net::FrameBuffer frame = frames.acquire(5000);
  std::promise<void> over;
  second.post([&] {
    second.post([&] { over.set_value(); });  // the next round: this one is accounted for
  });
  over.get_future().wait();
  std::string text = text_of(
      std::make_unique<ReactorMetrics>(std::vector<const net::Reactor*>{&first, &second}, frames));
  EXPECT_THAT(text, HasSubstr("# TYPE longhaul_reactor_busy_seconds_total counter\n"));
  EXPECT_GE(value_of(text, R"(longhaul_reactor_wake_ups_total{reactor="1"})"), 1);
  EXPECT_GE(value_of(text, R"(longhaul_reactor_busy_seconds_total{reactor="0"})"), 0);
  EXPECT_GE(value_of(text, R"(longhaul_reactor_hold_ups_total{reactor="1"})"), 0);
  EXPECT_EQ(value_of(text, "longhaul_request_memory_limit_bytes"), 1 << 20);
  EXPECT_GE(value_of(text, "longhaul_request_memory_used_bytes"), 5000);
}

TEST(BrokerMetrics, OfLogs) {
  base::MemoryFileSystem files;
  base::SystemClock clock;
  base::SeededRandom random(1);
  ASSERT_TRUE(files.create_directories("/a"));
  ASSERT_TRUE(files.create_directories("/b"));
  auto logs = *log::LogManager::open(
      {.files = &files,
       .clock = &clock,
       .random = &random,
       .logger = base::Logger(base::null_sink(), "log"),
       .directories = {"/a", "/b"},
       .config_of = [](const std::string&) { return std::make_shared<const log::LogConfig>(); },
       .on_directory_failure = {}});
  logs->load();
  ASSERT_TRUE(logs->get_or_create({"t", 0}, base::Uuid::random(random), log::Presence::kNew));
  std::string text = text_of(std::make_unique<LogMetrics>(*logs));
  EXPECT_EQ(value_of(text, "longhaul_log_partitions"), 1);
  EXPECT_EQ(value_of(text, "longhaul_log_size_bytes"), 0);
  EXPECT_EQ(value_of(text, "longhaul_log_directories_offline"), 0);
  EXPECT_THAT(text, HasSubstr(R"(longhaul_log_directory_usable_bytes{directory="/b"})"));

  logs->fail_directory("/b", {base::Errc::kIo, "broken"});
  text = text_of(std::make_unique<LogMetrics>(*logs));
  EXPECT_EQ(value_of(text, "longhaul_log_directories_offline"), 1);
  EXPECT_THAT(text, Not(HasSubstr(R"(longhaul_log_directory_usable_bytes{directory="/b"})")));
}

TEST(BrokerMetrics, OfTheProcess) {
  base::SystemClock clock;
  std::string text = text_of(std::make_unique<ProcessMetrics>(clock));
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value_of(text, "process_virtual_memory_bytes"), 1e6);
  EXPECT_GT(value_of(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of(text, "process_open_fds"), 3);
  EXPECT_GT(value_of(text, "process_max_fds"), 3);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.7e9);
}

}  // namespace
}  // namespace longhaul::broker::metrics
