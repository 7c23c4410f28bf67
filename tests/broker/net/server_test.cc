#include "broker/net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/memory_file_system.h"
#include "base/posix_file_system.h"
#include "base/random.h"
#include "tests/broker/net/loopback.h"

namespace longhaul::broker::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(Server, EchoesOnEveryListener) {
  std::promise<std::shared_ptr<ConnectionInfo>> seen;
  TestServer at([&](Request request, Reply reply) {
    if (request.connection()->controller_listener) seen.set_value(request.connection());
    echo(std::move(request), std::move(reply));
  });
  Client client(at.port()), controller(at.controller_port());
  for (int32_t i = 0; i < 100; ++i) {
    base::Bytes frame = request_frame(i, static_cast<size_t>(i) * 100);
    client.send(frame);
    base::Bytes response = client.response();
    ASSERT_EQ(response.size(), 4 + static_cast<size_t>(i) * 100);
    EXPECT_TRUE(std::equal(response.begin() + 4, response.end(), frame.begin() + 14));
  }
  controller.send(request_frame(7));
  EXPECT_EQ(controller.answer(), 7);
  std::shared_ptr<ConnectionInfo> info = seen.get_future().get();
  EXPECT_EQ(info->listener, "CONTROLLER");
  EXPECT_EQ(info->client_host, "127.0.0.1");
  EXPECT_NE(info->client_port, 0);
}

TEST(Server, WhoWantsToKnowIsToldThatAConnectionIsClosed) {
  std::promise<void> closed;
  TestServer at([&](Request request, Reply reply) {
    request.connection()->on_closed = [&] { closed.set_value(); };
    echo(std::move(request), std::move(reply));
  });
  {
    Client client(at.port());
    client.send(request_frame(1));
    EXPECT_EQ(client.answer(), 1);
  }
  EXPECT_EQ(closed.get_future().wait_for(seconds(10)), std::future_status::ready);
}

TEST(Server, PipelinedRequestsAreAnsweredInOrderByOtherThreads) {
  HeldReplies held;
  constexpr int32_t kCount = 60;
  std::promise<void> all;
  TestServer at([&](Request request, Reply reply) {
    held.add(request.correlation_id(), std::move(reply));
    if (held.size() == kCount) all.set_value();
  });
  Client client(at.port());
  base::Bytes sent;
  for (int32_t i = 0; i < kCount; ++i) append(sent, request_frame(i, 50));
  client.send(sent);
  all.get_future().wait();
  auto replies = held.take();
  // Backwards, from two threads at once.
  auto answer = [&](size_t first) {
    for (size_t i = replies.size() - 1 - first; i < replies.size(); i -= 2) {
      replies[i].second.send(response_frame(replies[i].first));
    }
  };
  std::thread odd(answer, 0), even(answer, 1);
  for (int32_t i = 0; i < kCount; ++i) EXPECT_EQ(client.answer(), i);
  odd.join();
  even.join();
}

TEST(Server, ARequestMayAnswerThoseOfOtherConnections) {
  constexpr int kClients = 6, kRequests = 300;
  std::mutex mutex;
  std::optional<std::pair<Response, Reply>> held;  // each is answered by the next that comes
  int handled = 0;
  std::promise<void> all;
  TestServer at([&](Request request, Reply reply) {
    Response response = response_frame(request.correlation_id(), request.body());
    std::lock_guard lock(mutex);
    if (held) held->second.send(std::move(held->first));
    held.emplace(std::move(response), std::move(reply));
    if (++handled == kClients * kRequests) all.set_value();
  });
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&at, c] {
      Client client(at.port());
      base::SeededRandom random(static_cast<uint64_t>(c));
      base::Bytes sent;
      std::vector<base::Bytes> frames;
      for (int32_t i = 0; i < kRequests; ++i) {
        frames.push_back(request_frame(c * 1000 + i, random.below(40) == 0 ? 60'000 : 500));
        append(sent, frames.back());
      }
      std::thread sender([&] { client.send(sent); });
      for (const base::Bytes& frame : frames) {
        base::Bytes response = client.response();
        ASSERT_EQ(response.size(), frame.size() - 10);
        ASSERT_TRUE(std::equal(response.begin(), response.begin() + 4, frame.begin() + 8));
        ASSERT_TRUE(std::equal(response.begin() + 4, response.end(), frame.begin() + 14));
      }
      sender.join();
    });
  }
  all.get_future().wait();
  {
    std::lock_guard lock(mutex);
    held->second.send(std::move(held->first));
    held.reset();
  }
  for (std::thread& client : clients) client.join();
}

TEST(Server, LargeFramesComeAndGoWhole) {
  TestServer at(echo);
  Client client(at.port());
  for (size_t size : {100'000u, 1'000'000u, 5'000'000u, 300u}) {
    base::Bytes frame = request_frame(1, size);
    std::thread sender([&] { client.send(frame); });
    base::Bytes response = client.response();
    sender.join();
    ASSERT_EQ(response.size(), size + 4);
    EXPECT_TRUE(std::equal(response.begin() + 4, response.end(), frame.begin() + 14));
  }
  EXPECT_EQ(at.pool.used(), 0u);
}

TEST(Server, HalfFramesAndSlowClientsHoldNobodyUp) {
  TestServer at(echo);
  Client slow(at.port()), quick(at.port());
  base::Bytes frame = request_frame(5, 300);
  for (uint8_t byte : frame) {
    slow.send({&byte, 1});
    quick.send(request_frame(1));
    ASSERT_EQ(quick.answer(), 1);
  }
  EXPECT_EQ(slow.answer(), 5);
}

TEST(Server, GarbageClosesThatConnectionWithOneLine) {
  TestServer at(echo);
  Client good(at.port());
  for (std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\x16\x03\x01\x02\x00\x01", 6),
        std::string_view("\0\0\0\4\0\0\0\0", 8), std::string_view("\xff\xff\xff\xff", 4)}) {
    Client bad(at.port());
    bad.send(base::as_bytes(garbage));
    EXPECT_TRUE(bad.at_end());
    std::vector<std::string> lines = at.lines.take();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_THAT(lines[0], HasSubstr("127.0.0.1:"));
    EXPECT_THAT(lines[0], HasSubstr("closed: "));
  }
  good.send(request_frame(1));
  EXPECT_EQ(good.answer(), 1);
}

TEST(Server, OversizedFramesCloseTheConnection) {
  TestServer at(echo, "socket.request.max.bytes=1000\n");
  Client fits(at.port()), not_quite(at.port());
  fits.send(request_frame(1, 990));
  EXPECT_EQ(fits.answer(), 1);
  not_quite.send(request_frame(1, 991));
  EXPECT_TRUE(not_quite.at_end());
  EXPECT_THAT(at.lines.take().at(0), HasSubstr("socket.request.max.bytes"));
}

TEST(Server, AReplyThatIsDroppedClosesTheConnection) {
  TestServer at([](Request, Reply) {});
  Client client(at.port());
  client.send(request_frame(1));
  EXPECT_TRUE(client.at_end());
  EXPECT_THAT(at.lines.take().at(0), HasSubstr("without an answer"));
}

TEST(Server, NoAnswerIsSentWhereNoneIsWanted) {
  TestServer at([](Request request, Reply reply) {
    if (request.correlation_id() % 2 == 0) return reply.none();
    echo(std::move(request), std::move(reply));
  });
  Client client(at.port());
  for (int32_t i = 0; i < 10; ++i) client.send(request_frame(i));
  for (int32_t i = 1; i < 10; i += 2) EXPECT_EQ(client.answer(), i);
}

/// Serves slices of `file`: request N gets bytes [N, N + 300000) between other bytes.
FunctionHandler::Function serve_slices(std::shared_ptr<const base::File> file) {
  return [file](Request request, Reply reply) {
    auto from = static_cast<uint64_t>(request.correlation_id());
    Response response = response_frame(request.correlation_id(), base::Bytes{1, 2, 3, 4});
    response.splices = {{10, {file, from, 300'000}}, {12, {file, 0, 5}}};
    base::store_big_endian(response.head.data(), int32_t{8 + 300'000 + 5});
    reply.send(std::move(response));
  };
}

void expect_slices(base::FileSystem& files, const std::string& path) {
  base::SeededRandom random(1);
  base::Bytes content(3'000'000);
  for (uint8_t& byte : content) byte = static_cast<uint8_t>(random.next());
  auto opened = files.open(path, base::OpenMode::kCreate);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->write_at(0, content));
  TestServer at(serve_slices(std::move(*opened)));
  Client client(at.port());
  base::Bytes sent;
  for (int32_t i = 0; i < 20; ++i) append(sent, request_frame(i * 130'000));
  client.send(sent);
  for (int32_t i = 0; i < 20; ++i) {
    base::Bytes wanted = response_frame(i * 130'000, base::Bytes{1, 2}).head;
    append(wanted, base::ByteView(content).subspan(static_cast<size_t>(i) * 130'000, 300'000));
    append(wanted, base::Bytes{3, 4});
    append(wanted, base::ByteView(content).first(5));
    base::Bytes response = client.response();
    ASSERT_EQ(response.size(), wanted.size() - 4);
    ASSERT_TRUE(std::equal(response.begin(), response.end(), wanted.begin() + 4)) << i;
  }
}

TEST(Server, SendsRangesOfFiles) {
  base::PosixFileSystem files;
  auto path =
      std::filesystem::temp_directory_path() / ("longhaul-net-test-" + std::to_string(getpid()));
  expect_slices(files, path);
  std::filesystem::remove(path);
}

TEST(Server, SendsRangesOfFilesInMemory) {
  base::MemoryFileSystem files;
  expect_slices(files, "segment");
}

/// A file that is never resident until it has been read.
class ColdFile final : public base::File {
 public:
  base::Result<size_t> read_at(uint64_t, std::span<uint8_t> out) const override {
    if (std::this_thread::get_id() != reader_) ++reads_elsewhere;
    std::fill(out.begin(), out.end(), uint8_t{7});
    warm = true;
    return out.size();
  }
  base::Result<void> write_at(uint64_t, std::span<const base::ByteView>) override { return {}; }
  base::Result<void> sync() override { return {}; }
  base::Result<void> truncate(uint64_t) override { return {}; }
  base::Result<uint64_t> size() const override { return 1 << 30; }
  bool is_resident(uint64_t, uint64_t) const override {
    reader_ = std::this_thread::get_id();  // the reactor's
    return warm;
  }
  int descriptor() const override { return -1; }

  mutable std::atomic<bool> warm{false};
  mutable std::atomic<int> reads_elsewhere{0};

 private:
  mutable std::thread::id reader_;
};

TEST(Server, ReadsWhatIsNotResidentOnAWorker) {
  auto file = std::make_shared<ColdFile>();
  TestServer at(serve_slices(file));
  Client client(at.port());
  client.send(request_frame(0));
  EXPECT_EQ(client.response().size(), 8u + 300'000 + 5);
  EXPECT_GE(file->reads_elsewhere, 4) << "300 kB in blocks of 64 kB";
}

TEST(Server, AFileThatShrankCostsTheConnection) {
  base::MemoryFileSystem files;
  std::shared_ptr<base::File> file = *files.open("segment", base::OpenMode::kCreate);
  ASSERT_TRUE(file->write_at(0, base::Bytes(1000)));
  TestServer at(serve_slices(file));
  Client client(at.port());
  client.send(request_frame(0));
  EXPECT_TRUE(client.response().size() < 300'000);
  EXPECT_TRUE(client.at_end());
  EXPECT_THAT(at.lines.take().at(0), HasSubstr("shrank"));
}

TEST(Server, AnswersAreSentAlthoughTheClientSendsNoMore) {
  TestServer at(echo);
  Client client(at.port());
  base::Bytes sent;
  for (int32_t i = 0; i < 10; ++i) append(sent, request_frame(i));
  client.send(sent);
  EXPECT_EQ(client.answer(), 0);
  client.finish();
  for (int32_t i = 1; i < 10; ++i) EXPECT_EQ(client.answer(), i);
  EXPECT_TRUE(client.at_end());
}

TEST(Server, StoppingAnswersWhatIsInFlight) {
  HeldReplies held;
  std::promise<void> came;
  TestServer at([&](Request request, Reply reply) {
    held.add(request.correlation_id(), std::move(reply));
    came.set_value();
  });
  Client busy(at.port()), idle(at.port());
  busy.send(request_frame(3));
  came.get_future().wait();
  std::thread stopping([&] { at.server->stop(seconds(60)); });
  EXPECT_TRUE(idle.at_end()) << "who waits for nothing is closed at once";
  EXPECT_FALSE(Client(at.port()).connected());
  for (auto& [id, reply] : held.take()) reply.send(response_frame(id));
  EXPECT_EQ(busy.answer(), 3);
  EXPECT_TRUE(busy.at_end());
  stopping.join();
  EXPECT_EQ(at.server->stats().connections, 0u);
}

TEST(Server, PatienceEnds) {
  HeldReplies held;
  std::promise<void> came;
  TestServer at([&](Request request, Reply reply) {
    held.add(request.correlation_id(), std::move(reply));
    came.set_value();
  });
  Client client(at.port());
  client.send(request_frame(3));
  came.get_future().wait();
  at.server->stop(milliseconds(10));
  EXPECT_TRUE(client.at_end());
  at.server.reset();
  for (auto& [id, reply] : held.take()) reply.send(response_frame(id));  // goes nowhere
}

TEST(Server, APortThatIsTakenIsNamed) {
  TestServer at(echo);
  std::string listeners = "listeners=PLAINTEXT://127.0.0.1:" + std::to_string(at.port()) +
                          ",CONTROLLER://127.0.0.1:0\n";
  try {
    TestServer second(echo, listeners);
    FAIL() << "two servers on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("port " + std::to_string(at.port()) + " is taken"));
    EXPECT_THAT(error.what(), HasSubstr("listener PLAINTEXT"));
  }
}

TEST(Server, ListenersItCannotServeAreRefused) {
  auto error_of = [](const std::string& options) -> std::string {
    try {
      TestServer server(echo, options);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(error_of("listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:SASL_SSL\n"),
              HasSubstr("SASL_SSL is not in this version"));
  EXPECT_THAT(error_of("listeners=PLAINTEXT://192.0.2.1:0,CONTROLLER://127.0.0.1:0\n"),
              HasSubstr("does not have the address 192.0.2.1"));
  EXPECT_THAT(error_of("listeners=PLAINTEXT://no.such.host.invalid:0,CONTROLLER://127.0.0.1:0\n"),
              HasSubstr("cannot be resolved"));
}

}  // namespace
}  // namespace longhaul::broker::net
