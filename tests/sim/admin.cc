#include "tests/sim/admin.h"

#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr Time kPause = std::chrono::milliseconds(300);
constexpr uint64_t kNames = 4;
constexpr int32_t kMostPartitions = 6;

}  // namespace

void Admin::work() {
  later(kPause, [this] { turn(); });
}

void Admin::turn() {
  if (!is_busy()) change();
  later(kPause, [this] { turn(); });
}

void Admin::change() {
  std::string name = fmt::format("changing.{}", world_.random().below(kNames));
  const Topic* topic = topics_.find(name);
  if (!topic) {
    create({.name = name,
            .partitions = 1 + static_cast<int32_t>(world_.random().below(3)),
            .may_change = true,
            .promise = {},
            .options = {{"segment.ms", "1000"}, {"file.delete.delay.ms", "1000"}}});
  } else if (topic->state == Topic::State::kThere) {
    bool grows = topic->partitions < kMostPartitions && world_.simulation.chance(40);
    grows ? grow(*topic) : remove(*topic);
  }
}

void Admin::check(const char* what, const std::string& topic, ErrorCode code) {
  // What a controller has done may be asked for again, if it was lost before it said so.
  bool done_before = code == ErrorCode::kTopicAlreadyExists ||
                     code == ErrorCode::kUnknownTopicOrPartition ||
                     code == ErrorCode::kInvalidPartitions;
  if (!is_wrong(code) || (done_before && !region_.is_alone())) return;
  world_.findings.add("{}: {} of {} is refused: {}", name(), what, topic, protocol::name(code));
}

void Admin::create(const NewTopic& topic) {
  topics_.creating({.name = topic.name,
                    .id = {},
                    .partitions = topic.partitions,
                    .most_partitions = topic.partitions,
                    .may_change = topic.may_change,
                    .promise = topic.promise});
  protocol::CreateTopicsRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions;
  wanted.replication_factor = region_.replication_factor();
  for (const auto& [option, value] : topic.options) wanted.configs.push_back({option, value});
  request.timeout_ms = 10'000;
  ask<protocol::CreateTopicsResponse>(anybody(), std::move(request),
                                      [this, name = topic.name](auto reply) {
                                        if (!reply) return;
                                        const auto& answer = reply->message.topics.at(0);
                                        check("CreateTopics", name, answer.error_code);
                                        if (answer.error_code == ErrorCode::kNone)
                                          topics_.created(name, answer.topic_id);
                                      });
}

void Admin::grow(const Topic& topic) {
  int32_t partitions = topic.partitions + 1;
  protocol::CreatePartitionsRequest request;
  request.topics.push_back({.name = topic.name, .count = partitions, .assignments = std::nullopt});
  request.timeout_ms = 10'000;
  topics_.growing(topic.name, partitions);
  auto done = [this, name = topic.name, partitions](auto reply) {
    if (!reply) return;
    const auto& answer = reply->message.results.at(0);
    check("CreatePartitions", name, answer.error_code);
    if (answer.error_code == ErrorCode::kNone) topics_.grown(name, partitions);
  };
  ask<protocol::CreatePartitionsResponse>(anybody(), std::move(request), 0, std::move(done));
}

void Admin::remove(const Topic& topic) {
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({.name = topic.name, .topic_id = {}});
  request.topic_names = {topic.name};
  request.timeout_ms = 10'000;
  std::string name = topic.name;
  topics_.deleting(name);
  ask<protocol::DeleteTopicsResponse>(anybody(), std::move(request), 1, [this, name](auto reply) {
    if (!reply) return;
    ErrorCode code = reply->message.responses.at(0).error_code;
    check("DeleteTopics", name, code);
    if (code == ErrorCode::kNone) topics_.deleted(name);
  });
}

}  // namespace longhaul::sim
