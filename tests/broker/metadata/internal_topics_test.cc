#include "broker/metadata/internal_topics.h"
#include "broker/metadata/topic_name.h"

#include <set>

#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using Ids = std::vector<int32_t>;

class InternalTopics : public ControllerFixture {
 protected:
  void make_offsets_topic() {
    auto request = topic(kOffsetsTopic, kPartitions);
    ASSERT_EQ(run(&create_topics, request).topics.at(0).error_code, protocol::ErrorCode::kNone);
  }
  size_t raise() {
    MetadataRecords records = raise_internal_replicas(input());
    apply(records);
    return records.size();
  }
  const Partition& offsets(int32_t index) { return *image_->partition(kOffsetsTopic, index); }

  static constexpr int32_t kPartitions = 6;
};

TEST_F(InternalTopics, GetReplicasAsBrokersJoinAndNoMoreThanIsConfigured) {
  EXPECT_EQ(raise(), 0u) << "there is no such topic yet";
  add_broker(1);
  make_offsets_topic();
  EXPECT_EQ(raise(), 0u);
  add_broker(2);
  EXPECT_EQ(raise(), kPartitions);
  EXPECT_EQ(offsets(0).replicas, (Ids{1, 2}));
  EXPECT_EQ(offsets(0).adding, (Ids{2}));
  EXPECT_EQ(raise(), 0u) << "under way";
  add_broker(3, false);
  EXPECT_EQ(raise(), 0u) << "it is fenced";
  add_broker(4);
  EXPECT_EQ(raise(), kPartitions) << "on top of what is under way";
  EXPECT_EQ(offsets(0).replicas, (Ids{1, 2, 4}));
  add_broker(5);
  EXPECT_EQ(raise(), 0u) << "three are enough";
}

TEST_F(InternalTopics, AreSpread) {
  add_broker(1);
  make_offsets_topic();
  settings_.offsets_replication_factor = 2;
  for (int32_t id : {2, 3, 4}) add_broker(id);
  EXPECT_EQ(raise(), kPartitions);
  std::map<int32_t, int> counts;
  for (int32_t i = 0; i < kPartitions; ++i) ++counts[offsets(i).replicas.at(1)];
  EXPECT_EQ(counts.size(), 3u) << "on all who had none";
}

TEST_F(InternalTopics, AreLeftToWhomeverMovesThem) {
  for (int32_t id : {1, 2}) add_broker(id);
  settings_.offsets_replication_factor = 1;
  make_offsets_topic();
  protocol::AlterPartitionReassignmentsRequest request;
  int32_t other = 3 - offsets(0).leader;
  request.topics.push_back({kOffsetsTopic, {{0, Ids{other}}}});
  run(&alter_partition_reassignments, request);
  ASSERT_FALSE(offsets(0).removing.empty());
  settings_.offsets_replication_factor = 3;
  EXPECT_EQ(raise(), kPartitions - 1);
}

}  // namespace
}  // namespace longhaul::broker::metadata
