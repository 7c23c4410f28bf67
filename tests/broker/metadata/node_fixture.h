// A metadata node on a disk in memory, with its loop, its workers and its clock in the test's hand.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/memory_file_system.h"
#include "broker/metadata/birth.h"
#include "broker/metadata/bootstrap.h"
#include "broker/metadata/features.h"
#include "broker/metadata/node.h"
#include "tests/broker/metadata/test_config_rules.h"
#include "tests/support/loop.h"

namespace longhaul::broker::metadata {

class NodeFixture : public ::testing::Test {
 protected:
  static constexpr const char* kCluster = "4L6g3nShT-eMCtK--X86sw";
  static constexpr const char* kLogPath = "/d/__cluster_metadata-0/00000000000000000000.log";

  void SetUp() override {
    BirthConfig birth;
    birth.permission = FormatPermission::kFound;
    birth.cluster_id = kCluster;
    birth.node_id = 1000;
    birth.log_dirs = {"/d"};
    birth.metadata_dir = "/d";
    birth.controller_endpoints = {{"CONTROLLER", "localhost", 9093}};
    auto identity = ensure_born(files_, clock_, random_, birth);
    ASSERT_TRUE(identity) << identity.error().message;
    self_ = {1000, identity->metadata_directory_id};
  }

  base::Result<std::shared_ptr<MetadataLog>> open_log() {
    MetadataLog::Params params;
    params.files = &files_;
    params.clock = &clock_;
    params.metadata_dir = "/d";
    params.options = options_;
    return MetadataLog::open(std::move(params));
  }

  /// Opens and starts; nothing has run on the loop yet.
  void start() {
    auto log = open_log();
    ASSERT_TRUE(log) << log.error().message;
    MetadataNode::Params params;
    params.loop = &loop_.emplace(simulation_);
    params.io = &io_.emplace(simulation_);
    params.clock = &clock_;
    params.random = &random_;
    params.log = *log;
    params.log_options = options_;
    params.self = self_;
    params.settings.node_id = 1000;
    params.settings.cluster_id = kCluster;
    params.upkeep = upkeep_;
    params.reach = reach_;
    params.configs = &rules_;
    params.bootstrap = default_bootstrap();
    params.on_fatal = [this](const base::Error& error) { fatal_ = error.message; };
    node_ = MetadataNode::create(std::move(params));
    node_->images().subscribe([this](const auto& before, const auto& after, const auto& changes) {
      EXPECT_LT(before->provenance.offset, after->provenance.offset);
      ++published_;
      changes_ = changes;
    });
    node_->start();
  }
  /// Until nothing is left to do now.
  void run() { simulation_.run_due(); }
  void advance(int64_t ms) { simulation_.run_for(std::chrono::milliseconds(ms)); }
  /// The same while the disk does not move; it moves again afterwards.
  void advance_without_io(int64_t ms) {
    io_->hold();
    advance(ms);
    io_->resume();
  }
  void stop() {
    bool done = false;
    node_->stop([&] { done = true; });
    run();
    EXPECT_TRUE(done);
    drop();
  }
  /// The process is gone; what the disk keeps depends on `mode`.
  void crash(base::CrashMode mode) {
    drop();
    files_.crash(mode, random_);
  }
  void drop() {
    loop_.reset();
    io_.reset();
    node_.reset();
  }

  ReplyTo soon() { return {&*loop_, clock_.monotonic() + std::chrono::seconds(30)}; }
  Shared<MetadataImage> image() { return node_->images().current(); }

  /// Sends a request; the answer is there after run() if the node works.
  template <class Request, class Response>
  std::shared_ptr<std::optional<Response>> send(Decision<Response> (*decide)(const ControllerInput&,
                                                                             const Request&),
                                                std::type_identity_t<Request> request) {
    auto answer = std::make_shared<std::optional<Response>>();
    node_->ask(decide, std::move(request), soon(),
               [answer](Response response) { *answer = std::move(response); });
    return answer;
  }
  protocol::BrokerRegistrationRequest registration(int32_t id) {
    protocol::BrokerRegistrationRequest request;
    request.broker_id = id;
    request.cluster_id = kCluster;
    request.incarnation_id = base::Uuid::random(random_);
    request.listeners.push_back({"PLAINTEXT", "localhost", 9092, 0});
    for (const auto& [name, range] : supported_features())
      request.features.push_back({name, range.min, range.max});
    request.rack = std::nullopt;
    request.log_dirs = {self_.directory};
    return request;
  }
  protocol::BrokerHeartbeatRequest heartbeat(int32_t id) {
    protocol::BrokerHeartbeatRequest request;
    request.broker_id = id;
    request.broker_epoch = image()->broker(id)->epoch;
    request.current_metadata_offset = image()->provenance.offset - 1;
    return request;
  }
  int64_t register_broker() {
    auto registered = send(&metadata::register_broker, registration(1000));
    run();
    EXPECT_TRUE(*registered && (*registered)->error_code == protocol::ErrorCode::kNone);
    auto alive = send(&metadata::broker_heartbeat, heartbeat(1000));
    run();
    EXPECT_TRUE(*alive && !(*alive)->is_fenced);
    return (*registered)->broker_epoch;
  }
  auto create_topic(const std::string& name, int32_t partitions = 1) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    return send(&metadata::create_topics, std::move(request));
  }
  protocol::ErrorCode created(const std::string& name, int32_t partitions = 1) {
    auto answer = create_topic(name, partitions);
    run();
    EXPECT_TRUE(*answer);
    return *answer ? (*answer)->topics.at(0).error_code : protocol::ErrorCode::kUnknownServerError;
  }

  base::MemoryFileSystem files_;
  sim::Simulation simulation_{11};
  sim::Clock clock_{simulation_};
  base::SeededRandom random_{11};
  TestConfigRules rules_;
  MetadataLogOptions options_;
  /// Tests that are not about sessions have brokers that say nothing.
  UpkeepSettings upkeep_{.session_timeout = std::chrono::hours(1'000)};
  ControllerUpkeep::Reach reach_;
  raft::ReplicaKey self_;
  std::optional<sim::Loop> loop_;
  std::optional<sim::Workers> io_;
  std::shared_ptr<MetadataNode> node_;
  std::string fatal_;
  int published_ = 0;
  MetadataChanges changes_;
};

}  // namespace longhaul::broker::metadata
