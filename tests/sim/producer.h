// A producer of the simulation, plain or idempotent.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
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
/// with the same sequence number, until it is acknowledged or its topic is gone, or a broker that
/// was started anew remembers less of it than we do (a snapshot of producers has but their last
/// batch). What is acknowledged with acks=1 is promised only where there is one replica.
class Producer final : public Actor {
 public:
  Producer(Region& region, std::string name, const ConnectionOptions& connection, uint32_t number,
           const ProducerOptions& options, Topics& topics, History& history);

  /// An idempotent one has all it sent acknowledged, but of topics that may be gone.
  bool is_done() const override;

 private:
  struct Batch {
    History::BatchId id = 0;
    PartitionId partition;
    base::Bytes bytes;
    bool leads = false;  // as it was sent, all before it were acknowledged
    // And nothing has ever been sent behind it, and its leader knew that it leads.
    std::optional<Region::Leadership> alone_at;
  };
  using BatchPtr = std::shared_ptr<Batch>;
  /// What an idempotent producer has under way to one partition.
  struct Stream {
    int32_t next_sequence = 0;
    std::deque<BatchPtr> unacknowledged;
    size_t in_flight = 0;
    int32_t node = -1;  // where they are
    bool failed = false;
    History::BatchId newest_acknowledged = 0;
  };

  void work() override;
  void take_up();
  void get_producer_id();
  void begin_anew();
  size_t in_flight() const;
  void resend(Stream& stream);
  void turn();
  base::Bytes unique_value(base::Random& random);
  BatchPtr make_batch(const PartitionId& partition);
  void send(const std::vector<BatchPtr>& batches);
  int32_t node_for(const PartitionId& partition);
  bool may_begin(const PartitionId& partition);
  void send_to(int32_t node, std::vector<BatchPtr> batches);
  void settle(const BatchPtr& batch, const protocol::ProduceResponse* response);
  void settle_in_stream(const BatchPtr& batch, protocol::ErrorCode code, int64_t offset);
  void acknowledged(const BatchPtr& batch, int64_t offset);
  void recover(const PartitionId& partition, protocol::ErrorCode code);
  void check_code(const BatchPtr& batch, protocol::ErrorCode code);

  const uint32_t number_;
  const ProducerOptions options_;
  Topics& topics_;
  History& history_;
  records::Codecs codecs_;
  uint64_t values_ = 0;
  int64_t producer_id_ = -1;
  bool doubtful_ =
      false;  // it has come to its end: what the broker knows of it is not what we know
  std::map<PartitionId, Stream> streams_;
};

}  // namespace longhaul::sim
