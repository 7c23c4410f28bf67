// A producer of the simulation, plain or idempotent.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "protocol/error_code.h"
#include "protocol/messages/produce.h"
#include "records/compression.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

struct ProducerOptions {
  bool idempotent = false;
  int16_t acks = -1;
  records::Codec codec = records::Codec::kNone;
  Time pause = std::chrono::milliseconds(20);  // between two requests, typically
  uint32_t most_records = 8;                   // in a batch
  uint32_t largest_value = 1000;               // bytes
};

/// A plain one sends each batch once, whatever comes of it. An idempotent one sends a batch again,
/// with the same sequence number, until it is acknowledged or its topic is gone.
class Producer final : public Actor {
 public:
  Producer(World& world, Host& host, std::string name, const ConnectionOptions& connection,
           uint32_t number, const ProducerOptions& options, Topics& topics, History& history);

 private:
  struct Batch {
    History::BatchId id = 0;
    PartitionId partition;
    base::Bytes bytes;
  };
  using BatchPtr = std::shared_ptr<Batch>;
  /// What an idempotent producer has under way to one partition.
  struct Stream {
    int32_t next_sequence = 0;
    std::deque<BatchPtr> unacknowledged;
    size_t in_flight = 0;
    bool failed = false;
    History::BatchId newest_acknowledged = 0;
  };

  void work() override;
  void get_producer_id();
  void begin_anew();
  void resend(Stream& stream);
  void turn();
  base::Bytes unique_value(base::Random& random);
  BatchPtr make_batch(const PartitionId& partition);
  void send(std::vector<BatchPtr> batches);
  void settle(const BatchPtr& batch, const protocol::ProduceResponse* response);
  void settle_in_stream(const BatchPtr& batch, protocol::ErrorCode code, int64_t offset);
  void recover(const PartitionId& partition, protocol::ErrorCode code);
  void check_code(const PartitionId& partition, protocol::ErrorCode code);

  const uint32_t number_;
  const ProducerOptions options_;
  Topics& topics_;
  History& history_;
  records::Codecs codecs_;
  uint64_t values_ = 0;
  int64_t producer_id_ = -1;
  std::map<PartitionId, Stream> streams_;
};

}  // namespace longhaul::sim
