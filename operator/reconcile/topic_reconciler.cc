#include "operator/reconcile/topic_reconciler.h"

#include <nlohmann/json.hpp>

#include "operator/reconcile/topic_pass.h"

namespace longhaul::op::reconcile {
namespace {

constexpr std::chrono::seconds kTopicRecheck{300};

}  // namespace

TopicReconciler::TopicReconciler(const Dependencies& dependencies)
    : dependencies_(dependencies), announcer_(dependencies_.writer) {}

Next TopicReconciler::reconcile(const kube::ObjectKey& key) {
  kube::ObjectPtr object = dependencies_.caches.get(kube::kKafkaTopic, key);
  if (!object) {
    announcer_.forget(key);
    return {};
  }
  return kube::is_deleting(*object) ? reconcile_deleted(object) : reconcile_live(object);
}

Next TopicReconciler::reconcile_live(const kube::ObjectPtr& object) {
  TopicPass pass(dependencies_, object);
  Verdict verdict = pass.run();
  return report(object, verdict, pass.status(verdict));
}

Next TopicReconciler::reconcile_deleted(const kube::ObjectPtr& object) {
  TopicPass pass(dependencies_, object);
  Verdict verdict = pass.run_deletion();
  if (verdict.result && verdict.result->is_done()) return {};
  return report(object, verdict, pass.status(verdict));
}

Next TopicReconciler::report(const kube::ObjectPtr& object, const Verdict& verdict,
                             const kube::Json& status) {
  std::string name = kube::key_of(*object).to_string();
  if (!verdict.result) {
    const base::Error& error = verdict.result.error();
    if (error.code == base::Errc::kConflict) return {{}, true};
    dependencies_.logger.warn("KafkaTopic {}: {}: {}", name, verdict.step, error.message);
  }
  announcer_.announce(*object, status["conditions"]);
  auto written = dependencies_.writer.apply_status(kube::kKafkaTopic, *object, status);
  if (written) return next_after(verdict, kTopicRecheck);
  dependencies_.logger.warn("KafkaTopic {}: status: {}", name, written.error().message);
  return {{}, true};
}

}  // namespace longhaul::op::reconcile
