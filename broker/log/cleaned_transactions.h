// What compaction has to know of transactions: whose records go, and when a marker may follow them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "broker/log/end_marker.h"
#include "broker/log/transaction_index.h"
#include "records/batch.h"

namespace longhaul::broker::log {

/// Sees the batches of a log in their order, once.
class CleanedTransactions {
 public:
  /// All that were aborted and have records in what is looked at; in any order, repeated or not.
  explicit CleanedTransactions(std::vector<AbortedTransaction> aborted);

  /// Takes note of a batch of records. True if its transaction was aborted: they are of no use.
  bool see_records(const records::BatchHeader& batch);

  struct Marker {
    /// Nothing is left of the transaction that it ended: nobody needs it, once its time is over.
    bool is_last = false;
    /// The transaction was aborted, and consumers may still meet its records: it stays indexed.
    std::optional<AbortedTransaction> aborted;
  };
  /// Takes note of a control batch. One that is no marker, and not empty, is never the last.
  Marker see_marker(const records::BatchHeader& batch, const std::optional<EndMarker>& marker);

 private:
  struct Aborted {
    AbortedTransaction transaction;
    bool has_records = false;
  };

  /// Transactions that began in or before `batch`, and did not end before it, are under way.
  void begin_up_to(const records::BatchHeader& batch);

  std::vector<AbortedTransaction> aborted_;               // by first offset
  size_t next_ = 0;                                       // of those that have not begun yet
  std::unordered_map<int64_t, Aborted> ongoing_aborted_;  // by producer ID
  std::set<int64_t> ongoing_committed_;                   // producer IDs that have records
};

}  // namespace longhaul::broker::log
