#include "tests/sim/setup.h"

#include <initializer_list>

namespace longhaul::sim {

using std::chrono::milliseconds;

namespace {

int64_t one_of(base::Random& random, std::initializer_list<int64_t> choices) {
  return choices.begin()[random.below(choices.size())];
}

int32_t few(base::Random& random, uint64_t most) {
  return 1 + static_cast<int32_t>(random.below(most));
}

}  // namespace

Speed choose_speed(base::Random& random) {
  return {.loop = Time(one_of(random, {0, 20, 200})),
          .worker = Time(one_of(random, {50, 500, 5000}))};
}

ConnectionOptions choose_connection(base::Random& random) {
  return {.latency = Time(one_of(random, {50, 300, 3000}))};
}

std::string choose_properties(base::Random& random) {
  std::string text =
      "process.roles=broker,controller\n"
      "node.id=1\n"
      "listeners=PLAINTEXT://n1:9092,CONTROLLER://n1:9093\n"
      "controller.listener.names=CONTROLLER\n"
      "controller.quorum.bootstrap.servers=n1:9093\n"
      "longhaul.format=found\n"
      "longhaul.cluster.id=4L6g3nShT-eMCtK--X86sw\n"
      "offsets.topic.replication.factor=1\n"
      "group.initial.rebalance.delay.ms=0\n";
  auto set = [&](const char* option, std::initializer_list<int64_t> choices) {
    text += fmt::format("{}={}\n", option, one_of(random, choices));
  };
  text += random.below(3) == 0 ? "log.dirs=/a,/b\n" : "log.dirs=/a\n";
  set("offsets.topic.num.partitions", {1, 3});
  set("offsets.topic.segment.bytes", {500, 5000, 104'857'600});
  set("log.cleaner.backoff.ms", {100, 1000, 15'000});
  set("log.retention.check.interval.ms", {300, 2000});
  set("log.flush.offset.checkpoint.interval.ms", {500, 5000, 60'000});
  set("replica.high.watermark.checkpoint.interval.ms", {500, 5000});
  set("log.flush.scheduler.interval.ms", {200, 2000, 5000});
  set("metadata.log.max.record.bytes.between.snapshots", {1000, 10'000, 20'971'520});
  set("metadata.log.max.snapshot.interval.ms", {0, 1500, 3'600'000});
  set("metadata.log.segment.ms", {1000, 604'800'000});
  set("metadata.max.retention.bytes", {1000, 104'857'600});
  return text;
}

std::vector<NewTopic> choose_topics(base::Random& random) {
  std::vector<NewTopic> topics;
  auto add = [&](const char* name, Promise promise) -> auto& {
    NewTopic& topic = topics.emplace_back();
    topic.name = name;
    topic.partitions = few(random, 3);
    topic.promise = promise;
    auto set = [&](const char* option, std::initializer_list<int64_t> choices) {
      topic.options[option] = std::to_string(one_of(random, choices));
    };
    set("segment.ms", {500, 3000, 604'800'000});
    set("index.interval.bytes", {0, 300, 4096});
    set("segment.index.bytes", {200, 10'485'760});
    set("file.delete.delay.ms", {0, 1000, 60'000});
    return topic.options;
  };
  add("plain", {});
  auto& flushed = add("flushed", {.flushes = true, .retention_ms = {}});
  flushed["flush.messages"] = "1";
  auto& brief = add("brief", {.flushes = false, .retention_ms = 4000});
  brief["retention.ms"] = "4000";
  brief["segment.ms"] = "1000";
  if (random.below(2) == 0) topics.front().options["flush.ms"] = "700";
  return topics;
}

ProducerOptions choose_producer(base::Random& random) {
  return {.idempotent = random.below(2) == 0,
          .acks = static_cast<int16_t>(one_of(random, {-1, 1})),
          .codec = static_cast<records::Codec>(random.below(5)),
          .pause = milliseconds(one_of(random, {3, 20, 60})),
          .most_records = static_cast<uint32_t>(one_of(random, {1, 5, 20})),
          .largest_value = static_cast<uint32_t>(one_of(random, {10, 300, 3000}))};
}

}  // namespace longhaul::sim
