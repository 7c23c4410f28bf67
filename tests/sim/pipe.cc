#include "tests/sim/pipe.h"

#include <algorithm>
#include <utility>

namespace longhaul::sim {

Pipe::~Pipe() {
  simulation_.cancel_all(this);
  std::erase(route_.held, this);
}

void Pipe::read_by(std::function<void(base::Bytes)> arrived, std::function<void()> ended) {
  arrived_ = std::move(arrived);
  ended_ = std::move(ended);
}

void Pipe::push(Piece piece) {
  if (piece.number == 0) piece.number = ++route_.sent;
  on_their_way_.push_back(std::move(piece));
  schedule();
}

void Pipe::schedule() {
  simulation_.after(simulation_.some_delay(latency_) + route_.delay, this, [this] { arrive(); });
}

void Pipe::arrive() {
  if (route_.cut) {
    if (waiting_++ == 0) route_.held.push_back(this);
    return;
  }
  Piece first = std::move(on_their_way_.front());
  on_their_way_.pop_front();
  if (first.number < route_.newest) ++route_.world.counts["reordered across connections"];
  route_.newest = std::max(route_.newest, first.number);
  arrived_bytes_ += first.bytes.size();
  if (!first.bytes.empty()) return arrived_(std::move(first.bytes));
  ended_();
}

void Pipe::resume() {
  for (size_t i = std::exchange(waiting_, 0); i > 0; --i) schedule();
}

void Pipe::write(base::Bytes bytes) {
  if (ends_ || bytes.empty()) return;
  written_ += bytes.size();
  if (bytes.size() > 1 && simulation_.chance(10)) {
    auto cut =
        bytes.begin() + 1 + static_cast<ptrdiff_t>(simulation_.random().below(bytes.size() - 1));
    push({base::Bytes(bytes.begin(), cut)});
    bytes.erase(bytes.begin(), cut);
  }
  push({std::move(bytes)});
}

void Pipe::end() {
  if (std::exchange(ends_, true)) return;
  push({});
}

size_t Pipe::cut() {
  if (std::exchange(ends_, true)) return 0;
  auto kept = simulation_.random().below(on_their_way_.size() + 1);
  size_t lost = on_their_way_.size() - kept;
  on_their_way_.resize(kept);
  simulation_.cancel_all(this);
  waiting_ = 0;
  std::erase(route_.held, this);
  std::deque<Piece> again = std::exchange(on_their_way_, {});
  for (Piece& piece : again) push(std::move(piece));
  push({});
  return lost;
}

void Pipe::abandon() {
  ends_ = true;
  simulation_.cancel_all(this);
  waiting_ = 0;
  std::erase(route_.held, this);
  on_their_way_.clear();
}

}  // namespace longhaul::sim
