#include "operator/kube/lease.h"

#include <nlohmann/json.hpp>

namespace longhaul::op::kube {

LeaderElector::LeaderElector(Transport& transport, const base::Clock& clock, LeaseOptions options)
    : transport_(transport), clock_(clock), options_(std::move(options)) {}

bool LeaderElector::is_leader() const {
  return holding_ && clock_.monotonic() - renewed_ < options_.renew_deadline;
}

bool LeaderElector::expired(const Json& lease) {
  std::string holder = string_at(lease, {"spec", "holderIdentity"});
  if (holder.empty() || holder == options_.identity) return true;
  std::string version = resource_version_of(lease);
  if (version != seen_version_) {
    seen_version_ = version;
    seen_ = clock_.monotonic();
    return false;
  }
  std::chrono::seconds duration(
      int_at(lease, {"spec", "leaseDurationSeconds"}, options_.duration.count()));
  return clock_.monotonic() - seen_ >= duration;
}

base::Result<void> LeaderElector::tick() {
  base::Result<Json> found = call(transport_, get(kLease, options_.name_space, options_.name));
  if (!found && found.error().code != base::Errc::kNotFound)
    return tl::unexpected<base::Error>(found.error());
  if (!found) return take_over(make_object(kLease, options_.name_space, options_.name));
  if (!expired(*found)) {
    holding_ = false;
    return base::fail(base::Errc::kConflict,
                      "the lease is held by " + string_at(*found, {"spec", "holderIdentity"}));
  }
  return take_over(std::move(*found));
}

base::Result<void> LeaderElector::take_over(Json lease) {
  bool is_new = resource_version_of(lease).empty();
  // Before the request: the lease counts from when the server may have written it.
  base::Clock::Monotonic before = clock_.monotonic();
  std::string now = format_micro_time(clock_.wall_ms());
  Json& spec = lease["spec"];
  if (string_at(spec, {"holderIdentity"}) != options_.identity) {
    spec["leaseTransitions"] = int_at(spec, {"leaseTransitions"}) + (is_new ? 0 : 1);
    spec["acquireTime"] = now;
    spec["holderIdentity"] = options_.identity;
  }
  spec["leaseDurationSeconds"] = options_.duration.count();
  spec["renewTime"] = now;
  base::Result<Json> written =
      call(transport_, is_new ? create(kLease, lease) : replace(kLease, lease));
  if (!written) return tl::unexpected<base::Error>(written.error());
  holding_ = true;
  renewed_ = before;
  return {};
}

base::Result<void> LeaderElector::release() {
  if (!holding_) return {};
  holding_ = false;
  LH_ASSIGN(Json lease, call(transport_, get(kLease, options_.name_space, options_.name)));
  if (string_at(lease, {"spec", "holderIdentity"}) != options_.identity) return {};
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  LH_TRY(call(transport_, replace(kLease, lease)));
  return {};
}

}  // namespace longhaul::op::kube
