// Writing to Kubernetes only what differs.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "operator/kube/transport.h"

namespace longhaul::op::reconcile {

/// All writes of the reconcilers go through here, so that they can be counted and are all made in
/// the same way: server-side apply by one field manager, deletes with a UID precondition.
class Writer {
 public:
  Writer(kube::Transport& transport, const base::Clock& clock, base::Logger logger);

  /// Applies `desired` unless `live` (null: it does not exist) says the same already. Fields that
  /// an earlier version of us applied and `desired` no longer has are removed: the hash of what
  /// was applied stands in an annotation. True if something was written.
  base::Result<bool> apply(const kube::ResourceType& type, kube::Json desired,
                           const kube::Json* live);
  /// Applies `status` to the status subresource of `live` unless it is there already.
  base::Result<bool> apply_status(const kube::ResourceType& type, const kube::Json& live,
                                  const kube::Json& status);
  /// Deletes exactly this object; one that is gone or replaced already is fine.
  base::Result<void> remove(const kube::ResourceType& type, const kube::Json& live);
  /// Adds or removes a finalizer; kConflict if the object has changed since `live`.
  base::Result<void> set_finalizer(const kube::ResourceType& type, const kube::Json& live,
                                   const std::string& finalizer, bool present);
  /// Tells people about `about` (core/v1 Event). Failure is logged, nothing more.
  void event(const kube::Json& about, bool warning, const std::string& reason,
             const std::string& message);

  kube::Transport& transport() { return transport_; }

 private:
  kube::Transport& transport_;
  const base::Clock& clock_;
  const base::Logger logger_;
};

}  // namespace longhaul::op::reconcile
