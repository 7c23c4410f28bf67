#include "operator/app/controller.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "operator/model/names.h"
#include "operator/reconcile/topic_pass.h"

namespace longhaul::op::app {
namespace {

using kube::Json;
using namespace std::chrono_literals;

/// How often a topic that is as desired is looked at all the same.
constexpr std::chrono::seconds kTopicRecheck{300};

/// Nothing has happened since we last wrote its status.
bool is_settled(const Json& topic) {
  return !kube::is_deleting(topic) && kube::has_finalizer(topic, reconcile::kTopicFinalizer) &&
         kube::int_at(topic, {"status", "observedGeneration"}) == kube::generation_of(topic) &&
         kube::string_at(kube::condition_of(topic, "Ready"), {"status"}) == "True";
}

/// What topics of a cluster depend on.
std::string state_for_topics(const Json& cluster) {
  return fmt::format("{} {} {} {} {}", kube::uid_of(cluster), kube::generation_of(cluster),
                     kube::is_deleting(cluster), kube::int_at(cluster, {"status", "readyBrokers"}),
                     kube::string_at(kube::condition_of(cluster, "Ready"), {"status"}));
}

}  // namespace

Controller::Controller(kube::Transport& transport, reconcile::Kafka& kafka,
                       const base::Clock& clock, base::Random& random, Metrics& metrics,
                       const ControllerOptions& options, base::Logger logger)
    : clock_(clock),
      metrics_(metrics),
      options_(options),
      logger_(logger),
      caches_(
          transport, options.name_space,
          [this](const kube::ResourceType& type, const kube::ObjectKey& key,
                 const kube::ObjectPtr& object) { on_change(type, key, object); },
          logger.with_area("kube")),
      writer_(transport, clock, logger.with_area("write")),
      clusters_({caches_, writer_, kafka, clock, random, options.model, logger}),
      topics_({caches_, writer_, kafka, clock, random, options.model, logger}) {}

Controller::~Controller() { stop(); }

void Controller::start() {
  caches_.start();
  for (unsigned i = 0; i < options_.workers; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(stop); });
}

void Controller::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
  caches_.stop();
}

void Controller::on_change(const kube::ResourceType& type, const kube::ObjectKey& key,
                           const kube::ObjectPtr& object) {
  if (&type == &kube::kKafkaCluster) return on_cluster(key, object);
  if (&type == &kube::kKafkaTopic) return on_topic(key, object);
  // Something we made: names begin with the cluster's, but only labels say which one it is. What
  // is gone has none any more, so every cluster of the namespace is looked at.
  std::string owner = object ? kube::label_of(*object, model::kClusterLabel) : "";
  if (!owner.empty()) return add({&kube::kKafkaCluster, {key.name_space, owner}}, Time(0));
  for (const kube::ObjectPtr& cluster : caches_.list(kube::kKafkaCluster, key.name_space, ""))
    if (key.name.starts_with(kube::name_of(*cluster) + "-"))
      add({&kube::kKafkaCluster, kube::key_of(*cluster)}, Time(0));
}

void Controller::on_cluster(const kube::ObjectKey& key, const kube::ObjectPtr& object) {
  add({&kube::kKafkaCluster, key}, Time(0));
  std::string state = object ? state_for_topics(*object) : "";
  {
    std::lock_guard lock(mutex_);
    std::string& known = cluster_states_[key];
    if (known == state) return;
    known = state;
    if (!object) cluster_states_.erase(key);
  }
  for (const kube::ObjectPtr& topic : caches_.list(kube::kKafkaTopic, key.name_space, ""))
    if (kube::string_at(*topic, {"spec", "cluster"}) == key.name)
      add({&kube::kKafkaTopic, kube::key_of(*topic)}, Time(0));
}

void Controller::on_topic(const kube::ObjectKey& key, const kube::ObjectPtr& object) {
  kube::WorkItem item{&kube::kKafkaTopic, key};
  if (!object || !is_settled(*object)) return add(item, Time(0));
  // Spread over time, so that a thousand of them are no burst.
  add(item, kTopicRecheck * (std::hash<std::string>()(key.name) % 1000) / 1000);
}

void Controller::add(const kube::WorkItem& item, Time delay) {
  {
    std::lock_guard lock(mutex_);
    queue_.add(item, clock_.monotonic() + delay);
    metrics_.set_queue_depth(queue_.waiting());
  }
  wake_.notify_one();
}

void Controller::work(std::stop_token stop) {
  while (!stop.stop_requested() && !caches_.synced()) {
    // Working from half a picture could take what is not listed yet for gone.
    if (!caches_.wait_until_synced(200ms)) continue;
  }
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    std::optional<kube::WorkItem> item = queue_.take(clock_.monotonic());
    if (!item) {
      auto next = queue_.next_due();
      Time delay = next ? *next - clock_.monotonic() : Time(1h);
      wake_.wait_for(lock, stop, std::max(delay, Time(1ms)), [&] {
        auto due = queue_.next_due();
        return due && *due <= clock_.monotonic();
      });
      continue;
    }
    metrics_.set_queue_depth(queue_.waiting());
    lock.unlock();
    reconcile::Next next = reconcile(*item);
    lock.lock();
    finish(*item, next);
  }
}

reconcile::Next Controller::reconcile(const kube::WorkItem& item) {
  auto begin = clock_.monotonic();
  reconcile::Next next = item.type == &kube::kKafkaCluster ? clusters_.reconcile(item.key)
                                                           : topics_.reconcile(item.key);
  metrics_.count_reconcile(*item.type, !next.failed, clock_.monotonic() - begin);
  return next;
}

void Controller::finish(const kube::WorkItem& item, const reconcile::Next& next) {
  Time now = clock_.monotonic();
  if (next.failed) {
    queue_.add_after_failure(item, now);
  } else {
    queue_.forget(item);
    if (next.after.count() > 0) queue_.add(item, now + next.after);
  }
  queue_.done(item);
  wake_.notify_one();
}

}  // namespace longhaul::op::app
