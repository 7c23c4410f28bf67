#include "tests/sim/topics.h"

#include <algorithm>

namespace longhaul::sim {

void Topics::creating(const Topic& topic) {
  Topic& there = topics_[topic.name] = topic;
  there.most_partitions = std::max(there.most_partitions, asked_for_[topic.name]);
}

void Topics::created(const std::string& name, const base::Uuid& id) {
  Topic& topic = topics_.at(name);
  topic.id = id;
  settle(topic);
}

void Topics::settle(Topic& topic) {
  topic.state = Topic::State::kThere;
  history_.name(topic.id, topic.name);
  for (int32_t i = 0; i < topic.partitions; ++i) history_.promise({topic.id, i}, topic.promise);
}

void Topics::growing(const std::string& name, int32_t partitions) {
  Topic& topic = topics_.at(name);
  topic.most_partitions = std::max(topic.most_partitions, partitions);
  asked_for_[name] = topic.most_partitions;
}

void Topics::grown(const std::string& name, int32_t partitions) {
  Topic& topic = topics_.at(name);
  topic.partitions = partitions;
  settle(topic);
}

void Topics::deleting(const std::string& name) { topics_.at(name).state = Topic::State::kDeleting; }

void Topics::deleted(const std::string& name) { topics_.erase(name); }

const Topic* Topics::find(const std::string& name) const {
  auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

const Topic* Topics::find(const base::Uuid& id) const {
  for (const auto& [name, topic] : topics_) {
    if (topic.id == id) return &topic;
  }
  return nullptr;
}

std::vector<PartitionId> Topics::partitions() const {
  std::vector<PartitionId> all;
  for (const auto& [name, topic] : topics_) {
    if (topic.state != Topic::State::kThere) continue;
    for (int32_t i = 0; i < topic.partitions; ++i) all.push_back({topic.id, i});
  }
  return all;
}

void Topics::audit(const std::vector<ShownTopic>& shown) {
  asked_for_.clear();
  std::map<std::string, ShownTopic> there;
  for (const ShownTopic& each : shown) there.emplace(each.name, each);
  for (auto at = topics_.begin(); at != topics_.end();) {
    Topic& topic = at->second;
    auto found = there.find(topic.name);
    if (found == there.end()) {
      if (topic.state == Topic::State::kThere) findings_.add("topic {} is lost", topic.name);
      at = topics_.erase(at);
      continue;
    }
    const ShownTopic& now = found->second;
    if (!topic.id.is_zero() && topic.id != now.id) {
      findings_.add("topic {} has ID {} and had {}", topic.name, now.id.to_string(),
                    topic.id.to_string());
    }
    if (now.partitions < topic.partitions || now.partitions > topic.most_partitions) {
      findings_.add("topic {} has {} partitions, and not {} to {}", topic.name, now.partitions,
                    topic.partitions, topic.most_partitions);
    }
    topic.id = now.id;
    topic.partitions = topic.most_partitions = now.partitions;
    settle(topic);
    there.erase(found);
    ++at;
  }
  for (const auto& [name, each] : there) {
    findings_.add("topic {} with ID {} should not be there", name, each.id.to_string());
  }
}

}  // namespace longhaul::sim
