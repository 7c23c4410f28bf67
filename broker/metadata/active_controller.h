// Requests to the controller on their way from arrival to answer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/loader.h"
#include "broker/metadata/quorum_driver.h"
#include "broker/metadata/upkeep.h"

namespace longhaul::broker::metadata {

/// A request whose type was left behind.
struct ControllerOperation {
  base::Clock::Monotonic deadline{};
  /// Decides; keeps the response for `finish`. Called at most once.
  base::Callback<MetadataRecords(const ControllerInput&)> decide;
  /// Sends the response, or with an error a refusal. Called exactly once.
  base::Callback<void(std::optional<protocol::KafkaError>)> finish;
};

/// An appended batch of ours that is not committed yet, and the image it leads to.
struct InFlight {
  QuorumDriver::Appended where;
  ImageStep step;
};

/// Decides one request at a time against everything appended so far, and answers each once what it
/// saw is committed. Metadata loop only.
class ActiveController {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;
    QuorumDriver* driver = nullptr;
    ControllerSettings settings;
    const ConfigRules* configs = nullptr;
    base::Logger logger{base::null_sink(), "metadata"};
    UpkeepSettings upkeep;
    ControllerUpkeep::Reach reach;
  };

  explicit ActiveController(Params params);

  /// Takes the lead: `image` holds everything in the log. Waiting requests are decided.
  /// `first` is appended before them, if there is any.
  base::Result<void> activate(Shared<MetadataImage> image, const MetadataRecords& first);
  /// The lead is lost: whatever was not committed is refused with NOT_CONTROLLER.
  void deactivate();
  bool is_active() const { return head_ != nullptr; }

  void submit(ControllerOperation operation);
  // See ControllerUpkeep.
  void heard(int32_t broker, int64_t epoch, int64_t offset) {
    upkeep_->heard(broker, epoch, offset);
  }
  void heartbeat_connection_closed(int32_t broker, int64_t epoch);
  /// The oldest batch that is not committed, or null.
  const InFlight* oldest() const { return in_flight_.empty() ? nullptr : &in_flight_.front(); }
  InFlight take_oldest();
  /// Everything below `offset` is committed and published: answers go out.
  void committed(int64_t offset);
  /// Refuses everything, now and from now on.
  void stop();

 private:
  struct Waiting {
    ControllerOperation operation;
    base::TimerId timer = 0;
  };
  using Id = uint64_t;

  ControllerInput input() const;
  void decide(Id id);
  base::Result<void> append(const MetadataRecords& records);
  /// With all that follows from it and one batch could not hold. How many records `decide` gave.
  base::Result<size_t> carry_out(const ControllerUpkeep::Decide& decide);
  /// What brokers' states ask of partitions and one batch could not hold, or a controller before us
  /// did not get to.
  base::Result<void> append_left_over();
  void finish(Id id, std::optional<protocol::KafkaError> error);
  void refuse_all(const protocol::KafkaError& error);

  Params params_;
  std::shared_ptr<ControllerUpkeep> upkeep_;
  Shared<MetadataImage> head_;  // with all that was appended; null if not active
  std::deque<InFlight> in_flight_;
  std::map<Id, Waiting> operations_;
  std::deque<Id> undecided_;
  std::multimap<int64_t, Id> uncommitted_;  // by the offset that must be committed
  Id next_id_ = 1;
  bool stopped_ = false;
};

}  // namespace longhaul::broker::metadata
