// A group coordinator on a loop that the test turns, over an offsets topic in memory.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/groups/coordinator.h"
#include "records/builder.h"
#include "tests/support/loop.h"

namespace longhaul::broker::groups {

using namespace std::chrono_literals;
using protocol::ErrorCode;

/// Keeps what is appended; commits at once unless told to fail, or to hold commits back.
class MemoryOffsetsTopic final : public OffsetsTopic {
 public:
  explicit MemoryOffsetsTopic(base::EventLoop& loop) : loop_(loop) {}

  void append(int32_t partition, std::vector<KeyValue> records,
              base::Callback<void(ErrorCode)> done) override {
    if (fail_with == ErrorCode::kNone) {
      auto& log = logs[partition];
      records::BatchBuilder builder({.base_offset = static_cast<int64_t>(log.size())});
      for (const KeyValue& record : records) {
        std::optional<base::ByteView> value;
        if (record.value) value = *record.value;
        builder.append(0, base::ByteView(record.key), value);
      }
      log.push_back(builder.build(codecs_));
      written += records.size();
    }
    base::Task tell = [done = std::move(done), outcome = fail_with]() mutable { done(outcome); };
    holds ? held_.push_back(std::move(tell)) : loop_.post(std::move(tell));
  }

  void read(int32_t partition, int64_t offset,
            base::Callback<void(protocol::KafkaResult<LogChunk>)> done) override {
    ++reads;
    if (fail_reads_with != ErrorCode::kNone) {
      return loop_.post([done = std::move(done), why = fail_reads_with]() mutable {
        done(protocol::kafka_fail(why));
      });
    }
    LogChunk chunk;
    auto& log = logs[partition];
    auto at = static_cast<size_t>(offset);
    chunk.at_end = at >= log.size();
    if (!chunk.at_end) chunk.batches = log[at];
    chunk.next_offset = offset + 1;
    loop_.post(
        [done = std::move(done), chunk = std::move(chunk)]() mutable { done(std::move(chunk)); });
  }

  /// What was held back is committed; word of the last of it comes first.
  void release() {
    for (; !held_.empty(); held_.pop_back()) loop_.post(std::move(held_.back()));
  }

  std::map<int32_t, std::vector<base::Bytes>> logs;
  bool holds = false;
  ErrorCode fail_with = ErrorCode::kNone;
  ErrorCode fail_reads_with = ErrorCode::kNone;
  size_t written = 0, reads = 0;

 private:
  base::EventLoop& loop_;
  records::Codecs codecs_;
  std::vector<base::Task> held_;
};

class GroupsTest : public ::testing::Test {
 protected:
  static constexpr int32_t kPartitions = 4;

  GroupsTest() {
    config.initial_rebalance_delay_ms = 0;
    restart();
  }

  /// A coordinator that knows only what is in the topic.
  void restart() {
    coordinator.reset();
    run();
    coordinator = std::make_unique<GroupCoordinator>(config, loop, clock, random, topic,
                                                     base::Logger(base::null_sink(), "groups"));
    coordinator->set_partition_count(kPartitions);
    for (int32_t i = 0; i < kPartitions; ++i) coordinator->lead(i);
    run();
  }

  void run() { simulation.run_due(); }
  void advance(std::chrono::microseconds time) { simulation.run_for(time); }

  static protocol::JoinGroupRequest join_request(const std::string& member = "",
                                                 std::optional<std::string> instance = {}) {
    protocol::JoinGroupRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.group_instance_id = std::move(instance);
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 30'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({.name = "range", .metadata = {1, 2, 3}});
    return request;
  }

  /// The answer, as soon as there is one.
  using Joined = std::shared_ptr<std::optional<protocol::JoinGroupResponse>>;
  using Synced = std::shared_ptr<std::optional<protocol::SyncGroupResponse>>;
  Joined join(const protocol::JoinGroupRequest& request, int16_t version = 9) {
    auto answer = std::make_shared<std::optional<protocol::JoinGroupResponse>>();
    coordinator->join(request, {"client", "/127.0.0.1", version},
                      [answer](protocol::JoinGroupResponse response) { *answer = response; });
    run();
    return answer;
  }
  Synced sync(const std::string& member, int32_t generation,
              const std::map<std::string, base::Bytes>& assignments = {}) {
    protocol::SyncGroupRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id = generation;
    for (const auto& [id, bytes] : assignments) {
      request.assignments.push_back({.member_id = id, .assignment = bytes});
    }
    auto answer = std::make_shared<std::optional<protocol::SyncGroupResponse>>();
    coordinator->sync(request,
                      [answer](protocol::SyncGroupResponse response) { *answer = response; });
    run();
    return answer;
  }
  ErrorCode heartbeat(const std::string& member, int32_t generation) {
    protocol::HeartbeatRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id = generation;
    return coordinator->heartbeat(request).error_code;
  }
  /// A member's ID, as the coordinator gives it to one that comes without.
  std::string new_member_id() {
    auto told = join(join_request());
    EXPECT_TRUE(told->has_value());
    EXPECT_EQ((*told)->error_code, ErrorCode::kMemberIdRequired);
    return (*told)->member_id;
  }
  /// One member, stable in its first generation with an assignment.
  std::string stable_member() {
    std::string id = new_member_id();
    auto joined = join(join_request(id));
    EXPECT_EQ((*joined)->error_code, ErrorCode::kNone);
    EXPECT_EQ((*sync(id, (*joined)->generation_id, {{id, {7}}}))->error_code, ErrorCode::kNone);
    return id;
  }
  static protocol::OffsetCommitRequest commit_request(const std::string& member, int32_t generation,
                                                      int64_t offset,
                                                      const std::string& metadata = "") {
    protocol::OffsetCommitRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    auto& of_topic = request.topics.emplace_back();
    of_topic.name = "t";
    of_topic.partitions.push_back(
        {.partition_index = 0, .committed_offset = offset, .committed_metadata = metadata});
    return request;
  }
  ErrorCode commit(const std::string& member, int32_t generation, int64_t offset,
                   const std::string& metadata = "") {
    ErrorCode outcome = ErrorCode::kUnknownServerError;
    auto request = commit_request(member, generation, offset, metadata);
    coordinator->commit(request, [&outcome](const protocol::OffsetCommitResponse& response) {
      outcome = response.topics[0].partitions[0].error_code;
    });
    run();
    return outcome;
  }
  /// The committed offset of t-0, -1 if there is none.
  int64_t committed() {
    protocol::OffsetFetchRequest::OffsetFetchRequestGroup request;
    request.group_id = "g";
    request.topics.reset();  // all of them
    auto fetched = coordinator->fetch(request);
    EXPECT_EQ(fetched.error_code, ErrorCode::kNone);
    return fetched.topics.empty() ? -1 : fetched.topics[0].partitions[0].committed_offset;
  }
  std::string state() {
    protocol::DescribeGroupsRequest request;
    request.groups = {"g"};
    return coordinator->describe(request, 5).groups[0].group_state;
  }

  GroupConfig config;
  sim::Simulation simulation{7};
  sim::Clock clock{simulation};
  sim::Loop loop{simulation};
  base::SeededRandom random{7};
  MemoryOffsetsTopic topic{loop};
  std::unique_ptr<GroupCoordinator> coordinator;
};

}  // namespace longhaul::broker::groups
