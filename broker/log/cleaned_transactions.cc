#include "broker/log/cleaned_transactions.h"

#include <algorithm>

namespace longhaul::broker::log {

CleanedTransactions::CleanedTransactions(std::vector<AbortedTransaction> aborted)
    : aborted_(std::move(aborted)) {
  std::sort(aborted_.begin(), aborted_.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
}

void CleanedTransactions::begin_up_to(const records::BatchHeader& batch) {
  for (; next_ < aborted_.size(); ++next_) {
    const AbortedTransaction& aborted = aborted_[next_];
    if (aborted.first_offset > batch.last_offset()) return;
    // What has ended without our seeing it says nothing of the producer's later transactions.
    if (aborted.last_offset < batch.base_offset) continue;
    ongoing_aborted_.try_emplace(aborted.producer_id, Aborted{aborted});
  }
}

bool CleanedTransactions::see_records(const records::BatchHeader& batch) {
  begin_up_to(batch);
  if (!batch.is_transactional()) return false;
  auto aborted = ongoing_aborted_.find(batch.producer_id);
  if (aborted == ongoing_aborted_.end()) {
    ongoing_committed_.insert(batch.producer_id);
    return false;
  }
  aborted->second.has_records = true;
  return true;
}

CleanedTransactions::Marker CleanedTransactions::see_marker(
    const records::BatchHeader& batch, const std::optional<EndMarker>& marker) {
  begin_up_to(batch);
  if (!marker) return {batch.record_count == 0, std::nullopt};
  if (marker->commit) return {ongoing_committed_.erase(batch.producer_id) == 0, std::nullopt};
  auto aborted = ongoing_aborted_.extract(batch.producer_id);
  if (aborted.empty() || !aborted.mapped().has_records) return {true, std::nullopt};
  return {false, aborted.mapped().transaction};
}

}  // namespace longhaul::broker::log
