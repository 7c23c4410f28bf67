#include "operator/reconcile/cluster_reconciler.h"

#include <nlohmann/json.hpp>

#include "operator/reconcile/cluster_pass.h"

namespace longhaul::op::reconcile {
namespace {

constexpr std::chrono::seconds kClusterRecheck{60};

}  // namespace

ClusterReconciler::ClusterReconciler(const Dependencies& dependencies)
    : dependencies_(dependencies), announcer_(dependencies_.writer) {}

Next ClusterReconciler::reconcile(const kube::ObjectKey& key) {
  kube::ObjectPtr object = dependencies_.caches.get(kube::kKafkaCluster, key);
  if (!object) announcer_.forget(key);
  if (!object || kube::is_deleting(*object)) return {};
  ClusterPass pass(dependencies_, object);
  Verdict verdict = pass.run();
  if (!verdict.result) {
    const base::Error& error = verdict.result.error();
    // Somebody changed it first: only the next look can tell what to do.
    if (error.code == base::Errc::kConflict || error.code == base::Errc::kAlreadyExists)
      return {{}, true};
    dependencies_.logger.warn("KafkaCluster {}: {}: {}", key.to_string(), verdict.step,
                              error.message);
  }
  kube::Json status = pass.status(verdict);
  announcer_.announce(*object, status["conditions"]);
  auto written = dependencies_.writer.apply_status(kube::kKafkaCluster, *object, status);
  if (!written) {
    dependencies_.logger.warn("KafkaCluster {}: status: {}", key.to_string(),
                              written.error().message);
    return {{}, true};
  }
  return next_after(verdict, kClusterRecheck);
}

}  // namespace longhaul::op::reconcile
