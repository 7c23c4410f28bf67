// Conditions of our resources, from what a pass over the steps came to.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/store.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/writer.h"

namespace longhaul::op::reconcile {

/// A pass that ended: the first step's answer that was not Done, or Done.
struct Verdict {
  StepResult result = done();
  std::string step;      // the step that stopped the pass
  std::string good;      // message of Ready=True
  std::string degraded;  // what does not work although it should; empty: nothing
};

/// `status.conditions` of `live` with Ready, Progressing and Degraded brought up to date.
kube::Json conditions_after(const kube::Json& live, const Verdict& verdict, std::string_view now);

/// A lifecycle operation: what a region goes through step by step, one at a time.
struct Operation {
  std::string kind;                // Found, ScaleOut, ChangeVoters, Roll
  int64_t node = -1;               // whose turn it is; negative: nobody's
  std::vector<int64_t> remaining;  // nodes that it has not come to, this one included
};

/// `status.operation` of `live` brought up to date; null: none is under way. One that began (what
/// `live` says) lasts until the region is as desired, though no step is `now` at it: the last
/// broker of a roll has yet to come back. Nothing depends on it but that: an operator that finds it
/// goes on from what it observes.
kube::Json operation_after(const kube::Json& live, const std::optional<Operation>& now,
                           const Verdict& verdict, std::string_view time);
/// The kind of the operation that `live` says is under way; empty: none.
std::string operation_kind(const kube::Json& live);

/// How the queue goes on after a pass. `recheck` is for objects that are as desired.
Next next_after(const Verdict& verdict, std::chrono::milliseconds recheck);

/// Tells people, once, when the reason of a Ready condition changes.
class Announcer {
 public:
  explicit Announcer(Writer& writer) : writer_(writer) {}
  void announce(const kube::Json& live, const kube::Json& conditions);
  /// The object is gone.
  void forget(const kube::ObjectKey& key);

 private:
  struct Last {
    std::string uid;
    std::string reason;
  };
  Writer& writer_;
  std::mutex mutex_;
  std::map<kube::ObjectKey, Last> last_;
};

}  // namespace longhaul::op::reconcile
