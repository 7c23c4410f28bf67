#pragma once

#include <map>
#include <utility>
#include <vector>

#include "broker/partition/partition.h"
#include "tests/support/queue_executor.h"

namespace longhaul::broker::partition {

/// A broker among others that are all registered, under ten times their ID, unless `fenced`. Keeps
/// what is proposed to the controller.
class TestSurroundings final : public Eligibility, public IsrProposals {
 public:
  TestSurroundings(int32_t broker_id, const base::Clock& clock)
      : shared{broker_id, clock, *this, *this, std::chrono::seconds(30), workers} {}

  std::optional<int64_t> epoch_of(int32_t id) const override {
    return fenced == id ? std::nullopt : std::optional<int64_t>(10 * id);
  }
  void propose(const log::TopicPartition&, const base::Uuid&, IsrProposal proposal) override {
    std::vector<int32_t> ids;
    for (const IsrMember& member : proposal.isr) ids.push_back(member.broker_id);
    proposed.push_back(std::move(ids));
  }

  test::QueueExecutor workers;
  Surroundings shared;
  int32_t fenced = -1;
  std::vector<std::vector<int32_t>> proposed;
};

}  // namespace longhaul::broker::partition
