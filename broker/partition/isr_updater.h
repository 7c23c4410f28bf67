// Takes changes of the in-sync replicas to the controller (AlterPartition, KIP-497).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "base/executor.h"
#include "base/log.h"
#include "broker/partition/partition.h"
#include "protocol/messages/alter_partition.h"

namespace longhaul::broker::partition {

/// One request is under way at a time; what is proposed meanwhile goes with the next one. What
/// fails for a while (no controller, a stale broker epoch) is sent again until it is decided.
class IsrUpdater final : public IsrProposals, public std::enable_shared_from_this<IsrUpdater> {
 public:
  using Answer = std::function<void(const protocol::AlterPartitionResponse&)>;

  struct Params {
    base::EventLoop* loop = nullptr;  ///< requests are made and answers handled here
    base::Logger logger{base::null_sink(), "replicas"};
    int32_t broker_id = -1;
    std::function<int64_t()> broker_epoch;
    /// Sends to the active controller; the answer comes on the loop, once. One with
    /// REQUEST_TIMED_OUT or NOT_CONTROLLER says that none was reached.
    std::function<void(protocol::AlterPartitionRequest, Answer)> send;
    std::function<std::shared_ptr<Partition>(const log::TopicPartition&)> find;
    std::chrono::milliseconds retry{50};
  };

  static std::shared_ptr<IsrUpdater> create(Params params);

  void propose(const log::TopicPartition& partition, const base::Uuid& topic_id,
               IsrProposal proposal) override;
  /// Sends nothing from now on. On the loop.
  void stop() { stopped_ = true; }

 private:
  struct Waiting {
    base::Uuid topic_id;
    IsrProposal proposal;
  };
  using Proposals = std::map<log::TopicPartition, Waiting>;

  explicit IsrUpdater(Params params) : params_(std::move(params)) {}
  void send();
  protocol::AlterPartitionRequest request(const Proposals& proposals) const;
  void answered(Proposals sent, const protocol::AlterPartitionResponse& response);
  /// False if the proposal is to be sent again.
  bool decided(const log::TopicPartition& id, const Waiting& sent,
               const protocol::AlterPartitionResponse::PartitionData& answer);
  void send_again(Proposals proposals);

  const Params params_;
  std::mutex mutex_;
  Proposals proposals_;
  bool scheduled_ = false;  // a send is posted, under way, or comes after a pause
  bool stopped_ = false;    // on the loop
};

}  // namespace longhaul::broker::partition
