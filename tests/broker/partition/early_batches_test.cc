#include "broker/partition/early_batches.h"

#include <gtest/gtest.h>

#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::partition {
namespace {

class EarlyBatchesTest : public testing::Test {
 protected:
  static records::BatchHeader batch(int64_t producer) {
    records::BatchHeader header;
    header.producer_id = producer;
    return header;
  }
  std::vector<int64_t> take(const std::string& topic, const base::Uuid& id, int32_t partition) {
    std::vector<int64_t> producers;
    for (const auto& each : early_.take(topic, id, partition))
      producers.push_back(each.producer_id);
    return producers;
  }

  log::HandClock clock_;
  EarlyBatches early_{clock_};
  const base::Uuid id_ = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
};

TEST_F(EarlyBatchesTest, AreGivenOnceToThePartitionTheyAreFor) {
  early_.note("t", {}, 0, batch(1));
  early_.note("", id_, 0, batch(2));
  early_.note("t", {}, 1, batch(3));
  early_.note("u", {}, 0, batch(4));
  early_.note("t", {}, 0, batch(records::kNoProducerId));
  EXPECT_EQ(take("t", id_, 0), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(take("t", id_, 0), std::vector<int64_t>{});
  EXPECT_EQ(take("t", id_, 1), std::vector<int64_t>{3});
}

TEST_F(EarlyBatchesTest, AreKeptForAWhileAndNotWithoutBound) {
  early_.note("t", {}, 0, batch(1));
  clock_.now_ms += 60'000;
  early_.note("t", {}, 0, batch(2));
  clock_.now_ms += 1;
  EXPECT_EQ(take("t", id_, 0), std::vector<int64_t>{2});
  for (size_t i = 0; i <= EarlyBatches::kMost; ++i)
    early_.note("t", {}, 0, batch(static_cast<int64_t>(i)));
  auto kept = take("t", id_, 0);
  EXPECT_EQ(kept.size(), EarlyBatches::kMost);
  EXPECT_EQ(kept.back(), static_cast<int64_t>(EarlyBatches::kMost)) << "the newest";
}

}  // namespace
}  // namespace longhaul::broker::partition
