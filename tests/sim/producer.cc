#include "tests/sim/producer.h"

#include <array>

#include "protocol/messages/init_producer_id.h"
#include "records/builder.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr size_t kMostInFlight =
    5;  // max.in.flight.requests.per.connection of idempotent producers
constexpr int16_t kOldestProduce = 7;      // zstd
constexpr int16_t kProduceByTopicId = 13;  // names of topics come again
constexpr Time kProduceRetry = std::chrono::milliseconds(100);

base::Bytes random_bytes(base::Random& random, size_t size) {
  base::Bytes bytes(size);
  for (size_t i = 0; i < size; i += 2) bytes[i] = static_cast<uint8_t>(random.next());
  return bytes;
}

}  // namespace

Producer::Producer(Region& region, std::string name, const ConnectionOptions& connection,
                   uint32_t number, const ProducerOptions& options, Topics& topics,
                   History& history)
    : Actor(region, std::move(name), connection),
      number_(number),
      options_(options),
      topics_(topics),
      history_(history) {}

void Producer::work() {
  if (options_.idempotent) take_up();
  turn();
}

void Producer::take_up() {
  bool lost = doubtful_;
  for (auto& [partition, stream] : streams_) {
    lost |= stream.newest_acknowledged != 0 && history_.is_lost(stream.newest_acknowledged);
  }
  if (lost) return begin_anew();
  if (producer_id_ < 0) return get_producer_id();
  for (auto& [partition, stream] : streams_) resend(stream);
}

/// With another producer ID.
void Producer::begin_anew() {
  doubtful_ = false;
  for (auto& [partition, stream] : streams_) {
    for (const BatchPtr& batch : stream.unacknowledged) history_.given_up(batch->id);
  }
  streams_.clear();
  producer_id_ = -1;
  get_producer_id();
}

void Producer::get_producer_id() {
  protocol::InitProducerIdRequest request;
  request.transactional_id.reset();
  request.transaction_timeout_ms = 60'000;
  ask<protocol::InitProducerIdResponse>(anybody(), std::move(request), [this](auto reply) {
    if (!reply) return later(kProduceRetry, [this] { get_producer_id(); });
    if (reply->message.error_code != ErrorCode::kNone) {
      if (is_wrong(reply->message.error_code)) {
        world_.findings.add("{}: no producer ID: {}", name(),
                            protocol::name(reply->message.error_code));
      }
      return later(kProduceRetry, [this] { get_producer_id(); });
    }
    producer_id_ = reply->message.producer_id;
    history_.producer_id_given(producer_id_);
  });
}

size_t Producer::in_flight() const {
  size_t sum = 0;
  for (const auto& [partition, stream] : streams_) sum += stream.in_flight;
  return sum;
}

void Producer::resend(Stream& stream) {
  if (doubtful_) return;
  stream.failed = false;
  for (const BatchPtr& batch : stream.unacknowledged) {
    ++stream.in_flight;
    send({batch});
  }
}

void Producer::turn() {
  later(options_.pause, [this] { turn(); });
  bool waits = options_.idempotent && (doubtful_ || producer_id_ < 0);
  if (is_finishing() || waits) return;
  std::vector<PartitionId> all = topics_.partitions();
  size_t count = 1 + world_.random().below(options_.idempotent ? 1 : 3);
  std::vector<BatchPtr> batches;
  for (size_t i = 0; i < count && !all.empty(); ++i) {
    auto chosen = all.begin() + static_cast<ptrdiff_t>(world_.random().below(all.size()));
    PartitionId partition = *chosen;
    all.erase(chosen);
    if (options_.idempotent && !may_begin(partition)) continue;
    batches.push_back(make_batch(partition));
  }
  if (!batches.empty()) send(batches);
}

/// A broker takes any sequence for the first of a producer that it does not know. So there is
/// nothing behind the first until that is acknowledged.
bool Producer::may_begin(const PartitionId& partition) {
  Stream& stream = streams_[partition];
  if (stream.newest_acknowledged == 0) return stream.unacknowledged.empty();
  return !stream.failed && stream.in_flight < kMostInFlight;
}

/// Another than before only when nothing is under way to that: batches keep their order.
int32_t Producer::node_for(const PartitionId& partition) {
  auto stream = streams_.find(partition);
  if (stream == streams_.end()) return leader_of(partition);
  bool alone = stream->second.in_flight <= 1;  // the one that is about to be sent
  if (alone || stream->second.node < 0) stream->second.node = leader_of(partition);
  return stream->second.node;
}

/// So that no two batches are alike.
base::Bytes Producer::unique_value(base::Random& random) {
  base::Bytes value = random_bytes(random, 8 + random.below(options_.largest_value + 1));
  base::store_big_endian(value.data(), (uint64_t{number_} << 32) + ++values_);
  return value;
}

Producer::BatchPtr Producer::make_batch(const PartitionId& partition) {
  base::Random& random = world_.random();
  records::BatchOptions options;
  options.codec = options_.codec;
  Stream* stream = options_.idempotent ? &streams_[partition] : nullptr;
  if (stream) {
    options.producer_id = producer_id_;
    options.producer_epoch = 0;
    options.base_sequence = stream->next_sequence;
  }
  records::BatchBuilder builder(options);
  std::vector<int64_t> timestamps;
  size_t count = 1 + random.below(options_.most_records);
  for (size_t i = 0; i < count; ++i) {
    // Producers' clocks differ, and records wait in them.
    timestamps.push_back(region_.host(1).clock().wall_ms() -
                         static_cast<int64_t>(random.below(3000)));
    base::Bytes key = random_bytes(random, 8);
    base::Bytes value = unique_value(random);
    std::array<records::RecordHeader, 1> headers{{{"client", base::as_bytes(name())}}};
    std::span<const records::RecordHeader> some(headers.data(), random.below(2));
    std::optional<base::ByteView> maybe_key;
    if (random.below(4) > 0) maybe_key = key;
    std::optional<base::ByteView> maybe_value;
    if (random.below(20) > 0 || i == 0) maybe_value = value;
    builder.append(timestamps.back(), maybe_key, maybe_value, some);
  }
  auto batch = std::make_shared<Batch>();
  batch->partition = partition;
  batch->bytes = builder.build(codecs_);
  batch->id = history_.sent(partition, number_, batch->bytes, std::move(timestamps));
  if (stream) {
    stream->next_sequence += static_cast<int32_t>(count);
    stream->unacknowledged.push_back(batch);
    ++stream->in_flight;
  }
  return batch;
}

void Producer::send(const std::vector<BatchPtr>& batches) {
  std::map<int32_t, std::vector<BatchPtr>> by_leader;
  for (const BatchPtr& batch : batches) {
    by_leader[node_for(batch->partition)].push_back(batch);
    auto stream = streams_.find(batch->partition);
    batch->leads = stream != streams_.end() && stream->second.unacknowledged.front() == batch;
    batch->alone_at.reset();
    bool is_last = batch->leads && stream->second.unacknowledged.size() == 1 &&
                   stream->second.newest_acknowledged < batch->id;
    if (is_last && !region_.is_alone()) {
      auto leader = region_.newest_leader(batch->partition.topic, batch->partition.index);
      bool knows = leader && leader->is_known_to_itself && leader->node == stream->second.node;
      if (knows) batch->alone_at = leader;
    }
  }
  for (auto& [leader, its] : by_leader) send_to(leader, std::move(its));
}

void Producer::send_to(int32_t node, std::vector<BatchPtr> batches) {
  protocol::ProduceRequest request;
  request.acks = options_.acks;
  request.timeout_ms = region_.is_alone() ? 10'000 : 1'500;
  int16_t oldest = kOldestProduce;
  for (const BatchPtr& batch : batches) {
    world_.trace.line(name(), "sends n{} {}", node, history_.describe(batch->id));
    const Topic* topic = topics_.find(batch->partition.topic);
    if (!topic || topic->may_change) oldest = kProduceByTopicId;
    auto& data = request.topic_data.emplace_back();
    data.name = topic ? topic->name : "gone";
    data.topic_id = batch->partition.topic;
    data.partition_data.push_back(
        {.index = batch->partition.index, .records = protocol::Records{.bytes = batch->bytes}});
  }
  auto done = [this, batches = std::move(batches)](auto reply) {
    for (const BatchPtr& batch : batches) settle(batch, reply ? &reply->message : nullptr);
  };
  ask<protocol::ProduceResponse>(node, std::move(request), oldest, std::move(done));
}

/// Null: there is no answer.
void Producer::settle(const BatchPtr& batch, const protocol::ProduceResponse* response) {
  ErrorCode code = ErrorCode::kNetworkException;
  int64_t offset = -1;
  const Topic* topic = topics_.find(batch->partition.topic);
  for (size_t i = 0; response && i < response->responses.size(); ++i) {
    const auto& of_topic = response->responses[i];
    bool same = of_topic.topic_id.is_zero() ? topic && of_topic.name == topic->name
                                            : of_topic.topic_id == batch->partition.topic;
    const auto& answer = of_topic.partition_responses.at(0);
    if (!same || answer.index != batch->partition.index) continue;
    code = answer.error_code;
    offset = answer.base_offset;
  }
  world_.trace.line(name(), "hears {} at {} of {}", protocol::name(code), offset,
                    history_.describe(batch->id));
  if (response) check_code(batch, code);
  if (code != ErrorCode::kNone) find_leaders();
  if (options_.idempotent) {
    settle_in_stream(batch, code, offset);
    if (doubtful_) return in_flight() == 0 ? begin_anew() : void();
    Stream& stream = streams_[batch->partition];
    if (stream.failed && stream.in_flight == 0) recover(batch->partition, code);
    return;
  }
  if (code == ErrorCode::kNone) return acknowledged(batch, offset);
  history_.given_up(batch->id);
}

void Producer::acknowledged(const BatchPtr& batch, int64_t offset) {
  if (options_.acks == 1 && region_.replication_factor() > 1) {
    history_.given_up(batch->id);
  } else {
    history_.acknowledged(batch->id, offset);
  }
}

bool Producer::is_done() const {
  return std::all_of(streams_.begin(), streams_.end(), [this](const auto& each) {
    const Topic* topic = topics_.find(each.first.topic);
    bool may_be_gone = !topic || topic->state != Topic::State::kThere;
    return may_be_gone || each.second.unacknowledged.empty();
  });
}

void Producer::settle_in_stream(const BatchPtr& batch, ErrorCode code, int64_t offset) {
  Stream& stream = streams_[batch->partition];
  --stream.in_flight;
  if (code == ErrorCode::kNone) {
    history_.acknowledged(batch->id, offset);
    std::erase(stream.unacknowledged, batch);
    stream.newest_acknowledged = std::max(stream.newest_acknowledged, batch->id);
  } else {
    doubtful_ |= code == ErrorCode::kOutOfOrderSequenceNumber && batch->leads;
    stream.failed = true;
  }
}

/// Once nothing is in flight to a partition that refused something.
void Producer::recover(const PartitionId& partition, ErrorCode code) {
  Stream& stream = streams_[partition];
  const Topic* topic = topics_.find(partition.topic);
  if (!topic) {
    for (const BatchPtr& batch : stream.unacknowledged) history_.given_up(batch->id);
    streams_.erase(partition);
    return;
  }
  if (topic->state == Topic::State::kDeleting) {
    // It may stay after all: its sequences go on then.
    return later(kProduceRetry, [this, partition, code] {
      if (streams_.contains(partition)) recover(partition, code);
    });
  }
  world_.trace.line(name(), "tries again after {}", protocol::name(code));
  later(kProduceRetry, [this, partition] {
    if (streams_.contains(partition)) resend(streams_[partition]);
  });
}

void Producer::check_code(const BatchPtr& batch, ErrorCode code) {
  const PartitionId& partition = batch->partition;
  if (code == ErrorCode::kNone) return;
  // Whatever was in flight behind a batch that was refused, or went to another leader, finds a gap:
  // it is sent again after it.
  if (code == ErrorCode::kOutOfOrderSequenceNumber && batch->alone_at &&
      batch->alone_at == region_.newest_leader(partition.topic, partition.index) &&
      streams_[partition].unacknowledged.back() == batch) {
    world_.findings.add("{}: {} is next after all that was acknowledged, and out of order", name(),
                        history_.describe(batch->id));
  }
  bool behind = options_.idempotent && (!batch->leads || !region_.is_alone());
  if (behind && code == ErrorCode::kOutOfOrderSequenceNumber) return;
  const Topic* topic = topics_.find(partition.topic);
  bool there = topic && topic->state == Topic::State::kThere;
  if (!there || !is_wrong(code)) return;
  world_.findings.add("{}: produce to {}-{} is refused: {}", name(), topic->name, partition.index,
                      protocol::name(code));
}

}  // namespace longhaul::sim
