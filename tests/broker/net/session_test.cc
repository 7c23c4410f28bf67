#include "broker/net/session.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"
#include "tests/broker/net/fixtures.h"

namespace longhaul::broker::net {
namespace {

struct ManualLoop final : base::EventLoop {
  void post(base::Task task) override { tasks.push_back(std::move(task)); }
  base::TimerId after(std::chrono::microseconds, base::Task) override { return 1; }
  bool cancel(base::TimerId) override { return false; }
  void run() {
    while (!tasks.empty()) {
      base::Task task = std::move(tasks.front());
      tasks.pop_front();
      task();
    }
  }
  std::deque<base::Task> tasks;
};

struct StillClock final : base::Clock {
  int64_t wall_ms() const override { return 0; }
  Monotonic monotonic() const override { return Monotonic(0); }
};

/// A session whose client is the test: what a connection does, without a socket.
class Peer final : public ReplySink,
                   public FramePool::Waiter,
                   public std::enable_shared_from_this<Peer> {
 public:
  Peer(SessionContext& context, ManualLoop& loop)
      : session(context, std::make_shared<ConnectionInfo>()), loop_(loop) {}

  static std::shared_ptr<Peer> make(SessionContext& context, ManualLoop& loop) {
    auto peer = std::make_shared<Peer>(context, loop);
    peer->session.attach(peer, peer);
    return peer;
  }

  void send(base::ByteView bytes) {
    append(unread, bytes);
    pump();
  }
  void deliver(uint64_t sequence, Outcome outcome) override {
    session.complete(sequence, std::move(outcome));
    if (!in_pump_) pump();
  }
  void memory_freed() override {
    loop_.post([self = shared_from_this()] {
      self->session.memory_granted();
      self->pump();
      self->session.yield_turn();
    });
  }
  /// Moves bytes until nothing moves any more; at most `step` at once.
  void pump() {
    in_pump_ = true;
    for (bool moved = true; moved;) {
      moved = false;
      std::span<uint8_t> room = session.input(scratch_);
      size_t size = std::min({room.size(), unread.size(), step});
      if (size > 0) {
        std::span<uint8_t> next = reads_ahead ? session.following() : std::span<uint8_t>();
        size_t more = size < room.size() ? 0 : std::min(next.size(), unread.size() - size);
        std::copy_n(unread.begin(), size, room.begin());
        std::copy_n(unread.begin() + static_cast<ptrdiff_t>(size), more, next.begin());
        unread.erase(unread.begin(), unread.begin() + static_cast<ptrdiff_t>(size + more));
        session.received(room.first(size), more);
        moved = true;
      }
      while (takes && !session.output().empty()) {
        base::Bytes block(1000);
        size_t got = *session.output().read(block);
        append(received, base::ByteView(block).first(got));
        moved = true;
      }
      session.proceed();
      moved |= !unread.empty() && session.wants_input();
    }
    in_pump_ = false;
  }
  /// Correlation ids of the responses that came so far.
  std::vector<int32_t> answers() const {
    std::vector<int32_t> ids;
    base::Reader reader(received);
    while (reader.remaining() > 0) {
      int32_t size = reader.int32();
      ids.push_back(reader.int32());
      reader.skip(static_cast<size_t>(size - 4));
    }
    EXPECT_TRUE(reader.ok());
    return ids;
  }

  Session session;
  base::Bytes unread, received;
  size_t step = SIZE_MAX;
  bool takes = true;         // the client reads
  bool reads_ahead = false;  // uses Session::following

 private:
  ManualLoop& loop_;
  bool in_pump_ = false;
  std::array<uint8_t, 65536> scratch_;
};

class SessionTest : public ::testing::Test {
 protected:
  SessionContext context(RequestHandler& handler, SessionLimits limits = {}) {
    return {limits, pool_, handler, loop_, clock_};
  }

  FramePool pool_{1 << 20};
  ManualLoop loop_;
  StillClock clock_;
};

std::vector<int32_t> count_to(int32_t n) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < n; ++i) ids.push_back(i);
  return ids;
}

TEST_F(SessionTest, AnySplitOfBytesGivesTheSameRequests) {
  base::Bytes sent;
  base::SeededRandom random(1);
  for (int32_t i = 0; i < 40; ++i) {
    size_t size = random.below(8) == 0 ? 20'000 + random.below(30'000) : random.below(200);
    append(sent, request_frame(i, size));
  }
  FunctionHandler handler(echo);
  SessionContext shared = context(handler);
  base::Bytes first;
  for (size_t step : {size_t{1}, size_t{3}, size_t{7}, size_t{4096}, SIZE_MAX}) {
    for (bool reads_ahead : {false, true}) {
      auto peer = Peer::make(shared, loop_);
      peer->step = step;
      peer->reads_ahead = reads_ahead;
      peer->send(sent);
      EXPECT_EQ(peer->answers(), count_to(40));
      if (first.empty()) first = peer->received;
      EXPECT_EQ(peer->received, first);
      EXPECT_FALSE(peer->session.in_frame());
      EXPECT_TRUE(peer->session.idle());
    }
  }
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_F(SessionTest, AnswersLeaveInTheOrderOfRequests) {
  HeldReplies held;
  std::vector<int32_t> started;
  FunctionHandler handler([&](Request request, Reply reply) {
    started.push_back(request.correlation_id());
    held.add(request.correlation_id(), std::move(reply));
  });
  SessionContext shared = context(handler);
  auto peer = Peer::make(shared, loop_);
  for (int32_t i = 0; i < 6; ++i) peer->send(request_frame(i));
  EXPECT_EQ(started, count_to(6)) << "the next is started before the last is answered";
  auto replies = held.take();
  replies[3].second.send(response_frame(3));
  replies[5].second.send(response_frame(5));
  replies[1].second.none();
  EXPECT_TRUE(peer->answers().empty());
  EXPECT_EQ(peer->session.pending(), 6u);
  replies[0].second.send(response_frame(0));
  EXPECT_EQ(peer->answers(), (std::vector<int32_t>{0}));
  replies[2].second.send(response_frame(2));
  EXPECT_EQ(peer->answers(), (std::vector<int32_t>{0, 2, 3}));
  replies[4].second.send(response_frame(4));
  EXPECT_EQ(peer->answers(), (std::vector<int32_t>{0, 2, 3, 4, 5}));
  EXPECT_TRUE(peer->session.idle());
}

TEST_F(SessionTest, NoMoreRequestsThanAllowedAreInFlight) {
  HeldReplies held;
  FunctionHandler handler(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); });
  SessionContext shared = context(handler, {.in_flight = 4});
  auto peer = Peer::make(shared, loop_);
  base::Bytes sent;
  for (int32_t i = 0; i < 100; ++i) append(sent, request_frame(i, 10));
  peer->send(sent);
  EXPECT_EQ(held.size(), 4u);
  EXPECT_LE(pool_.used(), sent.size());
  std::vector<int32_t> order;
  while (held.size() > 0) {
    auto replies = held.take();
    EXPECT_LE(replies.size(), 4u);
    for (auto& [id, reply] : replies) {
      order.push_back(id);
      reply.send(response_frame(id));
    }
  }
  EXPECT_EQ(order, count_to(100));
  EXPECT_EQ(peer->answers(), count_to(100));
}

TEST_F(SessionTest, AClientThatDoesNotReadIsNotServedOn) {
  int handled = 0;
  base::Bytes body(10'000);
  FunctionHandler handler([&](Request request, Reply reply) {
    ++handled;
    reply.send(response_frame(request.correlation_id(), body));
  });
  SessionContext shared = context(handler, {.in_flight = 1000, .unsent_bytes = 50'000});
  auto peer = Peer::make(shared, loop_);
  peer->takes = false;
  base::Bytes sent;
  for (int32_t i = 0; i < 5000; ++i) append(sent, request_frame(i, 100));
  peer->send(sent);
  EXPECT_EQ(handled, 5) << "50 kB are waiting to be taken";
  EXPECT_GT(peer->unread.size(), sent.size() / 2) << "and the rest is not even read";
  EXPECT_LT(pool_.used(), 70'000u);
  peer->takes = true;
  peer->pump();
  EXPECT_EQ(peer->answers(), count_to(5000));
}

TEST_F(SessionTest, ImpossibleLengthsCloseTheSession) {
  FunctionHandler handler(echo);
  SessionContext shared = context(handler, {.frame_bytes = 1000});
  for (int32_t size : {-1, 0, 1001, INT32_MIN, INT32_MAX, 0x47455420 /* "GET " */}) {
    auto peer = Peer::make(shared, loop_);
    base::Writer writer;
    writer.int32(size);
    peer->send(writer.view());
    ASSERT_TRUE(peer->session.closed()) << size;
    EXPECT_NE(peer->session.close_reason().find("socket.request.max.bytes"), std::string::npos);
  }
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_F(SessionTest, ABrokenHeaderClosesTheSession) {
  FunctionHandler handler(echo);
  SessionContext shared = context(handler);
  auto peer = Peer::make(shared, loop_);
  peer->send(request_frame(0));
  peer->send(base::Bytes{0, 0, 0, 3, 1, 2, 3});
  EXPECT_TRUE(peer->session.closed());
  EXPECT_EQ(peer->answers(), count_to(1));
  peer->send(request_frame(1));
  EXPECT_EQ(peer->answers(), count_to(1)) << "nothing more is taken";
}

TEST_F(SessionTest, AReplyThatClosesOrIsDroppedClosesTheSession) {
  FunctionHandler handler([](Request request, Reply reply) {
    if (request.correlation_id() == 1) reply.close("enough");
  });
  SessionContext shared = context(handler);
  auto closing = Peer::make(shared, loop_), dropping = Peer::make(shared, loop_);
  closing->send(request_frame(1));
  ASSERT_TRUE(closing->session.closed());
  EXPECT_EQ(closing->session.close_reason(), "enough");
  dropping->send(request_frame(2));
  EXPECT_TRUE(dropping->session.closed());
}

TEST_F(SessionTest, WhatIsOwedForEarlierRequestsIsSentBeforeAMalformedFrameCloses) {
  HeldReplies held;
  FunctionHandler handler(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); });
  SessionContext shared = context(handler);
  for (const base::Bytes& garbage : {base::Bytes{0, 0, 0, 3, 1, 2, 3}, base::Bytes{255, 0, 0, 0}}) {
    auto peer = Peer::make(shared, loop_);
    base::Bytes sent;
    for (int32_t i = 0; i < 3; ++i) append(sent, request_frame(i));
    append(sent, garbage);
    append(sent, request_frame(3));
    peer->send(sent);
    auto replies = held.take();
    ASSERT_EQ(replies.size(), 3u) << "nothing behind the garbage is looked at";
    EXPECT_FALSE(peer->session.closed());
    EXPECT_FALSE(peer->session.wants_input());
    replies[2].second.send(response_frame(2));
    replies[0].second.send(response_frame(0));
    EXPECT_FALSE(peer->session.closed());
    peer->takes = false;
    replies[1].second.send(response_frame(1));
    EXPECT_FALSE(peer->session.closed()) << "the client has not taken them";
    peer->takes = true;
    peer->pump();
    EXPECT_EQ(peer->answers(), count_to(3));
    EXPECT_TRUE(peer->session.closed());
  }
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_F(SessionTest, ARequestThatClosesStandsInTheOrderOfAnswers) {
  HeldReplies held;
  FunctionHandler handler(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); });
  SessionContext shared = context(handler);
  auto peer = Peer::make(shared, loop_);
  for (int32_t i = 0; i < 3; ++i) peer->send(request_frame(i));
  auto replies = held.take();
  replies[1].second.close("enough");
  peer->send(request_frame(3));
  EXPECT_EQ(held.size(), 0u) << "it takes no more requests";
  replies[2].second.send(response_frame(2));
  EXPECT_FALSE(peer->session.closed());
  replies[0].second.send(response_frame(0));
  EXPECT_EQ(peer->answers(), count_to(1)) << "nothing behind the one that closed";
  ASSERT_TRUE(peer->session.closed());
  EXPECT_EQ(peer->session.close_reason(), "enough");
}

TEST_F(SessionTest, ARequestThatHoldsTheNextKeepsItUntilItsAnswer) {
  HeldReplies held;
  std::vector<int32_t> started;
  FunctionHandler handler([&](Request request, Reply reply) {
    started.push_back(request.correlation_id());
    if (request.correlation_id() % 2 == 1) request.hold_next();
    if (request.correlation_id() == 5) return reply.send(response_frame(5));
    held.add(request.correlation_id(), std::move(reply));
  });
  SessionContext shared = context(handler);
  for (size_t step : {size_t{997}, SIZE_MAX}) {
    for (bool reads_ahead : {false, true}) {
      started.clear();
      auto peer = Peer::make(shared, loop_);
      peer->step = step;
      peer->reads_ahead = reads_ahead;
      base::Bytes sent;
      for (int32_t i = 0; i < 7; ++i) append(sent, request_frame(i, 30'000));
      peer->send(sent);
      EXPECT_EQ(started, count_to(2)) << "1 holds 2";
      auto first = held.take();
      ASSERT_EQ(first.size(), 2u);
      first[1].second.send(response_frame(1));
      EXPECT_EQ(started, count_to(4)) << "answered, though it is not its turn to be sent";
      first[0].second.send(response_frame(0));
      auto second = held.take();
      ASSERT_EQ(second.size(), 2u);
      second[0].second.send(response_frame(2));
      EXPECT_EQ(started, count_to(4));
      second[1].second.none();
      EXPECT_EQ(started, count_to(7)) << "5 was answered at once and holds nothing";
      for (auto& [id, reply] : held.take()) reply.send(response_frame(id));
      EXPECT_EQ(peer->answers(), (std::vector<int32_t>{0, 1, 2, 4, 5, 6}));
    }
  }
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_F(SessionTest, AnswersAfterTheEndAreForgotten) {
  HeldReplies held;
  FunctionHandler handler(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); });
  SessionContext shared = context(handler);
  auto peer = Peer::make(shared, loop_);
  peer->send(request_frame(0));
  peer->session.close("gone");
  for (auto& [id, reply] : held.take()) reply.send(response_frame(id));
  EXPECT_TRUE(peer->received.empty());
}

TEST_F(SessionTest, DrainingAnswersWhatWasStartedAndTakesNothingMore) {
  HeldReplies held;
  FunctionHandler handler(
      [&](Request request, Reply reply) { held.add(request.correlation_id(), std::move(reply)); });
  SessionContext shared = context(handler);
  auto peer = Peer::make(shared, loop_);
  peer->send(request_frame(0));
  base::Bytes half = request_frame(1, 100);
  half.resize(50);
  peer->send(half);
  EXPECT_TRUE(peer->session.in_frame());
  peer->session.drain();
  EXPECT_FALSE(peer->session.idle());
  peer->send(request_frame(2));
  EXPECT_EQ(held.size(), 1u);
  for (auto& [id, reply] : held.take()) reply.send(response_frame(id));
  EXPECT_EQ(peer->answers(), count_to(1));
  EXPECT_TRUE(peer->session.idle());
}

TEST_F(SessionTest, MemoryIsBoundedOverAllSessionsAndAllOfThemGoOn) {
  constexpr uint64_t kLimit = 100'000;
  constexpr size_t kFrame = 30'000;
  constexpr int32_t kSessions = 50, kRequests = 10;
  FramePool pool(kLimit);
  uint64_t most = 0;
  FunctionHandler handler([&](Request request, Reply reply) {
    most = std::max(most, pool.used());
    echo(std::move(request), std::move(reply));
  });
  SessionContext shared{{}, pool, handler, loop_, clock_};
  std::vector<std::shared_ptr<Peer>> peers;
  for (int32_t i = 0; i < kSessions; ++i) {
    peers.push_back(Peer::make(shared, loop_));
    peers.back()->reads_ahead = i % 2 == 0;
  }
  // Small pieces, one session after the other: all of them are in the middle of a frame at once.
  std::vector<base::Bytes> to_send(kSessions);
  for (base::Bytes& bytes : to_send) {
    for (int32_t r = 0; r < kRequests; ++r) append(bytes, request_frame(r, kFrame));
  }
  for (size_t at = 0; at < to_send[0].size(); at += 997) {
    for (int32_t i = 0; i < kSessions; ++i) {
      size_t size = std::min<size_t>(997, to_send[i].size() - at);
      peers[i]->send(base::ByteView(to_send[i]).subspan(at, size));
      most = std::max(most, pool.used());
      loop_.run();
    }
  }
  loop_.run();
  for (auto& peer : peers) {
    EXPECT_EQ(peer->answers(), count_to(kRequests));
    EXPECT_TRUE(peer->unread.empty());
  }
  EXPECT_LE(most, kLimit + kFrame + 100 + 65536);
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_FALSE(pool.has_waiters());
}

TEST_F(SessionTest, AWaiterThatGoesAwayHandsItsTurnOn) {
  FramePool pool(1000);
  FunctionHandler handler(echo);
  SessionContext shared{{}, pool, handler, loop_, clock_};
  FrameBuffer all = pool.acquire(1000);
  auto first = Peer::make(shared, loop_), second = Peer::make(shared, loop_),
       third = Peer::make(shared, loop_);
  first->send(request_frame(0));
  second->send(request_frame(0));
  third->send(request_frame(0));
  EXPECT_FALSE(first->unread.empty()) << "there is no memory";
  all = {};
  first->session.close("gone while it waited");
  second.reset();
  loop_.run();
  EXPECT_EQ(third->answers(), count_to(1));
}

TEST_F(SessionTest, AFrameWhoseLengthCameAloneWaitsForMemoryToo) {
  FramePool pool(1000);
  FunctionHandler handler(echo);
  SessionContext shared{{}, pool, handler, loop_, clock_};
  auto peer = Peer::make(shared, loop_);
  base::Bytes frame = request_frame(0, 20'000);
  FrameBuffer some = pool.acquire(999);
  peer->send(base::ByteView(frame).first(3));
  FrameBuffer rest = pool.acquire(10);
  peer->send(base::ByteView(frame).subspan(3));
  loop_.run();
  EXPECT_TRUE(peer->answers().empty());
  some = {};
  rest = {};
  loop_.run();
  EXPECT_EQ(peer->answers(), count_to(1));
}

}  // namespace
}  // namespace longhaul::broker::net
