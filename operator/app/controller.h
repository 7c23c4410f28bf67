// Turns changes into reconciliations, on a few threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/app/metrics.h"
#include "operator/kube/work_queue.h"
#include "operator/reconcile/cluster_reconciler.h"
#include "operator/reconcile/topic_reconciler.h"

namespace longhaul::op::app {

struct ControllerOptions {
  std::string name_space;  // empty: all
  unsigned workers = 4;
  model::ModelOptions model;
};

/// The operator without its process: caches, queue, workers, reconcilers.
class Controller {
 public:
  /// References must outlive it.
  Controller(kube::Transport& transport, reconcile::Kafka& kafka, const base::Clock& clock,
             base::Random& random, Metrics& metrics, const ControllerOptions& options,
             base::Logger logger);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Begins to watch, and to work once all caches are filled.
  void start();
  /// Ends after the reconciliations under way.
  void stop();
  /// All caches are filled.
  bool ready() const { return caches_.synced(); }

 private:
  using Time = kube::WorkQueue::Time;

  void on_change(const kube::ResourceType& type, const kube::ObjectKey& key,
                 const kube::ObjectPtr& object);
  void on_cluster(const kube::ObjectKey& key, const kube::ObjectPtr& object);
  void on_topic(const kube::ObjectKey& key, const kube::ObjectPtr& object);
  void add(const kube::WorkItem& item, Time delay);
  void work(std::stop_token stop);
  void finish(const kube::WorkItem& item, const reconcile::Next& next);
  reconcile::Next reconcile(const kube::WorkItem& item);

  const base::Clock& clock_;
  Metrics& metrics_;
  const ControllerOptions options_;
  const base::Logger logger_;
  reconcile::Caches caches_;
  reconcile::Writer writer_;
  reconcile::ClusterReconciler clusters_;
  reconcile::TopicReconciler topics_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  kube::WorkQueue queue_{kube::WorkQueue::BackOff{}};
  std::map<kube::ObjectKey, std::string> cluster_states_;  // what of a cluster concerns its topics
  std::vector<std::jthread> threads_;
};

}  // namespace longhaul::op::app
