#include "broker/metadata/loader.h"

#include <gtest/gtest.h>

namespace longhaul::broker::metadata {
namespace {

const base::Uuid kSomeTopic = base::Uuid::parse("pelkutXRStqoG5RQnQx1_A").value();

protocol::TopicRecord topic_record(const std::string& name, base::Uuid id = kSomeTopic) {
  protocol::TopicRecord record;
  record.name = name;
  record.topic_id = id;
  return record;
}

protocol::PartitionRecord partition_record(int32_t index, base::Uuid id = kSomeTopic) {
  protocol::PartitionRecord record;
  record.topic_id = id;
  record.partition_id = index;
  record.replicas = {1, 2, 3};
  record.isr = {1, 2, 3};
  record.leader = 1;
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  return record;
}

class Loader : public ::testing::Test {
 protected:
  base::Result<void> add(const MetadataRecords& records) {
    std::vector<LogEntry> entries;
    for (const MetadataRecord& record : records) entries.push_back({offset_++, record});
    return loader_.add(entries, 4, 99);
  }
  /// The next image; the old one if there was no step.
  void step() {
    auto next = loader_.step();
    ASSERT_TRUE(next) << next.error().message;
    stepped_ = next->has_value();
    if (!stepped_) return;
    EXPECT_EQ((*next)->before, image_);
    image_ = (*next)->after;
    changes_ = (*next)->changes;
  }

  Shared<MetadataImage> image_ = std::make_shared<const MetadataImage>();
  ImageLoader loader_{image_};
  MetadataChanges changes_;
  int64_t offset_ = 0;
  bool stepped_ = false;
};

TEST_F(Loader, TheVersionOfRaftsOwnRecords) {
  EXPECT_TRUE(image_->finalized_features().empty());
  ASSERT_TRUE(loader_.add({{offset_++, LeaderChange{1}}, {offset_++, KraftVersion{1}}}, 4, 99));
  step();
  EXPECT_EQ(image_->kraft_version, 1);
  EXPECT_TRUE(image_->features.empty());
  EXPECT_EQ(image_->finalized_features(), (std::map<std::string, int16_t>{{"kraft.version", 1}}));
  EXPECT_TRUE(changes_.features);
}

TEST_F(Loader, StepsShareWhatIsEqual) {
  base::Uuid other = kSomeTopic;
  other.bytes[0] ^= 1;
  ASSERT_TRUE(add({topic_record("t"), partition_record(0), partition_record(1),
                   topic_record("u", other), partition_record(0, other)}));
  step();
  Shared<MetadataImage> before = image_;
  EXPECT_EQ(before->provenance, (raft::OffsetAndEpoch{5, 4}));
  EXPECT_EQ(before->last_timestamp_ms, 99);
  EXPECT_EQ(before->partition_count, 3);
  EXPECT_TRUE(changes_.topics.at(kSomeTopic).created);

  protocol::PartitionChangeRecord change;
  change.topic_id = kSomeTopic;
  change.partition_id = 1;
  change.isr = {2, 3};
  change.leader = 2;
  ASSERT_TRUE(add({change}));
  step();
  EXPECT_FALSE(changes_.topics.at(kSomeTopic).created);
  EXPECT_EQ(changes_.topics.at(kSomeTopic).partitions, std::set<int32_t>{1});
  EXPECT_EQ(image_->topic(other), before->topic(other));
  EXPECT_EQ(image_->partition("t", 0), before->partition("t", 0));
  const Partition& now = *image_->partition("t", 1);
  EXPECT_EQ(now.leader, 2);
  EXPECT_EQ(now.leader_epoch, 1);
  EXPECT_EQ(now.partition_epoch, 1);
  EXPECT_EQ(now.isr, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(now.replicas, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(before->partition("t", 1)->leader, 1);
}

TEST_F(Loader, AChangeWithoutLeaderKeepsTheLeaderEpoch) {
  protocol::PartitionChangeRecord change;
  change.topic_id = kSomeTopic;
  change.partition_id = 0;
  change.isr = {1};
  ASSERT_TRUE(add({topic_record("t"), partition_record(0), change}));
  step();
  EXPECT_EQ(image_->partition("t", 0)->leader_epoch, 0);
  EXPECT_EQ(image_->partition("t", 0)->partition_epoch, 1);
}

TEST_F(Loader, TransactionsCountWholeOrNotAtAll) {
  ASSERT_TRUE(add({topic_record("t"), protocol::BeginTransactionRecord{}, partition_record(0)}));
  step();
  EXPECT_TRUE(stepped_);
  EXPECT_EQ(image_->provenance.offset, 1);
  EXPECT_TRUE(loader_.in_transaction());
  ASSERT_TRUE(add({partition_record(1)}));
  step();
  EXPECT_FALSE(stepped_);
  ASSERT_TRUE(add({protocol::EndTransactionRecord{}}));
  step();
  EXPECT_EQ(image_->provenance.offset, 5);
  EXPECT_EQ(image_->topic("t")->partitions.size(), 2u);
  ASSERT_TRUE(add({protocol::BeginTransactionRecord{}, partition_record(2),
                   protocol::AbortTransactionRecord{}}));
  step();
  EXPECT_EQ(image_->topic("t")->partitions.size(), 2u);
  EXPECT_EQ(image_->provenance.offset, 8);
}

TEST_F(Loader, RefusesContradictions) {
  auto fails = [&](const MetadataRecords& records) {
    ImageLoader loader(image_);
    std::vector<LogEntry> entries;
    for (const MetadataRecord& record : records) entries.push_back({7, record});
    auto added = loader.add(entries, 1, 1);
    if (added) return !loader.step();
    EXPECT_EQ(added.error().code, base::Errc::kCorrupt);
    return true;
  };
  protocol::RemoveTopicRecord remove;
  remove.topic_id = kSomeTopic;
  protocol::PartitionChangeRecord change;
  change.topic_id = kSomeTopic;
  protocol::UnregisterBrokerRecord unregister;
  protocol::PartitionRecord huge = partition_record(2'000'000'000);
  EXPECT_TRUE(fails({partition_record(0)}));
  EXPECT_TRUE(fails({remove}));
  EXPECT_TRUE(fails({change}));
  EXPECT_TRUE(fails({unregister}));
  EXPECT_TRUE(fails({topic_record("t"), topic_record("t")}));
  EXPECT_TRUE(fails({topic_record("t"), partition_record(1)}));
  EXPECT_TRUE(fails({topic_record("t"), partition_record(-1)}));
  EXPECT_TRUE(fails({topic_record("t"), huge}));
  EXPECT_TRUE(fails({protocol::BeginTransactionRecord{}, protocol::BeginTransactionRecord{}}));
}

}  // namespace
}  // namespace longhaul::broker::metadata
