// Producer IDs for idempotent producers, handed out from blocks of the controller's (KIP-98).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "broker/metadata/controller_client.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::handlers {

/// Thread-safe.
class ProducerIds {
 public:
  struct Params {
    int32_t broker_id;
    std::function<int64_t()> broker_epoch;  // of our registration, -1 if there is none now
    metadata::ControllerClient& controller;
    base::Executor& executor;  // blocks come back on it
    const base::Clock& clock;
  };
  explicit ProducerIds(Params params) : shared_(std::make_shared<Shared>(std::move(params))) {}

  /// The next ID. `done` is called at once, or from any thread when a new block has come.
  using Done = base::Callback<void(protocol::KafkaResult<int64_t>)>;
  void next(Done done);

 private:
  struct Shared {
    explicit Shared(Params given) : params(std::move(given)) {}
    const Params params;
    std::mutex mutex;
    int64_t next = 0;
    int64_t end = 0;  // of the block: `next` up to here may be given out
    std::vector<Done> waiting;
  };
  static void take_block(Shared& shared, const protocol::AllocateProducerIdsResponse& response);

  std::shared_ptr<Shared> shared_;  // an answer may come after we are gone
};

}  // namespace longhaul::broker::handlers
