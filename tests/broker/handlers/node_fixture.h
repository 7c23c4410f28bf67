// A whole node in one thread, on a disk in memory, that is asked as a client would ask it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_file_system.h"
#include "base/random.h"
#include "broker/app/node.h"
#include "broker/net/output_queue.h"
#include "protocol/frame.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/produce.h"
#include "records/builder.h"
#include "tests/support/loop.h"

namespace longhaul::broker::handlers {

/// Where answers go. A request that was not answered has no outcome.
class Answers final : public net::ReplySink {
 public:
  void deliver(uint64_t sequence, net::Outcome outcome) override {
    EXPECT_FALSE(outcomes_.contains(sequence)) << "answered twice";
    outcomes_.emplace(sequence, std::move(outcome));
  }
  net::Outcome* of(uint64_t sequence) {
    auto found = outcomes_.find(sequence);
    return found == outcomes_.end() ? nullptr : &found->second;
  }

 private:
  std::map<uint64_t, net::Outcome> outcomes_;
};

class NodeFixture : public ::testing::Test {
 protected:
  void start(const std::string& options = "") {
    auto loaded = config::load_broker_config(
        "process.roles=broker,controller\n"
        "node.id=1000\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n"
        "controller.listener.names=CONTROLLER\n"
        "controller.quorum.bootstrap.servers=127.0.0.1:9093\n"
        "log.dirs=/d\n"
        "longhaul.format=found\n"
        "longhaul.cluster.id=4L6g3nShT-eMCtK--X86sw\n"
        "offsets.topic.num.partitions=1\n" +
        options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    auto opened = app::Node::open(loaded->config,
                                  {.files = files_,
                                   .clock = clock_,
                                   .random = random_,
                                   .log = base::null_sink(),
                                   .metadata_loop = loop_,
                                   .groups_loop = loop_,
                                   .timers = timers_,
                                   .workers = workers_,
                                   .on_fatal = [this](const base::Error& why) { on_fatal(why); }});
    ASSERT_TRUE(opened) << opened.error().message;
    node_ = std::move(*opened);
    node_->start(node_->config().listeners, [] {});
    run();
    ASSERT_TRUE(node_->is_ready());
  }

  void TearDown() override {
    if (!node_) return;
    bool stopped = false;
    node_->stop([&](base::Result<void> outcome) {
      EXPECT_TRUE(outcome) << outcome.error().message;
      stopped = true;
    });
    run();
    EXPECT_TRUE(stopped);
    EXPECT_EQ(answers_.use_count(), 1) << "a request is still held by somebody";
    node_.reset();
  }

  virtual void on_fatal(const base::Error& why) { FAIL() << why.message; }

  /// Until nothing is left to do now.
  void run() { simulation_.run_due(); }
  /// What happens on loops while all workers are busy.
  void run_without_workers() {
    workers_.hold();
    run();
    workers_.resume();
  }
  void advance(std::chrono::milliseconds time) { simulation_.run_for(time); }

  // ---- asking

  uint64_t send_frame(base::ByteView frame) {
    auto request = net::Request::parse(net::FrameBuffer::copy_of(frame), connection_, loop_,
                                       clock_.monotonic());
    EXPECT_TRUE(request);
    uint64_t sequence = next_sequence_++;
    if (request) node_->handler().handle(*std::move(request), net::Reply(answers_, sequence));
    return sequence;
  }
  template <class Request>
  auto send(const Request& request, int16_t version) {
    protocol::Encoder encoder;
    auto encoded = protocol::encode_request(encoder, request, version, kCorrelation, "test");
    EXPECT_TRUE(encoded) << encoded.error().message;
    base::Bytes frame = encoder.take();
    return send_frame(base::ByteView(frame).subspan(4));
  }
  bool answered(uint64_t sequence) { return answers_->of(sequence) != nullptr; }
  /// Why the connection was closed; "" if it was not.
  std::string closed(uint64_t sequence) {
    net::Outcome* outcome = answers_->of(sequence);
    bool closed = outcome && outcome->kind == net::Outcome::Kind::kClose;
    return closed ? outcome->why : "";
  }
  /// The answer as a client reads it, file ranges included.
  template <class Response>
  Response answer(uint64_t sequence, int16_t version) {
    net::Outcome* outcome = answers_->of(sequence);
    if (!outcome || outcome->kind != net::Outcome::Kind::kResponse) {
      ADD_FAILURE() << "no response" << (outcome ? ": " + outcome->why : "");
      return {};
    }
    net::OutputQueue queue;
    uint64_t size = outcome->response.size();
    queue.push(std::move(outcome->response));
    wire_.resize(size);
    auto read = queue.read(wire_);
    EXPECT_TRUE(read && *read == size && queue.empty());
    base::ByteView frame = base::ByteView(wire_).subspan(4);
    EXPECT_EQ(*protocol::peek_correlation_id(frame), kCorrelation);
    auto body = protocol::parse_response(frame, *protocol::find_api(Response::kApiKey), version);
    EXPECT_TRUE(body);
    auto decoded = Response::decode(*body, version);
    EXPECT_TRUE(decoded) << decoded.error().message;
    return decoded ? std::move(*decoded) : Response{};
  }
  /// Asks and waits for the answer.
  template <class Response, class Request>
  Response ask(const Request& request, int16_t version) {
    uint64_t sequence = send(request, version);
    run();
    return answer<Response>(sequence, version);
  }

  // ---- what most tests need

  base::Uuid create_topic(const std::string& name, int32_t partitions = 1,
                          std::map<std::string, std::string> options = {}) {
    protocol::CreateTopicsRequest request;
    request.timeout_ms = 10'000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    for (auto& [key, value] : options) topic.configs.push_back({.name = key, .value = value});
    auto response = ask<protocol::CreateTopicsResponse>(request, 7);
    EXPECT_EQ(response.topics.at(0).error_code, protocol::ErrorCode::kNone) << name;
    return response.topics.at(0).topic_id;
  }

  base::Bytes batch(int count = 1, records::Codec codec = records::Codec::kNone) {
    records::BatchBuilder builder({.codec = codec});
    for (int i = 0; i < count; ++i) {
      builder.append(clock_.wall_ms() + i, std::nullopt, base::as_bytes("v" + std::to_string(i)));
    }
    return builder.build(codecs_);
  }
  /// A Produce of `records` to one partition; the bytes must live until it is sent.
  static protocol::ProduceRequest produce_request(const std::string& topic, base::ByteView records,
                                                  int32_t partition = 0) {
    protocol::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 1000;
    auto& data = request.topic_data.emplace_back();
    data.name = topic;
    data.partition_data.push_back({.index = partition, .records = protocol::Records{records}});
    return request;
  }
  protocol::ProduceResponse::PartitionProduceResponse produce(const std::string& topic,
                                                              base::ByteView records) {
    auto response = ask<protocol::ProduceResponse>(produce_request(topic, records), kProduce);
    return response.responses.at(0).partition_responses.at(0);
  }

  static constexpr int32_t kCorrelation = 77;
  static constexpr int16_t kProduce = 12;  // the last version that names topics

  base::MemoryFileSystem files_;
  sim::Simulation simulation_{5};
  sim::Clock clock_{simulation_};
  base::SeededRandom random_{5};
  sim::Loop loop_{simulation_};    // of connections, metadata and groups
  sim::Loop timers_{simulation_};  // housekeeping
  sim::Workers workers_{simulation_};
  std::shared_ptr<net::ConnectionInfo> connection_ = [] {
    auto info = std::make_shared<net::ConnectionInfo>();
    info->listener = "PLAINTEXT";
    return info;
  }();
  std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::unique_ptr<app::Node> node_;
  records::Codecs codecs_;
  base::Bytes wire_;  // of the last answer, which has views into it
  uint64_t next_sequence_ = 0;
};

}  // namespace longhaul::broker::handlers
