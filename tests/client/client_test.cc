// Connections, administration and records against a broker that a test makes up.
#include <gtest/gtest.h>

#include <future>

#include "client/admin.h"
#include "client/probe.h"
#include "client/topic_client.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"
#include "tests/client/fake_broker.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::RequestFrame;
using tests::FakeBroker;

const std::vector<ApiKey> kKeys{ApiKey::kApiVersions, ApiKey::kDescribeCluster,
                                ApiKey::kMetadata,    ApiKey::kCreateTopics,
                                ApiKey::kProduce,     ApiKey::kListOffsets};

base::Bytes cluster(const RequestFrame& request, const std::string& id) {
  protocol::DescribeClusterResponse response;
  response.cluster_id = id;
  response.brokers.push_back({7, "b", 9092, std::nullopt, false});
  return FakeBroker::answer(request, response, request.version);
}

/// Answers ApiVersions by itself.
FakeBroker::Handler after_versions(FakeBroker::Handler handler) {
  return [handler](const RequestFrame& request) {
    if (request.api->key == ApiKey::kApiVersions) return FakeBroker::versions(request, kKeys);
    return handler(request);
  };
}

/// So many bytes, of which no two neighbours are the same.
std::string text(size_t size) {
  std::string text(size, ' ');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

class ClientTest : public testing::Test {
 protected:
  ConnectionOptions options() {
    ConnectionOptions options;
    options.connect_timeout = std::chrono::seconds(20);
    options.request_timeout = std::chrono::seconds(20);
    return options;
  }
  IoThread thread_{"test-client"};
};

TEST(EndpointTest, Texts) {
  EXPECT_EQ(parse_endpoint("a.b:92")->to_string(), "a.b:92");
  EXPECT_EQ(parse_endpoint("[::1]:92")->host, "::1");
  EXPECT_EQ(parse_endpoint("[::1]:92")->to_string(), "[::1]:92");
  for (const char* bad : {"", "a", "a:", ":9", "a:0", "a:70000", "a:9x", "::1:9"})
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

TEST(PartitionTest, KeysGoWhereKafkasClientsPutThem) {
  // From Apache Kafka's own UtilsTest.
  EXPECT_EQ(static_cast<int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(murmur2("abc")), 479470107);
}

TEST_F(ClientTest, RequestsArePipelinedAndAnsweredInOrder) {
  // The broker holds its answers back until it has seen all three requests.
  base::Bytes held;
  int seen = 0;
  FakeBroker broker(after_versions([&](const RequestFrame& request) {
    base::Bytes answer = cluster(request, "c" + std::to_string(seen++));
    held.insert(held.end(), answer.begin(), answer.end());
    return seen < 3 ? base::Bytes() : held;
  }));
  auto channel = connect(thread_, broker.endpoint(), options());
  std::vector<std::promise<std::string>> ids(3);
  for (auto& id : ids)
    call<protocol::DescribeClusterResponse>(
        *channel, protocol::DescribeClusterRequest{},
        [&id](base::Result<Reply<protocol::DescribeClusterResponse>> reply) {
          id.set_value(reply ? reply->message.cluster_id : reply.error().message);
        });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ids[i].get_future().get(), "c" + std::to_string(i));
}

TEST_F(ClientTest, AnswersMayBeCutAnywhereAndBeLarge) {
  // Three answers in one piece: what is read at once ends within a frame, or within its length.
  for (size_t large : {0, 16'000, 16'300, 16'340, 16'350, 16'360, 16'370, 40'000, 3'000'000}) {
    SCOPED_TRACE(large);
    base::Bytes held;
    int seen = 0;
    FakeBroker broker(after_versions([&](const RequestFrame& request) {
      protocol::DescribeClusterResponse response;
      size_t left = seen == 1 ? large : 10;
      for (; left > 20'000; left -= 20'000) response.brokers.push_back({.host = text(20'000)});
      response.brokers.push_back({.host = text(left)});
      base::Bytes answer = FakeBroker::answer(request, response, request.version);
      held.insert(held.end(), answer.begin(), answer.end());
      return ++seen < 3 ? base::Bytes() : held;
    }));
    auto channel = connect(thread_, broker.endpoint(), options());
    std::vector<std::promise<size_t>> sizes(3);
    for (auto& size : sizes)
      call<protocol::DescribeClusterResponse>(
          *channel, protocol::DescribeClusterRequest{},
          [&size](base::Result<Reply<protocol::DescribeClusterResponse>> reply) {
            size_t sum = 0;
            if (!reply) return size.set_value(sum);
            for (const auto& each : reply->message.brokers)
              sum += each.host == text(each.host.size()) ? each.host.size() : 0;
            size.set_value(sum);
          });
    EXPECT_EQ(sizes[0].get_future().get(), 10u);
    EXPECT_EQ(sizes[1].get_future().get(), large);
    EXPECT_EQ(sizes[2].get_future().get(), 10u);
  }
}

TEST_F(ClientTest, TheThreadRunsTasksAndTimersInTheirOrder) {
  std::vector<int> ran;
  std::promise<void> done;
  thread_.post([&] {
    base::TimerId never = thread_.after(std::chrono::microseconds(1), [&] { ran.push_back(-1); });
    thread_.after(std::chrono::milliseconds(20), [&] {
      ran.push_back(4);
      done.set_value();
    });
    thread_.after(std::chrono::milliseconds(1), [&, never] {
      ran.push_back(3);
      EXPECT_FALSE(thread_.cancel(never)) << "it is gone already";
    });
    thread_.post([&] { ran.push_back(2); });
    ran.push_back(1);
    EXPECT_TRUE(thread_.cancel(never));
    EXPECT_FALSE(thread_.cancel(0));
  });
  done.get_future().wait();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3, 4}));
}

TEST_F(ClientTest, OlderBrokerIsAskedForVersionsAgain) {
  FakeBroker broker([&](const RequestFrame& request) {
    if (request.api->key != ApiKey::kApiVersions) return cluster(request, "old");
    if (request.version == 0) return FakeBroker::versions(request, kKeys);
    protocol::ApiVersionsResponse refusal;
    refusal.error_code = ErrorCode::kUnsupportedVersion;
    return FakeBroker::answer(request, refusal, 0);
  });
  auto channel = connect(thread_, broker.endpoint(), options());
  auto reply = call_and_wait<protocol::DescribeClusterResponse>(*channel,
                                                                protocol::DescribeClusterRequest{});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.cluster_id, "old");
  EXPECT_EQ(broker.requests(), 3);
}

TEST_F(ClientTest, ApiThatTheBrokerLacksIsUnsupportedAndTheConnectionGoesOn) {
  FakeBroker broker([&](const RequestFrame& request) {
    if (request.api->key == ApiKey::kApiVersions)
      return FakeBroker::versions(request, {ApiKey::kApiVersions, ApiKey::kDescribeCluster});
    return cluster(request, "c");
  });
  auto channel = connect(thread_, broker.endpoint(), options());
  auto refused = call_and_wait<protocol::MetadataResponse>(*channel, protocol::MetadataRequest{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::kUnsupported);
  EXPECT_TRUE(call_and_wait<protocol::DescribeClusterResponse>(*channel,
                                                               protocol::DescribeClusterRequest{}));
}

TEST_F(ClientTest, BrokenConnectionFailsWhatWaitsAndThePoolMakesANewOne) {
  std::atomic<bool> silent{true};
  std::promise<void> asked;
  FakeBroker broker(after_versions([&](const RequestFrame& request) {
    if (!silent) return cluster(request, "again");
    asked.set_value();
    return base::Bytes();
  }));
  Pool pool(thread_, options());
  std::promise<base::Errc> code;
  call<protocol::DescribeClusterResponse>(
      *pool.to(broker.endpoint()), protocol::DescribeClusterRequest{},
      [&](base::Result<Reply<protocol::DescribeClusterResponse>> reply) {
        code.set_value(reply ? base::Errc::kIo : reply.error().code);
      });
  asked.get_future().wait();
  silent = false;
  broker.drop_connection();
  EXPECT_EQ(code.get_future().get(), base::Errc::kUnavailable);
  Admin admin(pool, {broker.endpoint()});
  auto described = admin.describe_cluster();
  ASSERT_TRUE(described) << described.error().message;
  EXPECT_EQ(described->cluster_id, "again");
  EXPECT_EQ(described->brokers[0].id, 7);
  EXPECT_EQ(broker.connections(), 2);
}

TEST_F(ClientTest, AProbeTellsWhetherAnybodyListens) {
  auto refused = [&](const Endpoint& endpoint) {
    std::promise<bool> answer;
    probe(thread_, endpoint, std::chrono::seconds(20),
          [&answer](bool is) { answer.set_value(is); });
    return answer.get_future().get();
  };
  Endpoint there;
  {
    FakeBroker broker([](const RequestFrame&) { return base::Bytes(); });
    there = broker.endpoint();
    EXPECT_FALSE(refused(there));
  }
  EXPECT_TRUE(refused(there));
  EXPECT_FALSE(refused({"no-such-host.invalid", 9092})) << "nobody said no";
}

TEST_F(ClientTest, SilenceTimesOut) {
  FakeBroker broker(after_versions([](const RequestFrame&) { return base::Bytes(); }));
  ConnectionOptions impatient = options();
  impatient.request_timeout = std::chrono::milliseconds(50);
  auto channel = connect(thread_, broker.endpoint(), impatient);
  auto reply = call_and_wait<protocol::DescribeClusterResponse>(*channel,
                                                                protocol::DescribeClusterRequest{});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, base::Errc::kTimedOut);
  EXPECT_FALSE(channel->is_open());
}

TEST_F(ClientTest, NoKafkaBehindThePortIsSaid) {
  FakeBroker broker([](const RequestFrame&) {
    std::string page = "HTTP/1.1 400 Bad Request\r\n\r\n";
    return base::Bytes(page.begin(), page.end());
  });
  auto channel = connect(thread_, broker.endpoint(), options());
  auto reply = call_and_wait<protocol::DescribeClusterResponse>(*channel,
                                                                protocol::DescribeClusterRequest{});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, base::Errc::kCorrupt);
}

TEST_F(ClientTest, ClosingCancelsWhatWaits) {
  std::promise<void> asked;
  FakeBroker broker(after_versions([&](const RequestFrame&) {
    asked.set_value();
    return base::Bytes();
  }));
  std::promise<base::Errc> code;
  {
    auto channel = connect(thread_, broker.endpoint(), options());
    call<protocol::DescribeClusterResponse>(
        *channel, protocol::DescribeClusterRequest{},
        [&](base::Result<Reply<protocol::DescribeClusterResponse>> reply) {
          code.set_value(reply ? base::Errc::kIo : reply.error().code);
        });
    asked.get_future().wait();
  }
  EXPECT_EQ(code.get_future().get(), base::Errc::kCancelled);
}

TEST_F(ClientTest, AdminTriesTheNextAddressAndTellsBrokersErrors) {
  FakeBroker broker(after_versions([&](const RequestFrame& request) {
    protocol::CreateTopicsResponse response;
    protocol::CreateTopicsResponse::CreatableTopicResult result;
    result.name = "t";
    result.error_code = ErrorCode::kInvalidReplicationFactor;
    result.error_message = "1 broker only";
    response.topics.push_back(result);
    return FakeBroker::answer(request, response, request.version);
  }));
  client::Endpoint dead;
  {
    FakeBroker gone([](const RequestFrame&) { return base::Bytes(); });
    dead = gone.endpoint();
  }
  Pool pool(thread_, options());
  Admin admin(pool, {dead, broker.endpoint()});
  auto made = admin.create_topic({"t", 1, 3, {}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, base::Errc::kInvalidArgument);
  EXPECT_EQ(made.error().message, "t: INVALID_REPLICATION_FACTOR: 1 broker only");
}

/// A broker that leads the only partition of topic "t" and refuses what is asked of it, each time
/// with the next error of a list; then it answers with offset 42.
class TopicClientTest : public ClientTest {
 protected:
  base::Result<int64_t> produce() {
    Message message;
    message.timestamp = 5;
    message.value = "v";
    return topic_.produce(0, {message});
  }

  std::vector<ErrorCode> refusals_;
  size_t asked_ = 0;  // Metadata aside

 private:
  base::Bytes answer(const RequestFrame& request) {
    if (request.api->key == ApiKey::kMetadata) {
      protocol::MetadataResponse response;
      response.brokers.push_back({1, "127.0.0.1", broker_.endpoint().port, std::nullopt});
      protocol::MetadataResponse::MetadataResponseTopic topic;
      topic.name = "t";
      topic.partitions.push_back({ErrorCode::kNone, 0, 1, 0, {1}, {1}, {}});
      response.topics.push_back(topic);
      return FakeBroker::answer(request, response, request.version);
    }
    ErrorCode error = asked_ < refusals_.size() ? refusals_[asked_] : ErrorCode::kNone;
    ++asked_;
    if (request.api->key == ApiKey::kListOffsets) {
      protocol::ListOffsetsResponse response;
      protocol::ListOffsetsResponse::ListOffsetsPartitionResponse partition;
      partition.error_code = error;
      partition.offset = 42;
      response.topics.push_back({"t", {partition}});
      return FakeBroker::answer(request, response, request.version);
    }
    protocol::ProduceResponse response;
    protocol::ProduceResponse::PartitionProduceResponse partition;
    partition.error_code = error;
    partition.base_offset = 42;
    response.responses.push_back({"t", {}, {partition}});
    return FakeBroker::answer(request, response, request.version);
  }

  FakeBroker broker_{
      after_versions([this](const RequestFrame& request) { return answer(request); })};

 protected:
  Pool pool_{thread_, options()};
  TopicClient topic_{pool_, {broker_.endpoint()}, "t"};
};

TEST_F(TopicClientTest, ProduceTriesAgainWhatWasNotWritten) {
  refusals_ = {ErrorCode::kNotLeaderOrFollower, ErrorCode::kNotEnoughReplicas};
  EXPECT_EQ(topic_.partitions().value(), 1);
  auto offset = produce();
  ASSERT_TRUE(offset) << offset.error().message;
  EXPECT_EQ(*offset, 42);
  EXPECT_EQ(asked_, 3u);
  EXPECT_EQ(topic_.produce(1, {Message{}}).error().code, base::Errc::kInvalidArgument);
}

TEST_F(TopicClientTest, ProduceDoesNotWriteTwice) {
  refusals_ = {ErrorCode::kRequestTimedOut, ErrorCode::kNotEnoughReplicasAfterAppend,
               ErrorCode::kMessageTooLarge};
  size_t tries = 0;
  for (ErrorCode error : refusals_) {
    auto offset = produce();
    ASSERT_FALSE(offset);
    EXPECT_NE(offset.error().message.find(protocol::name(error)), std::string::npos);
    EXPECT_EQ(offset.error().message.find("may or may not") != std::string::npos,
              error != ErrorCode::kMessageTooLarge);
    EXPECT_EQ(asked_, ++tries);
  }
}

TEST_F(TopicClientTest, NewLeaderIsAskedForOffsetsUntilItKnowsThem) {
  refusals_ = {ErrorCode::kOffsetNotAvailable, ErrorCode::kOffsetNotAvailable};
  auto offset = topic_.offset_for(0, kLatest);
  ASSERT_TRUE(offset) << offset.error().message;
  EXPECT_EQ(*offset, 42);
  EXPECT_EQ(asked_, 3u);
}

}  // namespace
}  // namespace longhaul::client
