#include "broker/metrics/pulse.h"

#include <fmt/format.h>

#include <utility>

namespace longhaul::broker::metrics {

void Pulse::watch(std::string name, base::Executor& loop) {
  loops_.push_back({std::move(name), loop});
}

std::string Pulse::feel() {
  std::string stuck;
  auto now = clock_.monotonic();
  for (Watched& each : loops_) {
    if (each.answered->load(std::memory_order_acquire)) {
      each.answered->store(false, std::memory_order_relaxed);
      each.asked_at = now;
      each.loop.post(
          [answered = each.answered] { answered->store(true, std::memory_order_release); });
    } else if (now - each.asked_at > patience_ && stuck.empty()) {
      auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - each.asked_at).count();
      stuck = fmt::format("{} has not answered for {} s", each.name, seconds);
    }
  }
  return stuck;
}

}  // namespace longhaul::broker::metrics
