// The informers of everything the operator looks at.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/kube/informer.h"

namespace longhaul::op::reconcile {

/// Reads are from memory and may be a moment old; writes that must not be based on old state carry
/// a resourceVersion or a UID.
class Caches {
 public:
  using Listener = std::function<void(const kube::ResourceType&, const kube::ObjectKey&,
                                      const kube::ObjectPtr& object)>;

  /// `name_space` empty: all namespaces. `on_change` gets the object's state, or its last known
  /// one once it is gone; it runs on the informers' threads.
  Caches(kube::Transport& transport, const std::string& name_space, Listener on_change,
         base::Logger logger);

  void start();
  void stop();
  /// False if a cache is not filled after `limit`.
  bool wait_until_synced(std::chrono::milliseconds limit);
  bool synced() const;
  /// Lists everything now, on the caller's thread, instead of `start`.
  base::Result<void> relist();

  /// Null if there is none. Only for the kinds that are cached (asserted).
  kube::ObjectPtr get(const kube::ResourceType& type, const kube::ObjectKey& key) const;
  std::vector<kube::ObjectPtr> list(const kube::ResourceType& type, const std::string& name_space,
                                    const std::string& label_selector) const;

 private:
  const kube::Informer& of(const kube::ResourceType& type) const;

  std::vector<std::unique_ptr<kube::Informer>> informers_;
};

}  // namespace longhaul::op::reconcile
