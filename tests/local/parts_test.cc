// The node's small parts: paths, variables, addresses, processes and their logs, probes.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/memory_file_system.h"
#include "local/node/address_book.h"
#include "local/node/base64.h"
#include "local/node/pod_plan.h"
#include "local/node/probe.h"

namespace longhaul::local {
namespace {

TEST(PathsTest, AreMappedWhereTheyStandAlone) {
  std::map<std::string, std::string> mounts{{"/data", "/v/1"}, {"/data/log", "/v/2"}};
  EXPECT_EQ(map_paths("/data", mounts), "/v/1");
  EXPECT_EQ(map_paths("/data/", mounts), "/v/1/");
  EXPECT_EQ(map_paths("/data/x/data", mounts), "/v/1/x/data");
  EXPECT_EQ(map_paths("/data/log/x", mounts), "/v/2/x");
  EXPECT_EQ(map_paths("/data/logs", mounts), "/v/1/logs");
  EXPECT_EQ(map_paths("--dirs=/data,/data/log", mounts), "--dirs=/v/1,/v/2");
  EXPECT_EQ(map_paths("/database /my/data x/data", mounts), "/database /my/data x/data");
  EXPECT_EQ(map_paths("", mounts), "");
}

TEST(VariablesTest, AreExpanded) {
  std::map<std::string, std::string> values{{"A", "1"}};
  EXPECT_EQ(expand("$(A)-$(B)-$$(A)-$A-$", values), "1-$(B)-$(A)-$A-$");
  EXPECT_EQ(expand("$(A", values), "$(A");
}

TEST(Base64Test, Decodes) {
  EXPECT_EQ(decode_base64("aGVsbG8="), "hello");
  EXPECT_EQ(decode_base64("aGVs\nbG8h"), "hello!");
  EXPECT_EQ(decode_base64(""), "");
}

TEST(AddressBookTest, KeepsWhatItGave) {
  base::MemoryFileSystem files;
  std::string first, other;
  {
    auto book = AddressBook::open(files, "/addresses.json", "127.9.0.0");
    ASSERT_TRUE(book) << book.error().message;
    first = *book->address_of("default", "a");
    other = *book->address_of("default", "b");
  }
  EXPECT_EQ(first, "127.9.0.2");
  EXPECT_EQ(other, "127.9.0.3");
  auto book = AddressBook::open(files, "/addresses.json", "127.9.0.0");
  EXPECT_EQ(*book->address_of("default", "b"), other);
  for (int i = 0; i < 300; ++i) {
    std::string address = *book->address_of("default", "c" + std::to_string(i));
    EXPECT_FALSE(address.ends_with(".0") || address.ends_with(".255")) << address;
  }
  for (const char* bad : {"10.0.0.0", "localhost", ""})
    EXPECT_FALSE(AddressBook::open(files, "/other", bad)) << bad;
}

TEST(PlanTest, RunsOnlyProgramsOfImages) {
  Images images{{"longhaul", "/bin-dir"}};
  PodPlace place;
  place.directory = "/pod";
  place.values = [](const std::string&, const std::string&) { return Json(); };
  auto plan = [&](const char* image, const char* command) {
    Json pod{{"spec",
              {{"containers",
                Json::array({{{"name", "c"}, {"image", image}, {"command", {command}}}})}}}};
    return plan_pod(pod, place, images);
  };
  auto good = plan("ghcr.io/x/longhaul:1@sha256:ab", "longhaul-broker");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->containers[0].command.arguments[0], "/bin-dir/longhaul-broker");
  EXPECT_EQ(plan("longhaul", "/bin/sh")->containers[0].command.arguments[0], "/bin-dir/sh");
  EXPECT_FALSE(plan("longhaul", ".."));
  EXPECT_FALSE(plan("longhaul", "/"));
  EXPECT_TRUE(plan("other", "x").error().message.starts_with("ErrImagePull: "));
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "longhaul-process-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Command shell(const std::string& script) {
    return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, directory_, directory_ + "/log"};
  }
  std::string directory_;
};

TEST_F(ProcessTest, TellsHowItEnded) {
  for (auto& [script, code] : std::map<std::string, int>{{"exit 7", 7}, {"kill -9 $$", 137}}) {
    std::promise<Exit> ended;
    auto process = Process::start(shell(script), [&](Exit exit) { ended.set_value(exit); });
    ASSERT_TRUE(process) << process.error().message;
    EXPECT_EQ(ended.get_future().get().code, code);
  }
  auto missing = Process::start({{"/nowhere/program"}, {}, directory_, ""}, [](Exit) {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::Errc::kNotFound);
  EXPECT_NE(missing.error().message.find("/nowhere/program"), std::string::npos);
}

TEST_F(ProcessTest, TellsWhatItSaidLast) {
  for (auto& [script, line] : std::map<std::string, std::string>{
           {"exit 1", ""},
           {"echo first; echo no port >&2; exit 1", "no port"},
           {"printf 'a\\n\\377\\001b \\n\\n'", "??b"},
           {"seq -s. 1 1000", "2.993.994.995.996.997.998.999.1000"}}) {
    std::promise<Exit> ended;
    auto process = Process::start(shell(script), [&](Exit exit) { ended.set_value(exit); });
    ASSERT_TRUE(process) << process.error().message;
    EXPECT_THAT(ended.get_future().get().last_line, testing::EndsWith(line)) << script;
  }
}

TEST_F(ProcessTest, KillsTheChildrenOfAProcessThatEnded) {
  std::promise<Exit> ended;
  auto process = Process::start(shell("sleep 1000 & echo $! > child; exit 0"),
                                [&](Exit exit) { ended.set_value(exit); });
  ASSERT_TRUE(process);
  ended.get_future().wait();
  std::ifstream file(directory_ + "/child");
  std::string child;
  file >> child;
  auto runs = [&] {
    std::ifstream stat("/proc/" + child + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return !text.empty() && text.find(") Z ") == text.npos;
  };
  while (runs()) std::this_thread::yield();
}

TEST_F(ProcessTest, BoundsItsLog) {
  std::promise<Exit> ended;
  Command command = shell("i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done");
  command.log_limit = 4096;
  auto process = Process::start(command, [&](Exit exit) { ended.set_value(exit); });
  ASSERT_TRUE(process);
  ended.get_future().wait();
  EXPECT_LE(std::filesystem::file_size(directory_ + "/log"), 4096u + 16384);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/log.1"));
}

/// Answers one request on loopback with a fixed text.
class OneAnswer {
 public:
  explicit OneAnswer(const std::string& answer) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, answer] {
      int peer = accept(socket_, nullptr, nullptr);
      char buffer[1024];
      (void)!read(peer, buffer, sizeof buffer);
      (void)!write(peer, answer.data(), answer.size());
      close(peer);
    });
  }
  ~OneAnswer() {
    thread_.join();
    close(socket_);
  }
  uint16_t port = 0;

 private:
  int socket_ = -1;
  std::thread thread_;
};

TEST(ProbeTest, JudgesAnswers) {
  using Kind = ProbeTarget::Kind;
  auto http = [](const std::string& answer) {
    OneAnswer server(answer);
    return try_probe({Kind::kHttp, "127.0.0.1", server.port, "/"}, std::chrono::seconds(10));
  };
  EXPECT_TRUE(http("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_TRUE(http("HTTP/1.1 302 Found\r\n\r\n"));
  auto refused = http("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("503"), std::string::npos);
  EXPECT_FALSE(http("noise\r\n"));
  EXPECT_FALSE(http(""));
  uint16_t port;
  {
    OneAnswer server("");
    port = server.port;
    EXPECT_TRUE(try_probe({Kind::kTcp, "127.0.0.1", port}, std::chrono::seconds(10)));
  }
  auto closed = try_probe({Kind::kTcp, "127.0.0.1", port}, std::chrono::seconds(10));
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, base::Errc::kUnavailable);
}

}  // namespace
}  // namespace longhaul::local
