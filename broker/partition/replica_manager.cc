#include "broker/partition/replica_manager.h"

#include <algorithm>

#include "broker/config/effects.h"
#include "broker/config/option_table.h"

namespace longhaul::broker::partition {
namespace {

bool has_replica(const metadata::Partition& partition, int32_t broker) {
  const auto& ids = partition.replicas;
  return std::find(ids.begin(), ids.end(), broker) != ids.end();
}

}  // namespace

ReplicaManager::ReplicaManager(const config::BrokerConfig& config, log::LogManager& logs,
                               const Surroundings& surroundings, base::Logger log)
    : config_(config),
      logs_(logs),
      surroundings_(surroundings),
      log_(log),
      early_(surroundings.clock) {}

Applied ReplicaManager::start(const metadata::MetadataImage& image) {
  // 3 if it lies where the metadata say, 2 if it is ours, 1 if it may be: one that was never
  // flushed can have lost its topic's ID.
  auto claim = [&](const log::Log& log, const base::Uuid& directory) {
    const metadata::Topic* topic = image.topic(log.id().topic);
    const metadata::Partition* partition = topic ? topic->partition(log.id().partition) : nullptr;
    if (!partition || !has_replica(*partition, config_.node_id)) return 0;
    if (log.topic_id().is_zero()) return 1;
    if (log.topic_id() != topic->id) return 0;
    return partition->directory_of(config_.node_id) == directory ? 3 : 2;
  };
  logs_.settle_twins(claim);
  for (const auto& [log, parent, directory, is_future] : logs_.held()) {
    if (claim(*log, directory) > 0) continue;
    if (is_future) {
      (void)logs_.remove_future(log->id());
      continue;
    }
    // The topic may have been deleted while this broker was down, or the metadata have lost it:
    // whoever knows which may delete the files.
    std::string path = log->path();
    auto aside = logs_.set_aside(log->id());
    if (aside) {
      log_.warn("{} belongs to no topic: it is put aside as {}", path, *aside);
    } else {
      log_.error("{}: {}", path, aside.error().message);
    }
  }
  Applied applied;
  image.topics.for_each([&](const base::Uuid&, const metadata::Shared<metadata::Topic>& topic) {
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      apply_partition(image, *topic, static_cast<int32_t>(i), applied, log::Presence::kUnknown);
    }
  });
  return applied;
}

Applied ReplicaManager::apply(const metadata::MetadataImage& image,
                              const metadata::MetadataChanges& changes) {
  Applied applied;
  for (const auto& [id, topic] : changes.deleted_topics) {
    applied.deleted_topics.push_back(topic->name);
    remove_topic(topic->name, applied);
  }
  for (const auto& [id, change] : changes.topics) {
    const metadata::Topic* topic = image.topic(id);
    if (!topic) continue;
    for (int32_t index : change.partitions)
      apply_partition(image, *topic, index, applied, log::Presence::kNew);
  }
  bool all = std::any_of(changes.configs.begin(), changes.configs.end(), [](const auto& each) {
    return each.type == metadata::ResourceType::kBroker;
  });
  if (all) {
    std::vector<std::string> names;
    {
      std::shared_lock lock(mutex_);
      for (const auto& [name, partitions] : topics_) names.push_back(name);
    }
    for (const std::string& name : names) refresh_settings(image, name);
  }
  for (const metadata::ConfigResource& resource : changes.configs) {
    if (resource.type != metadata::ResourceType::kTopic) continue;
    refresh_settings(image, resource.name);
    warn_of_options(image, resource.name);
  }
  return applied;
}

bool ReplicaManager::has_unserved() const {
  std::shared_lock lock(mutex_);
  return std::any_of(unserved_.begin(), unserved_.end(),
                     [](const auto& each) { return log::is_shortage(each.second); });
}

Applied ReplicaManager::retry_unserved(const metadata::MetadataImage& image) {
  Applied applied;
  std::map<log::TopicPartition, base::Error> before;
  {
    std::shared_lock lock(mutex_);
    before = unserved_;
  }
  for (const auto& [id, why] : before) {
    const metadata::Topic* topic = image.topic(id.topic);
    if (!log::is_shortage(why) || !topic) continue;
    apply_partition(image, *topic, id.partition, applied, log::Presence::kUnknown);
  }
  return applied;
}

void ReplicaManager::apply_partition(const metadata::MetadataImage& image,
                                     const metadata::Topic& topic, int32_t index, Applied& applied,
                                     log::Presence presence) {
  const metadata::Partition* state = topic.partition(index);
  if (!state || !has_replica(*state, config_.node_id)) {
    if (auto ours = take_out({topic.name, index})) remove(ours, applied);
    return;
  }
  auto partition = find(topic.name, index);
  if (!partition) {
    partition = create(image, topic, index, presence);
    if (!partition) return;
    if (partition->move()) applied.moving.push_back(partition);
  }
  int32_t epoch_before = partition->leader_epoch();
  Partition::RoleChange change = partition->apply(*state);
  if (state->leader_epoch != epoch_before) {
    bool follows = state->leader != config_.node_id && state->leader != metadata::kNoLeader;
    if (follows) {
      applied.following.push_back({partition, state->leader, state->leader_epoch});
    } else {
      applied.not_following.push_back(partition);
    }
  }
  switch (change) {
    case Partition::RoleChange::kBecameLeader:
      applied.became_leader.push_back(partition->id());
      break;
    case Partition::RoleChange::kResigned:
      applied.resigned.push_back(partition->id());
      break;
    case Partition::RoleChange::kNone:
      break;
  }
}

std::shared_ptr<Partition> ReplicaManager::create(const metadata::MetadataImage& image,
                                                  const metadata::Topic& topic, int32_t index,
                                                  log::Presence presence) {
  log::TopicPartition id{topic.name, index};
  {
    std::shared_lock lock(mutex_);
    if (unserved_.contains(id)) presence = log::Presence::kUnknown;
  }
  auto log = logs_.get_or_create(id, topic.id, presence);
  if (!log && log.error().code == base::Errc::kConflict) {
    // A topic of the same name was deleted while we were not looking.
    log_.warn("{}: {}; the old log is removed", id.to_string(), log.error().message);
    if (auto removed = logs_.remove(id); removed) log = logs_.get_or_create(id, topic.id, presence);
  }
  if (!log) {
    note_unserved(id, log.error());
    return nullptr;
  }
  auto partition = std::make_shared<Partition>(surroundings_, *log,
                                               resolve_topic_settings(topic.name, image, config_));
  resume_move(*partition);
  if (insert(partition)) log_.info("{} is served now", id.to_string());
  pass_on_early_batches(*partition);  // it does not lead yet
  warn_of_options(image, topic.name);
  return partition;
}

// How far compaction had come with what is copied already is not known any more.
void ReplicaManager::resume_move(Partition& partition) {
  auto future = logs_.future(partition.id());
  if (!future || future->log->is_offline()) return;
  if (future->log->topic_id() == partition.topic_id() && partition.begin_move(*future, 0)) {
    log_.info("{} goes on to {}", partition.id().to_string(), future->directory);
    return;
  }
  (void)logs_.remove_future(partition.id());
}

// What is set for a topic and does nothing is said once.
void ReplicaManager::warn_of_options(const metadata::MetadataImage& image,
                                     const std::string& topic) {
  for (const auto& [name, value] : image.config({metadata::ResourceType::kTopic, topic})) {
    const config::Option* option = config::topic_option_table().find(name);
    std::string why = option ? config::effect_warning(*option, value) : "";
    if (why.empty() || !warnings_.insert(topic + " " + name + " " + why).second) continue;
    log_.warn("topic {}: {}={} {}", topic, name, value, why);
  }
}

bool ReplicaManager::insert(std::shared_ptr<Partition> partition) {
  std::unique_lock lock(mutex_);
  Partitions& partitions = topics_[partition->id().topic];
  auto index = static_cast<size_t>(partition->id().partition);
  if (partitions.size() <= index) partitions.resize(index + 1);
  bool was_unserved = unserved_.erase(partition->id()) > 0;
  partitions[index] = std::move(partition);
  return was_unserved;
}

void ReplicaManager::note_unserved(const log::TopicPartition& id, const base::Error& why) {
  {
    std::unique_lock lock(mutex_);
    base::Error& known = unserved_[id];
    if (std::exchange(known, why).message == why.message) return;  // said before
  }
  log_.error("{} cannot be served: {}", id.to_string(), why.message);
}

void ReplicaManager::remove_topic(const std::string& topic, Applied& applied) {
  Partitions removed;
  {
    std::unique_lock lock(mutex_);
    std::erase_if(unserved_, [&](const auto& each) { return each.first.topic == topic; });
    auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    removed = std::move(found->second);
    topics_.erase(found);
  }
  for (const auto& partition : removed) {
    if (partition) remove(partition, applied);
  }
}

/// A replica that this broker does not have any more; null if it had none.
std::shared_ptr<Partition> ReplicaManager::take_out(const log::TopicPartition& id) {
  std::unique_lock lock(mutex_);
  unserved_.erase(id);
  auto found = topics_.find(id.topic);
  auto index = static_cast<size_t>(id.partition);
  if (found == topics_.end() || index >= found->second.size()) return nullptr;
  return std::exchange(found->second[index], nullptr);
}

void ReplicaManager::remove(const std::shared_ptr<Partition>& partition, Applied& applied) {
  applied.resigned.push_back(partition->id());
  applied.not_following.push_back(partition);
  partition->stop();
  if (auto gone = logs_.remove(partition->id()); !gone) {
    log_.error("{} cannot be removed: {}", partition->id().to_string(), gone.error().message);
  }
}

void ReplicaManager::refresh_settings(const metadata::MetadataImage& image,
                                      std::string_view topic) {
  Partitions partitions;
  {
    std::shared_lock lock(mutex_);
    auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    partitions = found->second;
  }
  auto settings = resolve_topic_settings(std::string(topic), image, config_);
  for (const auto& partition : partitions) {
    if (partition) partition->set_settings(settings);
  }
}

void ReplicaManager::stop() {
  for (const auto& partition : all()) partition->stop();
}

ErrorCode ReplicaManager::why_missing(const metadata::Topic* topic, int32_t partition) const {
  if (!topic || !topic->partition(partition)) return ErrorCode::kUnknownTopicOrPartition;
  std::shared_lock lock(mutex_);
  return unserved_.contains({topic->name, partition}) ? ErrorCode::kKafkaStorageError
                                                      : ErrorCode::kNotLeaderOrFollower;
}

std::shared_ptr<Partition> ReplicaManager::find(std::string_view topic, int32_t partition) const {
  std::shared_lock lock(mutex_);
  auto found = topics_.find(topic);
  if (found == topics_.end() || partition < 0) return nullptr;
  auto index = static_cast<size_t>(partition);
  return index < found->second.size() ? found->second[index] : nullptr;
}

// It may have come just after whoever refused the batch looked for it.
void ReplicaManager::note_refused(const std::string& topic, const base::Uuid& id, int32_t partition,
                                  const records::BatchHeader& batch) {
  early_.note(topic, id, partition, batch);
  if (auto found = find(topic, partition)) pass_on_early_batches(*found);
}

void ReplicaManager::pass_on_early_batches(Partition& partition) {
  auto early = early_.take(partition.id().topic, partition.topic_id(), partition.id().partition);
  for (const auto& batch : early) partition.note_refused(batch);
}

std::vector<std::shared_ptr<Partition>> ReplicaManager::all() const {
  std::vector<std::shared_ptr<Partition>> all;
  std::shared_lock lock(mutex_);
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& partition : partitions) {
      if (partition) all.push_back(partition);
    }
  }
  return all;
}

}  // namespace longhaul::broker::partition
