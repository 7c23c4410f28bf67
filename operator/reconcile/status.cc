#include "operator/reconcile/status.h"

#include <nlohmann/json.hpp>

namespace longhaul::op::reconcile {
namespace {

using kube::Condition;
using kube::Json;

Outcome outcome_of(const Verdict& verdict) {
  if (verdict.result) return *verdict.result;
  return {
      Outcome::Kind::kRequeue, {}, "Error", verdict.step + ": " + verdict.result.error().message};
}

}  // namespace

Json conditions_after(const Json& live, const Verdict& verdict, std::string_view now) {
  Outcome outcome = outcome_of(verdict);
  int64_t generation = kube::generation_of(live);
  bool ready = outcome.is_done();
  bool moving = outcome.kind == Outcome::Kind::kRequeue;
  std::string reason = ready ? "Ready" : outcome.reason;
  std::string message = ready ? verdict.good : outcome.why;
  Json conditions = kube::at_path(live, {"status", "conditions"});
  kube::set_condition(
      conditions, Condition{"Ready", ready ? "True" : "False", reason, message, generation}, now);
  kube::set_condition(conditions,
                      Condition{"Progressing", moving ? "True" : "False",
                                moving ? reason : (ready ? "AsDesired" : "Blocked"),
                                moving ? message : "", generation},
                      now);
  bool degraded = !verdict.degraded.empty();
  kube::set_condition(
      conditions,
      Condition{"Degraded", degraded ? "True" : "False", degraded ? "NotWorking" : "AsDesired",
                verdict.degraded, generation},
      now);
  return conditions;
}

Json operation_after(const Json& live, const std::optional<Operation>& now, const Verdict& verdict,
                     std::string_view time) {
  Outcome outcome = outcome_of(verdict);
  if (outcome.is_done()) return nullptr;
  const Json& before = kube::at_path(live, {"status", "operation"});
  if (!now && !before.is_object()) return nullptr;
  Json operation;
  if (now) {
    operation = {{"kind", now->kind}, {"remaining", now->remaining}};
    if (now->node >= 0) operation["node"] = now->node;
  } else {
    operation = before;
  }
  operation["waitsFor"] = outcome.why;
  bool same = operation_kind(live) == kube::string_at(operation, {"kind"});
  operation["since"] = same ? kube::string_at(before, {"since"}) : std::string(time);
  return operation;
}

std::string operation_kind(const Json& live) {
  return kube::string_at(live, {"status", "operation", "kind"});
}

Next next_after(const Verdict& verdict, std::chrono::milliseconds recheck) {
  if (!verdict.result) return {{}, true};
  if (verdict.result->kind == Outcome::Kind::kRequeue) return {verdict.result->after, false};
  return {recheck, false};
}

void Announcer::announce(const Json& live, const Json& conditions) {
  Json wrapped;
  wrapped["status"]["conditions"] = conditions;
  const Json& ready = kube::condition_of(wrapped, "Ready");
  std::string reason = kube::string_at(ready, {"reason"});
  {
    std::lock_guard lock(mutex_);
    Last& last = last_[kube::key_of(live)];
    if (last.uid != kube::uid_of(live))
      last = {kube::uid_of(live), kube::string_at(kube::condition_of(live, "Ready"), {"reason"})};
    if (last.reason == reason) return;
    last.reason = reason;
  }
  bool warning = kube::string_at(ready, {"status"}) != "True" &&
                 kube::string_at(kube::condition_of(wrapped, "Progressing"), {"status"}) != "True";
  writer_.event(live, warning || reason == "Error", reason, kube::string_at(ready, {"message"}));
}

void Announcer::forget(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  last_.erase(key);
}

}  // namespace longhaul::op::reconcile
