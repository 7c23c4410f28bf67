#include "broker/net/request.h"

#include <gtest/gtest.h>

#include "base/memory_file_system.h"
#include "tests/broker/net/fixtures.h"

namespace longhaul::broker::net {
namespace {

struct RecordingSink final : ReplySink {
  void deliver(uint64_t sequence, Outcome outcome) override {
    sequences.push_back(sequence);
    outcomes.push_back(std::move(outcome));
  }
  std::vector<uint64_t> sequences;
  std::vector<Outcome> outcomes;
};

struct NoLoop final : base::EventLoop {
  void post(base::Task) override {}
  base::TimerId after(std::chrono::microseconds, base::Task) override { return 1; }
  bool cancel(base::TimerId) override { return false; }
};

base::Result<Request> parse(base::ByteView frame) {
  static NoLoop loop;
  return Request::parse(FrameBuffer::copy_of(frame), std::make_shared<ConnectionInfo>(), loop,
                        std::chrono::microseconds(5));
}

TEST(Request, HeaderAndBody) {
  base::Bytes frame = request_frame(77, 3);
  auto request = parse(base::ByteView(frame).subspan(4));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->api_key(), protocol::ApiKey::kApiVersions);
  EXPECT_EQ(request->api_version(), 2);
  EXPECT_EQ(request->correlation_id(), 77);
  EXPECT_EQ(request->client_id(), "");
  ASSERT_EQ(request->body().size(), 3u);
  request->body()[0] = 9;
  EXPECT_EQ(request->frame().back(), 14);
  request->release_frame();
  EXPECT_TRUE(request->body().empty());
}

TEST(Request, FlexibleHeaderWithClientIdAndTags) {
  base::Bytes frame = {0, 18, 0, 3, 0, 0, 0, 1, 0, 2, 'm', 'e', 1, 5, 1, 0xAA, 42};
  auto request = parse(frame);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->client_id(), "me");
  ASSERT_EQ(request->body().size(), 1u);
  EXPECT_EQ(request->body()[0], 42);
}

TEST(Request, BrokenHeadersAndUnknownApisAreErrors) {
  EXPECT_FALSE(parse(base::Bytes{0, 18, 0, 2, 0, 0}));
  EXPECT_FALSE(parse(base::Bytes{0, 18, 0, 2, 0, 0, 0, 1, 0, 9, 'x'}));
  EXPECT_FALSE(parse(base::Bytes{0x7f, 18, 0, 2, 0, 0, 0, 1, 0xff, 0xff}));
}

TEST(Response, TakesInSmallSlices) {
  base::MemoryFileSystem files;
  std::shared_ptr<base::File> file = *files.open("f", base::OpenMode::kCreate);
  ASSERT_TRUE(file->write_at(0, base::Bytes(100'000, 9)));
  ASSERT_TRUE(file->write_at(10, base::Bytes{21, 22, 23}));
  Response response{{1, 2, 3},
                    {{1, {file, 10, 2}}, {1, {}}, {1, {file, 12, 1}}, {3, {file, 0, 1}}}};
  take_in_small_slices(response);
  EXPECT_TRUE(response.splices.empty());
  EXPECT_EQ(response.head, (base::Bytes{1, 21, 22, 23, 2, 3, 9}));

  Response large{{1, 2, 3}, {{1, {file, 0, 90'000}}}};
  take_in_small_slices(large);
  EXPECT_EQ(large.splices.size(), 1u);
  EXPECT_EQ(large.head.size(), 3u);
  // What has become shorter is told to the client by the connection's end.
  Response shrunk{{1, 2, 3}, {{1, {file, 0, 2}}, {2, {file, 99'999, 2}}}};
  take_in_small_slices(shrunk);
  EXPECT_EQ(shrunk.splices.size(), 2u);
  EXPECT_EQ(shrunk.head, (base::Bytes{1, 2, 3}));
}

TEST(Reply, IsDeliveredOnce) {
  auto sink = std::make_shared<RecordingSink>();
  {
    Reply reply(sink, 4);
    Reply moved = std::move(reply);
    moved.send(response_frame(1));
  }
  ASSERT_EQ(sink->outcomes.size(), 1u);
  EXPECT_EQ(sink->sequences[0], 4u);
  EXPECT_EQ(sink->outcomes[0].kind, Outcome::Kind::kResponse);
}

TEST(Reply, DroppedUncalledClosesTheConnection) {
  auto sink = std::make_shared<RecordingSink>();
  { Reply reply(sink, 5); }
  Reply other(sink, 6);
  other = Reply(sink, 7);  // 6 is dropped
  other.none();
  ASSERT_EQ(sink->outcomes.size(), 3u);
  EXPECT_EQ(sink->outcomes[0].kind, Outcome::Kind::kClose);
  EXPECT_NE(sink->outcomes[0].why.find("without an answer"), std::string::npos);
  EXPECT_EQ(sink->sequences[1], 6u);
  EXPECT_EQ(sink->outcomes[1].kind, Outcome::Kind::kClose);
  EXPECT_EQ(sink->outcomes[2].kind, Outcome::Kind::kNone);
}

TEST(ReplyDeathTest, ASecondAnswerEndsTheProcess) {
  auto sink = std::make_shared<RecordingSink>();
  Reply reply(sink, 1);
  reply.none();
  EXPECT_DEATH(reply.none(), "answered twice");
}

TEST(MakeResponse, PutsSlicesInThePlacesOfSplices) {
  protocol::Encoder encoder;
  encoder.extend(6);
  encoder.splice(4, 30);
  encoder.splice(6, 5);
  std::vector<base::FileSlice> slices = {{nullptr, 100, 10}, {nullptr, 0, 20}, {nullptr, 7, 5}};
  Response response = make_response(std::move(encoder), std::move(slices));
  EXPECT_EQ(response.head.size(), 6u);
  ASSERT_EQ(response.splices.size(), 3u);
  EXPECT_EQ(response.splices[0].position, 4u);
  EXPECT_EQ(response.splices[1].position, 4u);
  EXPECT_EQ(response.splices[2].position, 6u);
  EXPECT_EQ(response.size(), 41u);
}

}  // namespace
}  // namespace longhaul::broker::net
