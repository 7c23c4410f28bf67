#include "broker/handlers/await_all.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

/// Lives as long as its timer: parts that are done later find nobody.
struct Waiting : std::enable_shared_from_this<Waiting> {
  Waiting(base::EventLoop& on, size_t parts, base::Callback<void(std::vector<ErrorCode>)> callback)
      : loop(on), outcomes(parts), left(parts), done(std::move(callback)) {
    for (auto& each : outcomes) each = ErrorCode::kRequestTimedOut;
  }

  void part_done(size_t part, ErrorCode outcome) {
    outcomes[part] = outcome;
    if (left.fetch_sub(1) == 1) loop.post([self = shared_from_this()] { self->finish(); });
  }

  void finish() {
    if (!done) return;
    loop.cancel(std::exchange(timer, 0));
    std::exchange(done, {})({outcomes.begin(), outcomes.end()});
  }

  base::EventLoop& loop;
  std::vector<std::atomic<ErrorCode>> outcomes;
  std::atomic<size_t> left;
  base::Callback<void(std::vector<ErrorCode>)> done;
  base::TimerId timer = 0;
};

}  // namespace

void await_all(base::EventLoop& loop, std::chrono::milliseconds timeout, size_t parts,
               const std::function<void(size_t part, partition::CommitCallback)>& begin,
               base::Callback<void(std::vector<ErrorCode>)> done) {
  auto waiting = std::make_shared<Waiting>(loop, parts, std::move(done));
  waiting->timer =
      loop.after(std::max(timeout, std::chrono::milliseconds(0)), [waiting] { waiting->finish(); });
  for (size_t part = 0; part < parts; ++part) {
    begin(part, [weak = std::weak_ptr(waiting), part](ErrorCode outcome) {
      if (auto self = weak.lock()) self->part_done(part, outcome);
    });
  }
}

}  // namespace longhaul::broker::handlers
