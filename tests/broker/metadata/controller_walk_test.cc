// Random sequences of everything that happens to a region's partitions; after each batch of records
// what must never be otherwise is checked.
#include <map>
#include <set>

#include "broker/metadata/snapshot.h"
#include "tests/broker/metadata/acknowledged_model.h"
#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

bool is_subset(const std::vector<int32_t>& part, const std::vector<int32_t>& whole) {
  return without(part, whole).empty();
}
bool is_reassigning(const Partition& partition) {
  return !partition.adding.empty() || !partition.removing.empty();
}
bool is_set(const std::vector<int32_t>& list) {
  return std::set<int32_t>(list.begin(), list.end()).size() == list.size();
}

class ControllerWalk : public ReplicaFixture {
 protected:
  uint64_t any(uint64_t bound) { return random_.below(bound); }
  int32_t any_broker() { return static_cast<int32_t>(1 + any(6)); }
  const Broker* any_known() { return image_->broker(any_broker()); }

  struct Place {
    Shared<Topic> topic;
    int32_t index = 0;
    const Partition& operator*() const { return *topic->partition(index); }
  };
  std::optional<Place> any_partition() {
    std::vector<Shared<Topic>> topics;
    image_->topics.for_each([&](const auto&, const auto& topic) { topics.push_back(topic); });
    if (topics.empty()) return std::nullopt;
    auto topic = topics[any(topics.size())];
    return Place{topic, static_cast<int32_t>(any(topic->partitions.size()))};
  }

  void beat(bool want_fence, bool want_shut_down) {
    const Broker* broker = any_known();
    if (broker == nullptr) return;
    auto request = heartbeat(broker->id);
    request.want_fence = want_fence;
    request.want_shut_down = want_shut_down;
    if (any(8) == 0 && !broker->directories.empty())
      request.offline_log_dirs = {broker->directories.front()};
    bool last = broker->directories.size() == 1;
    run(&broker_heartbeat, request);
    for (const base::Uuid& failed : request.offline_log_dirs)
      model_.lose(*image_, request.broker_id,
                  [&](const base::Uuid& directory) { return last || directory == failed; });
  }
  void enroll() {
    int32_t id = any_broker();
    auto request = registration(id);
    const Broker* known = image_->broker(id);
    if (any(2) == 0) request.log_dirs.push_back(disk(id + 100));
    if (known != nullptr && any(2) == 0) request.previous_broker_epoch = known->epoch;
    if (known != nullptr && any(4) == 0) request.incarnation_id = known->incarnation;
    bool same_run = known != nullptr && known->incarnation == request.incarnation_id;
    bool died = !same_run && (known == nullptr || request.previous_broker_epoch != known->epoch);
    if (run(&register_broker, request).error_code != ErrorCode::kNone) return;
    model_.lose(*image_, id, [&](const base::Uuid& directory) {
      return died || !is_online(*image_->broker(id), directory);
    });
  }
  void unregister() {
    protocol::UnregisterBrokerRequest request;
    request.broker_id = any_broker();
    run(&unregister_broker, request);
  }
  void create() {
    if (image_->topics.size() >= 6) {
      protocol::DeleteTopicsRequest request;
      request.topic_names = {any_partition()->topic->name};
      run(&delete_topics, request);
    }
    auto request = topic("t" + std::to_string(++topics_), static_cast<int32_t>(1 + any(4)),
                         static_cast<int16_t>(1 + any(4)));
    request.topics[0].configs.push_back({"min.insync.replicas", std::to_string(1 + any(3))});
    if (any(4) == 0) request.topics[0].configs.push_back({"unclean.leader.election.enable", "1"});
    run(&create_topics, request);
  }
  /// As its leader would: some of those that could be in sync, at times with an old epoch.
  void change_isr() {
    auto place = any_partition();
    if (!place || (**place).leader == kNoLeader) return;
    const Partition& partition = **place;
    protocol::AlterPartitionRequest request;
    request.broker_id = partition.leader;
    request.broker_epoch = image_->broker(partition.leader)->epoch;
    auto& topic = request.topics.emplace_back();
    topic.topic_id = place->topic->id;
    auto& wanted = topic.partitions.emplace_back();
    wanted.partition_index = place->index;
    wanted.leader_epoch = partition.leader_epoch - (any(10) == 0 ? 1 : 0);
    wanted.partition_epoch = partition.partition_epoch - (any(10) == 0 ? 1 : 0);
    wanted.new_isr_with_epochs.push_back({partition.leader, request.broker_epoch});
    for (int32_t id : partition.replicas) {
      const Broker* broker = image_->broker(id);
      if (id == partition.leader || broker == nullptr || any(4) == 0) continue;
      wanted.new_isr_with_epochs.push_back({id, broker->epoch});
      if (broker->is_active() && is_online(*broker, partition.directory_of(id)))
        model_.catch_up(place->topic->id, place->index, id);
    }
    for (const auto& member : wanted.new_isr_with_epochs) asked_isr_.push_back(member.broker_id);
    run(&alter_partition, request);
  }
  void reassign() {
    auto place = any_partition();
    if (!place) return;
    protocol::AlterPartitionReassignmentsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = place->topic->name;
    auto& wanted = topic.partitions.emplace_back();
    wanted.partition_index = place->index;
    std::set<int32_t> replicas;
    for (uint64_t n = 1 + any(3); replicas.size() < n;) replicas.insert(any_broker());
    if (any(4) > 0) wanted.replicas.emplace(replicas.begin(), replicas.end());
    asked_reassignment_ = true;
    asked_cancellation_ = !wanted.replicas;
    run(&alter_partition_reassignments, request);
  }
  void elect() {
    protocol::ElectLeadersRequest request;
    request.election_type = static_cast<int8_t>(any(2));
    request.topic_partitions.reset();
    if (any(2) == 0) {
      apply(balance_leaders(input()));
    } else {
      asked_unclean_ = request.election_type == 1;
      run(&elect_leaders, request);
    }
  }
  void assign_directory() {
    auto place = any_partition();
    const Broker* broker = any_known();
    if (!place || broker == nullptr) return;
    int32_t id = broker->id;
    base::Uuid was = (**place).directory_of(id);
    base::Uuid now = disk(any(2) == 0 ? id : id + 100);
    // Between two that work it is moved; else it was there, or begins anew.
    bool moved = was == now || (is_online(*broker, was) && is_online(*broker, now));
    auto codes = assign(id, now, place->topic->name, {place->index});
    if (codes.at(0) == ErrorCode::kNone && !moved)
      model_.begin_anew(place->topic->id, place->index, id);
  }
  /// Of a topic or of all, or what is a topic's own is removed.
  void change_minimum() {
    auto place = any_partition();
    if (!place) return;
    protocol::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    bool one_topic = any(3) > 0;
    resource.resource_type =
        static_cast<int8_t>(one_topic ? ResourceType::kTopic : ResourceType::kBroker);
    if (one_topic) resource.resource_name = place->topic->name;
    bool removes = one_topic && any(3) == 0;
    auto operation = removes ? config::Operation::kDelete : config::Operation::kSet;
    resource.configs.push_back({"min.insync.replicas", static_cast<int8_t>(operation), {}});
    if (!removes) resource.configs[0].value = std::to_string(1 + any(3));
    asked_minimum_ = true;
    run(&incremental_alter_configs, request);
  }
  void step() {
    asked_unclean_ = asked_minimum_ = asked_reassignment_ = asked_cancellation_ = false;
    asked_isr_.clear();
    switch (any(18)) {
      case 0:
        return enroll();
      case 1:
        return any(4) == 0 ? unregister() : enroll();
      case 2:
        return create();
      case 3:
        return beat(true, false);
      case 4:
        return beat(false, true);
      case 5:
        return reassign();
      case 6:
        return elect();
      case 7:
        return assign_directory();
      case 8:
        return apply(elect_unclean(input()));
      case 9:
        if (const Broker* broker = any_known()) fence(broker->id);
        return;
      case 10:
      case 11:
      case 12:
      case 13:
        return change_isr();
      case 14:
        return change_minimum();
      default:
        return beat(false, false);
    }
  }

  void check();
  void check_partition(const Topic& topic, int32_t index, const Partition& partition);
  void check_transition(const Topic& topic, int32_t index, const Partition& was,
                        const Partition& now);
  void check_roles();
  void check_rebuilt();
  void walk(uint64_t seed);

  Shared<MetadataImage> before_;
  int topics_ = 0;
  bool asked_unclean_ = false, asked_minimum_ = false;
  bool asked_reassignment_ = false, asked_cancellation_ = false;
  Ids asked_isr_;
  AcknowledgedModel model_{random_};
};

void ControllerWalk::check_partition(const Topic& topic, int32_t index, const Partition& now) {
  SCOPED_TRACE(topic.name + "-" + std::to_string(index));
  EXPECT_TRUE(is_set(now.replicas) && is_set(now.isr) && is_set(now.elr));
  EXPECT_TRUE(is_subset(now.isr, now.replicas));
  EXPECT_TRUE(is_subset(now.elr, now.replicas));
  EXPECT_TRUE(is_subset(now.adding, now.replicas));
  EXPECT_TRUE(is_subset(now.removing, now.replicas));
  EXPECT_EQ(without(now.elr, now.isr), now.elr) << "ELR and ISR meet";
  EXPECT_EQ(now.directories.size(), now.replicas.size());
  EXPECT_TRUE(now.leader == kNoLeader || holds(now.isr, now.leader));
  EXPECT_FALSE(without(now.replicas, now.removing).empty());
  EXPECT_TRUE(elr_ || !now.isr.empty());
  EXPECT_TRUE(elr_ || (now.elr.empty() && now.last_known_elr.empty()));
  ControllerInput in = input();
  PartitionUpdates updates(in);
  // Only without a leader does a replica that is away stay in the ISR: the last that had all.
  if (now.leader != kNoLeader || elr_) {
    for (int32_t id : now.isr) EXPECT_TRUE(updates.may_lead(now, id)) << id;
  }
  if (now.leader != kNoLeader) return;
  for (int32_t id : elr_&& now.isr.empty() ? now.elr : now.isr)
    EXPECT_FALSE(updates.may_lead(now, id)) << id << " could lead";
}

/// `was` and `now` are of one topic; no batch changes a partition twice.
void ControllerWalk::check_transition(const Topic& topic, int32_t index, const Partition& was,
                                      const Partition& now) {
  SCOPED_TRACE(topic.name + "-" + std::to_string(index));
  if (was == now) return;
  Partition cleared = was;
  cleared.elr.clear();
  cleared.last_known_elr.clear();
  if (asked_minimum_ && now == cleared) return;
  bool ended = is_reassigning(was) && !is_reassigning(now) && !asked_reassignment_;
  bool some_went = !without(was.replicas, now.replicas).empty() && !asked_cancellation_;
  EXPECT_TRUE((!ended && !some_went) || is_subset(now.replicas, now.isr))
      << "the reassignment is over before all are in sync";
  EXPECT_EQ(now.partition_epoch, was.partition_epoch + 1);
  EXPECT_GE(now.leader_epoch, was.leader_epoch);
  EXPECT_TRUE(now.leader == was.leader || now.leader_epoch == was.leader_epoch + 1);
  if (now.leader == kNoLeader || now.leader == was.leader) return;
  bool clean = holds(was.isr, now.leader) || holds(was.elr, now.leader) ||
               holds(asked_isr_, now.leader);  // its leader lets it in, and goes by that
  if (clean) return;
  bool allowed = asked_unclean_ ||
                 image_->config({ResourceType::kTopic, topic.name})
                     .contains("unclean.leader.election.enable") ||
                 (elr_ && was.last_known_elr == Ids{now.leader});
  EXPECT_TRUE(allowed) << "an unclean election that nobody allowed";
  EXPECT_EQ(now.leader_recovery_state, kRecovering);
  EXPECT_EQ(now.isr, Ids{now.leader});
}

void ControllerWalk::check_roles() {
  std::map<BrokerTopic, BrokerRoles> counted;
  image_->topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    for (const auto& partition : topic->partitions) {
      ++counted[{partition->leader, id}].leads;
      for (int32_t member : partition->isr) ++counted[{member, id}].in_sync;
      for (int32_t member : partition->elr) ++counted[{member, id}].eligible;
    }
  });
  std::map<BrokerTopic, BrokerRoles> kept;
  image_->roles.for_each(
      [&](const BrokerTopic& key, const BrokerRoles& roles) { kept[key] = roles; });
  EXPECT_EQ(kept, counted);
}

/// A snapshot says all there is.
void ControllerWalk::check_rebuilt() {
  auto records_of = [](const MetadataImage& image) {
    MetadataRecords records;
    image_records(image, [&](MetadataRecord record) { records.push_back(std::move(record)); });
    return records;
  };
  MetadataRecords records = records_of(*image_);
  MetadataDelta delta(std::make_shared<const MetadataImage>());
  for (const MetadataRecord& record : records) ASSERT_TRUE(delta.apply(record, 0));
  auto rebuilt = delta.finish(image_->provenance, 0);
  ASSERT_TRUE(rebuilt);
  EXPECT_EQ(records_of(**rebuilt), records);
  EXPECT_EQ((*rebuilt)->partition_count, image_->partition_count);
  EXPECT_EQ((*rebuilt)->roles.size(), image_->roles.size());
}

void ControllerWalk::check() {
  image_->topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    const Topic* was = before_->topic(id);
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      auto index = static_cast<int32_t>(i);
      check_partition(*topic, index, *topic->partitions[i]);
      if (was != nullptr)
        check_transition(*topic, index, *was->partition(index), *topic->partitions[i]);
    }
  });
  EXPECT_TRUE(left_over(input()).empty()) << "something was not settled";
}

void ControllerWalk::walk(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  random_ = base::SeededRandom(seed);
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    before_ = image_;
    step();
    model_.follow(*before_, *image_, asked_isr_);
    model_.check(*image_);
    model_.write(*image_, rules_, settings_.node_id);
    check();
    if (i % 20 == 0) check_roles(), check_rebuilt();
  }
}

TEST_F(ControllerWalk, WithoutEligibleLeaderReplicas) {
  for (uint64_t seed = 1; seed <= 25 && !HasFailure(); ++seed) walk(seed);
}

TEST_F(ControllerWalk, WithEligibleLeaderReplicas) {
  enable_elr();
  for (uint64_t seed = 101; seed <= 125 && !HasFailure(); ++seed) walk(seed);
}

}  // namespace
}  // namespace longhaul::broker::metadata
