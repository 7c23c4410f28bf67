#include "operator/reconcile/caches.h"

#include "base/assert.h"
#include "operator/model/names.h"

namespace longhaul::op::reconcile {
namespace {

constexpr const kube::ResourceType* kOurs[] = {&kube::kKafkaCluster, &kube::kKafkaTopic};
constexpr const kube::ResourceType* kMade[] = {&kube::kStatefulSet,
                                               &kube::kPod,
                                               &kube::kConfigMap,
                                               &kube::kService,
                                               &kube::kServiceAccount,
                                               &kube::kPodDisruptionBudget,
                                               &kube::kPersistentVolumeClaim};

}  // namespace

Caches::Caches(kube::Transport& transport, const std::string& name_space, Listener on_change,
               base::Logger logger) {
  auto add = [&](const kube::ResourceType& type, const std::string& selector) {
    auto listener = [&type, on_change](const kube::ObjectKey& key, const kube::ObjectPtr& object) {
      if (on_change) on_change(type, key, object);
    };
    informers_.push_back(std::make_unique<kube::Informer>(
        transport, type, kube::Scope{name_space, selector}, listener, logger));
  };
  for (const kube::ResourceType* type : kOurs) add(*type, "");
  std::string made = std::string("app.kubernetes.io/managed-by=") + model::kManager;
  for (const kube::ResourceType* type : kMade) add(*type, made);
}

void Caches::start() {
  for (auto& informer : informers_) informer->start();
}

void Caches::stop() {
  for (auto& informer : informers_) informer->stop();
}

bool Caches::wait_until_synced(std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  for (auto& informer : informers_) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (!informer->wait_until_synced(std::max(left, std::chrono::milliseconds(0)))) return false;
  }
  return true;
}

bool Caches::synced() const {
  for (const auto& informer : informers_)
    if (!informer->synced()) return false;
  return true;
}

base::Result<void> Caches::relist() {
  for (auto& informer : informers_) LH_TRY(informer->relist());
  return {};
}

const kube::Informer& Caches::of(const kube::ResourceType& type) const {
  for (const auto& informer : informers_)
    if (&informer->type() == &type) return *informer;
  base::assertion_failed("informer", __FILE__, __LINE__, "this kind is not cached");
}

kube::ObjectPtr Caches::get(const kube::ResourceType& type, const kube::ObjectKey& key) const {
  return of(type).store().get(key);
}

std::vector<kube::ObjectPtr> Caches::list(const kube::ResourceType& type,
                                          const std::string& name_space,
                                          const std::string& label_selector) const {
  return of(type).store().list(name_space, label_selector);
}

}  // namespace longhaul::op::reconcile
