// What bounds a server: connections, memory, idleness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "tests/broker/net/loopback.h"

namespace longhaul::broker::net {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(ServerLimits, OneAddressHasSoManyConnections) {
  TestServer at(echo, "max.connections.per.ip=2\n");
  Client one(at.port()), two(at.port()), three(at.port());
  EXPECT_TRUE(three.at_end());
  one.send(request_frame(1));
  EXPECT_EQ(one.answer(), 1);
  EXPECT_EQ(at.server->stats().refused, 1u);
  EXPECT_EQ(at.server->stats().connections, 2u);
}

TEST(ServerLimits, OverridesGoBeforeTheGeneralLimit) {
  TestServer at(echo, "max.connections.per.ip=0\nmax.connections.per.ip.overrides=127.0.0.1:1\n");
  Client one(at.port()), two(at.port());
  EXPECT_TRUE(two.at_end());
  one.send(request_frame(1));
  EXPECT_EQ(one.answer(), 1);
}

TEST(ServerLimits, BeyondMaxConnectionsTheyWaitUntilOneLeaves) {
  TestServer at(echo, "max.connections=2\n");
  Client one(at.port()), two(at.port()), three(at.port());
  one.send(request_frame(1));
  EXPECT_EQ(one.answer(), 1);
  two.send(request_frame(2));
  EXPECT_EQ(two.answer(), 2);
  three.send(request_frame(3));
  EXPECT_EQ(at.server->stats().connections, 2u);
  one.close();
  EXPECT_EQ(three.answer(), 3);
}

TEST(ServerLimits, IdleConnectionsAreClosed) {
  TestServer at(echo, "connections.max.idle.ms=50\n");
  Client client(at.port());
  client.send(request_frame(1));
  EXPECT_EQ(client.answer(), 1);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(at.lines.take().empty());
}

TEST(ServerLimits, WaitingForAnAnswerIsNotIdle) {
  HeldReplies held;
  TestServer at(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); },
      "connections.max.idle.ms=20\n");
  Client waiting(at.port()), idle(at.port());
  waiting.send(request_frame(1));
  EXPECT_TRUE(idle.at_end());
  Client later(at.port());
  EXPECT_TRUE(later.at_end()) << "one that came later has been idle for long enough";
  for (auto& [id, reply] : held.take()) reply.send(response_frame(id));
  EXPECT_EQ(waiting.answer(), 1);
}

TEST(ServerLimits, AClientThatNeverReadsCostsNoMoreThanItsBound) {
  std::atomic<uint64_t> handled{0};
  base::Bytes body(50'000);
  TestServer at([&](Request request, Reply reply) {
    ++handled;
    reply.send(response_frame(request.correlation_id(), body));
  });
  Client rude(at.port(), 4096), polite(at.port());
  timeval patience{.tv_sec = 0, .tv_usec = 200'000};
  setsockopt(rude.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  // Until its own send buffer is full, as the server has stopped reading.
  base::Bytes frame = request_frame(1, 1000);
  uint64_t sent = 0;
  while (sent < 200'000 && rude.send(frame)) ++sent;
  ASSERT_LT(sent, 200'000u) << "the server reads on and on";
  // 1 MiB of responses, what the kernel's buffers hold, and no more were made.
  EXPECT_LT(handled * body.size(), 12u * 1024 * 1024);
  EXPECT_LT(at.pool.used(), 200'000u);
  polite.send(request_frame(2));
  EXPECT_EQ(polite.answer(), 2);
}

TEST(ServerLimits, MemoryForRequestsIsBoundedAndEveryoneGoesOn) {
  constexpr uint64_t kLimit = 1'000'000;
  constexpr size_t kFrame = 200'000;
  TestServer at(echo, "queued.max.request.bytes=1000000\n");
  std::atomic<bool> done{false};
  std::atomic<uint64_t> most{0};
  std::thread watcher([&] {
    while (!done) most = std::max<uint64_t>(most, at.pool.used());
  });
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int c = 0; c < 40; ++c) {
    clients.emplace_back([&] {
      Client client(at.port());
      base::Bytes frame = request_frame(1, kFrame);
      for (int i = 0; i < 5; ++i) {
        client.send(frame);
        if (client.response().size() == kFrame + 4) ++answered;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  done = true;
  watcher.join();
  EXPECT_EQ(answered, 200);
  EXPECT_LE(most, kLimit + 2 * (kFrame + 10) + 2 * 65536);
  EXPECT_EQ(at.pool.used(), 0u);
}

TEST(ServerLimits, WhoStopsInTheMiddleOfARequestDoesNotKeepTheMemoryForEver) {
  TestServer at(echo, "queued.max.request.bytes=100000\n",
                [](ServerOptions& options) { options.stalled = milliseconds(50); });
  std::vector<std::unique_ptr<Client>> stalled;
  base::Bytes half = request_frame(1, 90'000);
  half.resize(40'000);
  for (int i = 0; i < 4; ++i) {
    stalled.push_back(std::make_unique<Client>(at.port()));
    stalled.back()->send(half);
  }
  Client client(at.port());
  base::Bytes frame = request_frame(2, 90'000);
  std::thread sender([&] { client.send(frame); });
  EXPECT_EQ(client.answer(), 2);
  sender.join();
  EXPECT_THAT(at.lines.take().at(0), HasSubstr("stopped in the middle of a request"));
}

TEST(ServerLimits, NorDoesWhoSendsByteByByte) {
  TestServer at(echo, "queued.max.request.bytes=100000\n",
                [](ServerOptions& options) { options.stalled = milliseconds(20); });
  base::Bytes half = request_frame(1, 150'000);
  half.resize(2000);
  Client slow(at.port());
  slow.send(half);
  Client client(at.port());
  std::atomic<bool> answered{false};
  std::thread dripping([&] {
    while (!answered && slow.send(base::Bytes(1, 0))) std::this_thread::yield();
  });
  base::Bytes frame = request_frame(2, 90'000);
  std::thread sender([&] { client.send(frame); });
  EXPECT_EQ(client.answer(), 2);
  answered = true;
  sender.join();
  dripping.join();
  EXPECT_THAT(at.lines.take().at(0), HasSubstr("stopped in the middle of a request"));
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(ServerLimits, ThousandsOfConnectionsCostLittle) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t count = std::min<size_t>(3000, limit.rlim_cur / 2 - 200);
  TestServer at(echo, "socket.listen.backlog.size=1000\n");
  std::vector<std::unique_ptr<Client>> clients(count);
  uint64_t before = resident_bytes();
  for (auto& client : clients) {
    client = std::make_unique<Client>(at.port());
    ASSERT_TRUE(client->connected());
    client->send(request_frame(1, 2000));  // and has used its connection, too
    ASSERT_EQ(client->answer(), 1);
  }
  uint64_t each = (resident_bytes() - before) / count;
  EXPECT_EQ(at.server->stats().connections, count);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(each, 10'000u);
#endif
  RecordProperty("bytes_each", static_cast<int>(each));
  for (int32_t round = 0; round < 3; ++round) {
    for (auto& client : clients) client->send(request_frame(round));
    for (auto& client : clients) ASSERT_EQ(client->answer(), round);
  }
}

}  // namespace
}  // namespace longhaul::broker::net
