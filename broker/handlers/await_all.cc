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
  Waiting(base::EventLoop& on, std::shared_ptr<net::ConnectionInfo> from, size_t parts,
          base::Callback<void(std::vector<ErrorCode>)> callback)
      : loop(on),
        connection(std::move(from)),
        outcomes(parts),
        left(parts),
        done(std::move(callback)) {
    for (auto& each : outcomes) each = ErrorCode::kRequestTimedOut;
  }

  void start(std::chrono::milliseconds timeout) {
    timer = loop.after(std::max(timeout, std::chrono::milliseconds(0)),
                       [self = shared_from_this()] { self->finish(); });
    closing = connection->when_closed.add([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->finish();
    });
  }

  void part_done(size_t part, ErrorCode outcome) {
    outcomes[part] = outcome;
    if (left.fetch_sub(1) == 1) loop.post([self = shared_from_this()] { self->finish(); });
  }

  void finish() {
    if (!done) return;
    loop.cancel(std::exchange(timer, 0));
    connection->when_closed.remove(std::exchange(closing, 0));
    std::exchange(done, {})({outcomes.begin(), outcomes.end()});
  }

  base::EventLoop& loop;
  const std::shared_ptr<net::ConnectionInfo> connection;
  std::vector<std::atomic<ErrorCode>> outcomes;
  std::atomic<size_t> left;
  base::Callback<void(std::vector<ErrorCode>)> done;
  base::TimerId timer = 0;
  uint64_t closing = 0;
};

}  // namespace

void await_all(base::EventLoop& loop, std::shared_ptr<net::ConnectionInfo> connection,
               std::chrono::milliseconds timeout, size_t parts,
               const std::function<void(size_t part, partition::CommitWaiter)>& begin,
               base::Callback<void(std::vector<ErrorCode>)> done) {
  auto waiting = std::make_shared<Waiting>(loop, std::move(connection), parts, std::move(done));
  waiting->start(timeout);
  for (size_t part = 0; part < parts; ++part) {
    std::weak_ptr weak(waiting);
    auto tell = [weak, part](ErrorCode outcome) {
      if (auto self = weak.lock()) self->part_done(part, outcome);
    };
    begin(part, {std::move(tell), weak});
  }
}

}  // namespace longhaul::broker::handlers
