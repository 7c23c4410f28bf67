#include "broker/metrics/http_server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "broker/metrics/http_head.h"
#include "tests/broker/metrics/http_client.h"

namespace longhaul::broker::metrics {
namespace {

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServer::Handler handler, HttpLimits limits = {}) {
    auto started = HttpServer::start({"127.0.0.1", 0}, reactor_, std::move(handler), limits,
                                     base::Logger(base::null_sink(), "metrics"));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  uint16_t port() const { return server_->port(); }

  static void echo(const std::string& path, Answer answer) { answer({.body = path}); }

  net::Reactor reactor_{"metrics"};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOneRequestAndCloses) {
  start(echo);
  Response response = get(port(), "/a?b");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "/a");
  EXPECT_NE(response.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(response.head.find("Content-Length: 2\r\n"), std::string::npos);
  // A second one on the same connection is not looked at.
  std::string twice = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
  EXPECT_EQ(ask(port(), twice).body, "/1");
}

TEST_F(HttpServerTest, AnswersHeadWithoutBody) {
  start(echo);
  Response response = ask(port(), "HEAD /abc HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_NE(response.head.find("Content-Length: 4\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, TakesARequestByteByByteAndFromAClientThatIsDone) {
  start(echo);
  RawClient client(port());
  for (char c : std::string("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")) client.send({&c, 1});
  client.finish();
  EXPECT_EQ(parse_response(client.read_all()).body, "/slow");
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotSpeak) {
  start([](const std::string&, Answer) { FAIL() << "must not be called"; });
  Response response = ask(port(), "POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(response.status, 405);
  EXPECT_NE(response.head.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_EQ(ask(port(), "DELETE / HTTP/1.1\r\n\r\n").status, 405);
  EXPECT_EQ(ask(port(), std::string_view("\x16\x03\x01\x02\x00", 5)).status, 400);
  EXPECT_EQ(ask(port(), std::string_view("\0\0\0\x10\0\x12\0\x03", 8)).status, 400);
  EXPECT_EQ(ask(port(), "GET / HTTP/3\r\n\r\n").status, 400);
  EXPECT_EQ(ask(port(), "GET / HTTP/1.1\r\nnonsense\r\n\r\n").status, 400);
}

TEST_F(HttpServerTest, RefusesALongHeadAndStillGetsThatAcross) {
  start([](const std::string&, Answer) { FAIL() << "must not be called"; });
  std::string request = "GET / HTTP/1.1\r\nX: " + std::string(3 * kMaxHeadBytes, 'x');
  EXPECT_EQ(ask(port(), request).status, 400);
}

TEST_F(HttpServerTest, ClosesWhoSendsWithoutEnd) {
  start(echo);
  RawClient client(port());
  client.send("GET / HTTP/1.1\r\n\r\n" + std::string(4 * 1024 * 1024, 'x'));  // ends, or hangs
  client.read_all();
  EXPECT_EQ(get(port(), "/next").body, "/next");
}

TEST_F(HttpServerTest, ClosesASlowClient) {
  start(echo, {.patience = std::chrono::milliseconds(50)});
  RawClient silent(port()), slow(port());
  slow.send("GET / HT");
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(slow.read_all(), "");
}

TEST_F(HttpServerTest, ClosesWhoDoesNotTakeTheAnswer) {
  constexpr size_t kMore = 64 * 1024 * 1024;  // than sockets hold
  constexpr std::chrono::milliseconds kPatience{50};
  std::promise<void> over;
  start(
      [&](const std::string&, Answer answer) {
        answer({.body = std::string(kMore, 'x')});
        // After the answer has begun to go out: this timer is due after the connection's own.
        reactor_.post([&] { reactor_.after(kPatience, [&] { over.set_value(); }); });
      },
      {.patience = kPatience});
  RawClient lazy(port());
  lazy.send("GET / HTTP/1.1\r\n\r\n");
  over.get_future().wait();
  EXPECT_LT(lazy.read_all().size(), kMore);
}

TEST_F(HttpServerTest, TheOldestMakesRoomForTheNewest) {
  start(echo, {.connections = 2});
  RawClient first(port()), second(port()), third(port());
  EXPECT_EQ(first.read_all(), "");
  third.send("GET /3 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(parse_response(third.read_all()).body, "/3");
  second.send("GET /2 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(parse_response(second.read_all()).body, "/2");
}

TEST_F(HttpServerTest, TakesAnswersFromOtherThreadsAndAfterItsEnd) {
  std::promise<Answer> first, second;
  int asked = 0;
  start([&](const std::string&, Answer answer) {
    (asked++ == 0 ? first : second).set_value(std::move(answer));
  });
  RawClient client(port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  Answer answer = first.get_future().get();
  std::thread([&] { answer({.status = 503, .body = "later"}); }).join();
  EXPECT_EQ(parse_response(client.read_all()).status, 503);

  RawClient late(port());
  late.send("GET / HTTP/1.1\r\n\r\n");
  answer = second.get_future().get();
  server_.reset();
  EXPECT_EQ(late.read_all(), "");
  answer({.body = "too late"});
  reactor_.stop();
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  start(echo);
  base::Logger log(base::null_sink(), "metrics");
  auto taken = HttpServer::start({"127.0.0.1", port()}, reactor_, echo, {}, log);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::Errc::kAlreadyExists);
  std::string at = "127.0.0.1:" + std::to_string(port());
  EXPECT_NE(taken.error().message.find(at + ": the port is taken"), std::string::npos);
  // TEST-NET-3: nobody's.
  auto foreign = HttpServer::start({"203.0.113.1", port()}, reactor_, echo, {}, log);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("no address of this machine"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::broker::metrics
