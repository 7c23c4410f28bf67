// Leader election by a coordination.k8s.io Lease, renewed by PUT with resourceVersion.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "operator/kube/transport.h"

namespace longhaul::op::kube {

/// Times of the election. A holder that has not renewed for `duration`, as seen on this machine's
/// own monotonic clock, may be replaced; a holder gives up once `renew_deadline` has passed.
struct LeaseOptions {
  std::string name_space;
  std::string name;
  std::string identity;  // unique among all candidates
  std::chrono::seconds duration{15};
  std::chrono::seconds renew_deadline{10};
  std::chrono::seconds retry{2};
};

/// Not thread-safe: one thread calls `tick` every `retry`, and acts on `is_leader`.
class LeaderElector {
 public:
  LeaderElector(Transport& transport, const base::Clock& clock, LeaseOptions options);

  /// Acquires or renews, if it may. An error (which is also given when another holds the lease
  /// and we just wait: kConflict) leaves leadership as it was until the deadline passes.
  base::Result<void> tick();
  /// We hold the lease, and have renewed it within the deadline.
  bool is_leader() const;
  /// Hands the lease back, so that the next candidate need not wait for it to expire.
  base::Result<void> release();

 private:
  base::Result<void> take_over(Json lease);
  bool expired(const Json& lease);

  Transport& transport_;
  const base::Clock& clock_;
  const LeaseOptions options_;
  bool holding_ = false;
  base::Clock::Monotonic renewed_{0};
  std::string seen_version_;  // the lease of another, and when we first saw it so
  base::Clock::Monotonic seen_{0};
};

}  // namespace longhaul::op::kube
