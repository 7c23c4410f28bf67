#include "broker/partition/replica_manager.h"

#include <gtest/gtest.h>

#include "tests/broker/log/log_fixture.h"
#include "tests/broker/partition/surroundings.h"
#include "tests/support/lines.h"

namespace longhaul::broker::partition {
namespace {

constexpr int32_t kThisNode = 1000, kOtherNode = 1001;

class ReplicaManagerTest : public ::testing::Test {
 protected:
  ReplicaManagerTest() {
    EXPECT_TRUE(files_.create_directories("/d"));
    config_.node_id = kThisNode;
    open();
  }
  void open() {
    replicas_.reset();
    logs_.reset();
    log::LogManager::Params params{&files_, &clock_, &random_,
                                   base::Logger(base::null_sink(), "log")};
    params.directories = {"/d"};
    params.config_of = [](const std::string&) { return std::make_shared<log::LogConfig>(); };
    auto opened = log::LogManager::open(std::move(params));
    ASSERT_TRUE(opened) << opened.error().message;
    logs_ = std::move(*opened);
    logs_->load();
    replicas_.emplace(config_, *logs_, surroundings_.shared, base::Logger(lines_, "replicas"));
  }
  /// Applies records to the image, and the change to the replicas.
  Applied change(const metadata::MetadataRecords& records) {
    metadata::MetadataDelta delta(image_);
    for (const auto& record : records) EXPECT_TRUE(delta.apply(record, offset_++));
    image_ = *delta.finish({offset_, 1}, clock_.now_ms);
    return replicas_->apply(*image_, delta.changes());
  }
  static protocol::TopicRecord topic(const std::string& name, const base::Uuid& id) {
    protocol::TopicRecord record;
    record.name = name;
    record.topic_id = id;
    return record;
  }
  static protocol::PartitionRecord partition(const base::Uuid& id, int32_t index,
                                             std::vector<int32_t> replicas = {kThisNode}) {
    protocol::PartitionRecord record;
    record.topic_id = id;
    record.partition_id = index;
    record.leader = replicas.front();
    record.isr = replicas;
    record.replicas = std::move(replicas);
    return record;
  }
  base::Uuid create(const std::string& name, int32_t partitions = 1) {
    base::Uuid id = base::Uuid::random(random_);
    metadata::MetadataRecords records = {topic(name, id)};
    for (int32_t i = 0; i < partitions; ++i) records.emplace_back(partition(id, i));
    change(records);
    return id;
  }
  Applied remove(const base::Uuid& id) {
    protocol::RemoveTopicRecord record;
    record.topic_id = id;
    return change({record});
  }

  tests::Lines lines_;
  base::MemoryFileSystem files_;
  log::HandClock clock_;
  TestSurroundings surroundings_{kThisNode, clock_};
  base::SeededRandom random_{3};
  config::BrokerConfig config_;
  std::unique_ptr<log::LogManager> logs_;
  std::optional<ReplicaManager> replicas_;
  metadata::Shared<metadata::MetadataImage> image_ =
      std::make_shared<const metadata::MetadataImage>();
  int64_t offset_ = 1;
};

TEST_F(ReplicaManagerTest, HasWhatTheImageGivesItAndNothingElse) {
  base::Uuid id = base::Uuid::random(random_);
  Applied applied =
      change({topic("t", id), partition(id, 0), partition(id, 1, {kOtherNode, kThisNode}),
              partition(id, 2, {kOtherNode})});
  ASSERT_EQ(applied.became_leader.size(), 1u);
  EXPECT_EQ(applied.became_leader[0].partition, 0);
  EXPECT_TRUE(replicas_->find("t", 0)->is_leader());
  EXPECT_FALSE(replicas_->find("t", 1)->is_leader()) << "a follower";
  for (int32_t absent : {2, 3, -1, INT32_MAX, INT32_MIN})
    EXPECT_FALSE(replicas_->find("t", absent));
  EXPECT_FALSE(replicas_->find("u", 0));
  EXPECT_EQ(replicas_->all().size(), 2u);
}

TEST_F(ReplicaManagerTest, PartitionsAreAddedAndTopicsRemoved) {
  base::Uuid id = create("t");
  change({partition(id, 1)});
  auto held = replicas_->find("t", 1);
  ASSERT_TRUE(held);
  Applied applied = remove(id);
  EXPECT_EQ(applied.deleted_topics, std::vector<std::string>{"t"});
  EXPECT_EQ(applied.resigned.size(), 2u);
  EXPECT_FALSE(replicas_->find("t", 1));
  EXPECT_FALSE(logs_->get("t", 1));
  EXPECT_EQ(held->fetch({}).error().code, ErrorCode::kNotLeaderOrFollower)
      << "who still holds it gets nothing from it";
}

TEST_F(ReplicaManagerTest, AReplicaThatMovedAwayIsRemoved) {
  base::Uuid id = create("t", 2);
  protocol::PartitionChangeRecord moved;
  moved.topic_id = id;
  moved.partition_id = 1;
  moved.replicas = {kOtherNode};
  moved.isr = {kOtherNode};
  moved.leader = kOtherNode;
  Applied applied = change({moved});
  EXPECT_EQ(applied.resigned.size(), 1u);
  EXPECT_EQ(applied.not_following.size(), 1u);
  EXPECT_FALSE(replicas_->find("t", 1));
  EXPECT_FALSE(logs_->get("t", 1));
  EXPECT_TRUE(replicas_->find("t", 0));
  moved.replicas = {kOtherNode, kThisNode};
  EXPECT_EQ(change({moved}).following.size(), 1u) << "it comes back, empty";
  EXPECT_TRUE(logs_->get("t", 1));
}

TEST_F(ReplicaManagerTest, ATopicOfTheSameNameIsAnother) {
  base::Uuid first = create("t");
  base::Bytes batch = log::make_batch({});
  records::Codecs codecs;
  ASSERT_TRUE(replicas_->find("t", 0)->append(batch, {.now_ms = clock_.now_ms}, codecs));
  remove(first);
  base::Uuid second = create("t");
  EXPECT_EQ(replicas_->find("t", 0)->topic_id(), second);
  EXPECT_EQ(replicas_->find("t", 0)->log()->log_end_offset(), 0);
}

TEST_F(ReplicaManagerTest, AfterARestartLogsOfTopicsThatAreGoneAreRemoved) {
  base::Uuid stays = create("stays"), goes = create("goes"), comes_back = create("back");
  ASSERT_TRUE(logs_->shutdown(1));
  replicas_->stop();
  // Meanwhile, without us: one topic is deleted, another is deleted and created again.
  base::Uuid anew = base::Uuid::random(random_);
  metadata::MetadataDelta delta(image_);
  for (const base::Uuid& id : {goes, comes_back}) {
    protocol::RemoveTopicRecord record;
    record.topic_id = id;
    EXPECT_TRUE(delta.apply(record, offset_++));
  }
  EXPECT_TRUE(delta.apply(topic("back", anew), offset_++));
  EXPECT_TRUE(delta.apply(partition(anew, 0), offset_++));
  image_ = *delta.finish({offset_, 1}, 0);
  open();
  ASSERT_EQ(logs_->logs().size(), 3u);
  Applied applied = replicas_->start(*image_);
  EXPECT_EQ(applied.became_leader.size(), 2u);
  EXPECT_EQ(replicas_->find("stays", 0)->topic_id(), stays);
  EXPECT_EQ(replicas_->find("back", 0)->topic_id(), anew);
  EXPECT_FALSE(logs_->get("goes", 0));
}

TEST_F(ReplicaManagerTest, OptionsReachTheTopicTheyAreOf) {
  create("a");
  create("b");
  auto retention = [&](const char* name) {
    return replicas_->find(name, 0)->settings()->log.retention_ms;
  };
  int64_t by_default = retention("a");
  auto set = [&](metadata::ResourceType type, const char* name, const char* option,
                 const char* value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<int8_t>(type);
    record.resource_name = name;
    record.name = option;
    record.value = value;
    change({record});
  };
  set(metadata::ResourceType::kTopic, "a", "retention.ms", "77");
  EXPECT_EQ(retention("a"), 77);
  EXPECT_EQ(retention("b"), by_default);
  set(metadata::ResourceType::kBroker, "", "log.retention.ms", "88");
  EXPECT_EQ(retention("a"), 77) << "the topic's own comes first";
  EXPECT_EQ(retention("b"), 88);
  set(metadata::ResourceType::kBroker, "1001", "log.retention.ms", "99");
  EXPECT_EQ(retention("b"), 88) << "another broker's";
}

TEST_F(ReplicaManagerTest, WhatATopicIsSetButDoesNotDoIsSaidOnce) {
  base::Uuid id = create("t");
  auto set = [&](const char* option, const char* value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
    record.resource_name = "t";
    record.name = option;
    record.value = value;
    change({record});
  };
  set("retention.ms", "77");
  set("cleanup.policy", "delete");
  EXPECT_TRUE(lines_.take().empty());
  set("local.retention.ms", "5");
  auto said = lines_.take();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("topic t: local.retention.ms=5 has no effect"), std::string::npos);
  set("retention.ms", "78");
  change({partition(id, 1)});
  EXPECT_TRUE(lines_.take().empty());
  set("preallocate", "true");
  EXPECT_EQ(lines_.take().size(), 1u);
  open();
  replicas_->start(*image_);
  EXPECT_EQ(lines_.take().size(), 2u) << "again at each start";
}

TEST_F(ReplicaManagerTest, WhatFoundNoRoomIsServedOnceThereIsSome) {
  base::Uuid id = base::Uuid::random(random_);
  files_.set_capacity(0);
  Applied applied = change({topic("t", id), partition(id, 0)});
  EXPECT_TRUE(applied.became_leader.empty());
  ASSERT_TRUE(replicas_->has_unserved());
  EXPECT_EQ(1u, lines_.take().size());
  EXPECT_TRUE(replicas_->retry_unserved(*image_).became_leader.empty());
  EXPECT_EQ(0u, lines_.take().size());  // the same again is not news
  files_.set_capacity(1 << 20);
  applied = replicas_->retry_unserved(*image_);
  EXPECT_EQ(1u, applied.became_leader.size());
  EXPECT_FALSE(replicas_->has_unserved());
  EXPECT_TRUE(replicas_->find("t", 0));
}

TEST_F(ReplicaManagerTest, SoIsWhatFoundNoDescriptors) {
  base::Uuid id = base::Uuid::random(random_);
  files_.set_fault_hook([](base::DiskOperation, std::string_view) {
    return std::optional(base::Fault{{base::Errc::kUnavailable, "too many open files"}});
  });
  change({topic("t", id), partition(id, 0)});
  EXPECT_TRUE(replicas_->has_unserved());
  files_.set_fault_hook({});
  EXPECT_EQ(1u, replicas_->retry_unserved(*image_).became_leader.size());
  EXPECT_FALSE(replicas_->has_unserved());
}

TEST_F(ReplicaManagerTest, WhatLiesInAnOfflineDirectoryIsNotTriedAgain) {
  create("t");
  logs_->fail_directory("/d", {base::Errc::kIo, "gone"});
  create("u");
  EXPECT_FALSE(replicas_->has_unserved());
  EXPECT_EQ(replicas_->why_missing(image_->topic("u"), 0), ErrorCode::kKafkaStorageError);
}

TEST_F(ReplicaManagerTest, WhatFoundNoRoomIsForgottenWithItsTopic) {
  base::Uuid id = base::Uuid::random(random_);
  files_.set_capacity(0);
  change({topic("t", id), partition(id, 0)});
  protocol::RemoveTopicRecord gone;
  gone.topic_id = id;
  change({gone});
  replicas_->retry_unserved(*image_);
  EXPECT_FALSE(replicas_->has_unserved());
}

TEST_F(ReplicaManagerTest, WhatCameBeforeThePartitionIsNotOvertaken) {
  auto batch = [](int32_t sequence) {
    return log::make_batch({.producer_id = 7, .producer_epoch = 0, .sequence = sequence});
  };
  auto first = batch(0), second = batch(1);
  replicas_->note_refused("t", {}, 0, *records::parse_header(first));
  create("t");
  auto partition = replicas_->find("t", 0);
  ASSERT_TRUE(partition);
  records::Codecs codecs;
  auto early = partition->append(second, {.now_ms = clock_.now_ms}, codecs);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(partition->append(first, {.now_ms = clock_.now_ms}, codecs));
  EXPECT_TRUE(partition->append(second, {.now_ms = clock_.now_ms}, codecs));
}

TEST_F(ReplicaManagerTest, AfterAStopNothingIsServed) {
  create("t");
  auto held = replicas_->find("t", 0);
  replicas_->stop();
  EXPECT_FALSE(held->is_leader());
}

}  // namespace
}  // namespace longhaul::broker::partition
