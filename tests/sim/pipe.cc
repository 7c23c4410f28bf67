#include "tests/sim/pipe.h"

#include <utility>

namespace longhaul::sim {

void Pipe::read_by(std::function<void(base::Bytes)> arrived, std::function<void()> ended) {
  arrived_ = std::move(arrived);
  ended_ = std::move(ended);
}

void Pipe::push(base::Bytes bytes) {
  on_their_way_.push_back(std::move(bytes));
  simulation_.after(simulation_.some_delay(latency_), this, [this] {
    base::Bytes first = std::move(on_their_way_.front());
    on_their_way_.pop_front();
    if (!first.empty()) return arrived_(std::move(first));
    ended_();
  });
}

void Pipe::write(base::Bytes bytes) {
  if (ends_ || bytes.empty()) return;
  if (bytes.size() > 1 && simulation_.chance(10)) {
    auto cut =
        bytes.begin() + 1 + static_cast<ptrdiff_t>(simulation_.random().below(bytes.size() - 1));
    push(base::Bytes(bytes.begin(), cut));
    bytes.erase(bytes.begin(), cut);
  }
  push(std::move(bytes));
}

void Pipe::end() {
  if (std::exchange(ends_, true)) return;
  push({});
}

void Pipe::cut() {
  if (std::exchange(ends_, true)) return;
  auto kept = simulation_.random().below(on_their_way_.size() + 1);
  on_their_way_.resize(kept);
  simulation_.cancel_all(this);
  std::deque<base::Bytes> again = std::exchange(on_their_way_, {});
  for (base::Bytes& bytes : again) push(std::move(bytes));
  push({});
}

void Pipe::abandon() {
  ends_ = true;
  simulation_.cancel_all(this);
  on_their_way_.clear();
}

}  // namespace longhaul::sim
