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
          .worker = Time(one_of(random, {50, 500, 5000})),
          .network = Time(one_of(random, {50, 300, 2000}))};
}

ConnectionOptions choose_connection(base::Random& random, const RegionShape& shape) {
  ConnectionOptions options{.latency = Time(one_of(random, {50, 300, 3000}))};
  options.must_answer = shape.nodes == 1;
  if (shape.nodes > 1) options.patience = milliseconds(one_of(random, {2500, 6000}));
  return options;
}

RegionShape choose_shape(uint64_t seed) {
  static constexpr RegionShape kShapes[] = {{3, 3}, {1, 1}, {3, 3}, {5, 3}, {4, 3}};
  return kShapes[seed % std::size(kShapes)];
}

std::string choose_properties(base::Random& random, int32_t nodes) {
  std::string text =
      "group.initial.rebalance.delay.ms=0\n"
      "log.message.timestamp.after.max.ms=9223372036854775807\n";  // clocks jump
  auto set = [&](const char* option, std::initializer_list<int64_t> choices) {
    text += fmt::format("{}={}\n", option, one_of(random, choices));
  };
  text += random.below(3) == 0 ? "log.dirs=/a,/b\n" : "log.dirs=/a\n";
  set("offsets.topic.num.partitions", {1, 3});
  set("log.roll.ms", {500, 5000, 604'800'000});  // of __consumer_offsets
  set("log.cleaner.backoff.ms", {100, 1000, 15'000});
  set("log.retention.check.interval.ms", {300, 2000});
  set("log.flush.offset.checkpoint.interval.ms", {500, 5000, 60'000});
  set("replica.high.watermark.checkpoint.interval.ms", {500, 5000});
  set("log.flush.scheduler.interval.ms", {200, 2000, 5000});
  set("metadata.log.max.record.bytes.between.snapshots", {1000, 10'000, 20'971'520});
  set("metadata.log.max.snapshot.interval.ms", {0, 1500, 3'600'000});
  set("metadata.log.segment.ms", {1000, 604'800'000});
  set("metadata.max.retention.bytes", {1000, 104'857'600});
  if (nodes == 1) return text;
  // Shorter than by default, so that much happens in a minute.
  text += "min.insync.replicas=2\nbroker.heartbeat.interval.ms=300\n";
  set("num.replica.fetchers", {1, 2});
  set("replica.fetch.wait.max.ms", {100, 500});
  set("replica.fetch.backoff.ms", {100, 1000});
  set("replica.lag.time.max.ms", {1000, 3000});
  set("replica.socket.timeout.ms", {2000, 5000});
  set("broker.session.timeout.ms", {1500, 3000});
  set("controller.quorum.election.timeout.ms", {300, 1000});
  set("controller.quorum.fetch.timeout.ms", {500, 2000});
  set("controller.quorum.request.timeout.ms", {500, 2000});
  set("leader.imbalance.check.interval.seconds", {3, 300});
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
  add("pruned", {.flushes = false, .retention_ms = {}, .is_pruned = true});
  auto& flushed = add("flushed", {.flushes = true, .retention_ms = {}, .is_pruned = false});
  flushed["flush.messages"] = "1";
  auto& brief = add("brief", {.flushes = false, .retention_ms = 4000, .is_pruned = false});
  brief["retention.ms"] = "4000";
  brief["segment.ms"] = "1000";
  if (random.below(2) == 0) topics.front().options["flush.ms"] = "700";
  return topics;
}

ProducerOptions choose_producer(base::Random& random, const RegionShape& shape, bool is_first) {
  bool idempotent = random.below(2) == 0;
  bool all =
      (idempotent || is_first) && shape.nodes > 1;  // as Kafka's own: else its own batches may go
  return {.idempotent = idempotent,
          .acks = static_cast<int16_t>(all ? -1 : one_of(random, {-1, 1})),
          .codec = static_cast<records::Codec>(random.below(5)),
          .pause = milliseconds(one_of(random, {3, 20, 60})),
          .most_records = static_cast<uint32_t>(one_of(random, {1, 5, 20})),
          .largest_value = static_cast<uint32_t>(one_of(random, {10, 300, 3000}))};
}

}  // namespace longhaul::sim
