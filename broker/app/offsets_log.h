// `__consumer_offsets` on this broker's partitions.
#pragma once

#include "base/clock.h"
#include "base/executor.h"
#include "broker/groups/offsets_topic.h"
#include "broker/partition/replica_manager.h"

namespace longhaul::broker::app {

class OffsetsLog final : public groups::OffsetsTopic {
 public:
  struct Params {
    partition::ReplicaManager& replicas;
    base::EventLoop& loop;    // the coordinator's
    base::Executor& workers;  // reads run here
    const base::Clock& clock;
    records::Codec codec;  // offsets.topic.compression.codec
  };
  explicit OffsetsLog(Params params) : params_(params) {}

  void append(int32_t partition, std::vector<groups::KeyValue> records,
              base::Callback<void(protocol::ErrorCode)> done) override;
  void read(int32_t partition, int64_t offset,
            base::Callback<void(protocol::KafkaResult<groups::LogChunk>)> done) override;

 private:
  Params params_;
  records::Codecs codecs_;  // of the coordinator's loop
};

}  // namespace longhaul::broker::app
