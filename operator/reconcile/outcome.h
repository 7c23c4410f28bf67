// What a step of a reconciliation may answer.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace longhaul::op::reconcile {

/// A step never waits: it says whether the next one may run, or when or why to look again.
struct Outcome {
  enum class Kind {
    kDone,     ///< as desired; the next step may run
    kRequeue,  ///< under way: look again after `after`, or when something changes
    kBlocked,  ///< only a change by a person helps; looked at again when something changes
  };
  Kind kind = Kind::kDone;
  std::chrono::milliseconds after{0};
  std::string reason;  // CamelCase, for the conditions
  std::string why;     // for people

  bool is_done() const { return kind == Kind::kDone; }
};

inline Outcome done() { return {}; }
inline Outcome requeue_after(std::chrono::milliseconds after, std::string reason, std::string why) {
  return {Outcome::Kind::kRequeue, after, std::move(reason), std::move(why)};
}
inline Outcome blocked(std::string reason, std::string why) {
  return {Outcome::Kind::kBlocked, {}, std::move(reason), std::move(why)};
}

/// An error is something that failed and may work later: it is retried with back-off.
using StepResult = base::Result<Outcome>;

inline bool is_done(const StepResult& result) { return result && result->is_done(); }

/// What the queue does with a reconciled object.
struct Next {
  /// Zero: only when something changes.
  std::chrono::milliseconds after{0};
  bool failed = false;  // retry with back-off instead
};

}  // namespace longhaul::op::reconcile
