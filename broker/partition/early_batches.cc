#include "broker/partition/early_batches.h"

#include <utility>

namespace longhaul::broker::partition {

void EarlyBatches::note(const std::string& topic, const base::Uuid& id, int32_t partition,
                        const records::BatchHeader& batch) {
  if (!batch.has_producer_id()) return;
  std::lock_guard lock(mutex_);
  forget_old();
  if (batches_.size() >= kMost) batches_.erase(batches_.begin());
  batches_.push_back({topic, id, partition, batch, clock_.monotonic()});
}

std::vector<records::BatchHeader> EarlyBatches::take(const std::string& topic, const base::Uuid& id,
                                                     int32_t partition) {
  std::lock_guard lock(mutex_);
  forget_old();
  std::vector<records::BatchHeader> taken;
  std::erase_if(batches_, [&](const Early& each) {
    bool same_topic = each.id.is_zero() ? each.topic == topic : each.id == id;
    if (!same_topic || each.partition != partition) return false;
    taken.push_back(each.batch);
    return true;
  });
  return taken;
}

void EarlyBatches::forget_old() {
  auto now = clock_.monotonic();
  std::erase_if(batches_, [&](const Early& each) { return now - each.noted > kKept; });
}

}  // namespace longhaul::broker::partition
