#include "tests/sim/history.h"

#include <algorithm>
#include <utility>

#include "tests/sim/trace.h"

namespace longhaul::sim {

namespace {

/// Everything that the broker leaves as it is: all but base offset and leader epoch.
uint64_t content_of(base::ByteView batch) {
  return fnv1a(batch.subspan(records::kMagicAt), fnv1a(batch.subspan(records::kLengthAt, 4)));
}

}  // namespace

std::string History::name_of(const PartitionId& id) const {
  auto name = names_.find(id.topic);
  return fmt::format("{}-{}", name == names_.end() ? id.topic.to_string() : name->second, id.index);
}

void History::promise(const PartitionId& partition, const Promise& promise) {
  partitions_[partition].promise = promise;
}

History::BatchId History::sent(const PartitionId& partition, uint32_t producer,
                               base::ByteView batch, std::vector<int64_t> timestamps) {
  auto header = records::parse_header(batch);
  batches_.push_back({partition, producer, *header, std::move(timestamps), State::kPending, -1});
  BatchId id = batches_.size();
  by_content_.emplace(content_of(batch), id);
  return id;
}

std::string History::describe(BatchId id) const {
  const Batch& batch = batches_[id - 1];
  return fmt::format("batch {} of client {} to {} ({} records, producer {} sequence {})", id,
                     batch.producer, name_of(batch.partition), batch.header.record_count,
                     batch.header.producer_id, batch.header.base_sequence);
}

void History::acknowledged(BatchId id, int64_t offset) {
  Batch& batch = batches_[id - 1];
  ++acknowledged_;
  batch.state = State::kAcknowledged;
  place(partitions_[batch.partition], id, offset);
}

void History::given_up(BatchId id) {
  Batch& batch = batches_[id - 1];
  batch.state = State::kUnknown;
  partitions_[batch.partition].unknown.push_back(id);
}

void History::producer_id_given(int64_t id) {
  if (!producer_ids_.insert(id).second) findings_.add("producer ID {} was given out twice", id);
}

void History::deleting(const PartitionId& id, int64_t offset) {
  int64_t& deletable = partitions_[id].deletable;
  deletable = std::max(deletable, offset);
}

void History::deleted(const PartitionId& id, int64_t start) {
  Partition& partition = partitions_[id];
  if (start > partition.deletable) {
    findings_.add("{} begins at {}, and should be deleted up to {}", name_of(id), start,
                  partition.deletable);
  }
  partition.start = std::max(partition.start, start);
}

void History::deletions_may_return() {
  deletions_may_return_ = true;
  for (auto& [id, partition] : partitions_) partition.start = 0;
}

int64_t History::choose_deletion(const PartitionId& id, base::Random& random) const {
  auto found = partitions_.find(id);
  if (found == partitions_.end() || found->second.log.empty()) return -1;
  const Partition& partition = found->second;
  int64_t left = batches_[partition.log.rbegin()->second - 1].end() - partition.deletable;
  if (left < 2) return -1;
  return partition.deletable + 1 +
         static_cast<int64_t>(random.below(static_cast<uint64_t>(left) / 2));
}

void History::place(Partition& partition, BatchId id, int64_t offset) {
  Batch& batch = batches_[id - 1];
  if (batch.offset == offset) return;
  if (batch.offset >= 0) {
    bool forgotten = may_be_gone(partition, batch);
    if (!forgotten)
      findings_.add("{} is at offset {} and at {}", describe(id), batch.offset, offset);
    if (!forgotten || offset < batch.offset) return;
    partition.log.erase(batch.offset);
    batch.offset = -1;
  }
  auto after = partition.log.lower_bound(offset);
  auto overlaps = [&](BatchId other) {
    const Batch& there = batches_[other - 1];
    return there.offset < offset + batch.header.record_count && offset < there.end();
  };
  for (auto near : {after, after == partition.log.begin() ? after : std::prev(after)}) {
    if (near == partition.log.end() || !overlaps(near->second)) continue;
    findings_.add("{} is at offset {}, where {} was before", describe(id), offset,
                  describe(near->second));
    return;
  }
  batch.offset = offset;
  partition.log.emplace(offset, id);
}

History::BatchId History::identify(base::ByteView batch) const {
  auto found = by_content_.find(content_of(batch));
  return found == by_content_.end() ? 0 : found->second;
}

void History::saw(const PartitionId& partition, const records::BatchView& view) {
  BatchId id = identify(view.bytes);
  if (id == 0 || !records::crc_matches(view.bytes)) {
    findings_.add("{}: at offset {} is what nobody sent, {}", name_of(partition),
                  view.header.base_offset,
                  records::crc_matches(view.bytes) ? "with a right CRC" : "and its CRC is wrong");
    return;
  }
  const Batch& batch = batches_[id - 1];
  if (batch.partition != partition) {
    findings_.add("{} was read from {}", describe(id), name_of(partition));
    return;
  }
  if (batch.state == State::kGone) {
    findings_.add("{} was not there, and has come back at offset {}", describe(id),
                  view.header.base_offset);
    return;
  }
  place(partitions_[partition], id, view.header.base_offset);
}

void History::audit(const PartitionId& id, const Contents& contents, Loss loss) {
  Partition& partition = partitions_[id];
  audit_end(id, partition, contents.end, loss);
  audit_order(id, contents);
  audit_start(id, partition, contents);
  for (BatchId unknown : std::exchange(partition.unknown, {})) {
    Batch& batch = batches_[unknown - 1];
    if (batch.offset < 0) batch.state = State::kGone;
  }
}

void History::audit_end(const PartitionId& id, Partition& partition, int64_t end, Loss loss) {
  if (end < partition.durable) {
    findings_.add("{} ends at {}, but was durable up to {}", name_of(id), end, partition.durable);
  }
  auto first = partition.log.lower_bound(end);
  if (first != partition.log.begin() && batches_[std::prev(first)->second - 1].end() > end) --first;
  for (auto at = first; at != partition.log.end(); ++at) {
    Batch& batch = batches_[at->second - 1];
    bool promised = partition.promise.flushes && batch.state == State::kAcknowledged;
    if (loss == Loss::kNothing || promised) {
      findings_.add("{} is lost: it was at offset {}, and the log ends at {}", describe(at->second),
                    batch.offset, end);
    }
    batch.offset = -1;
    if (batch.state != State::kPending) batch.state = State::kGone;
  }
  partition.log.erase(first, partition.log.end());
}

void History::audit_order(const PartitionId& id, const Contents& contents) {
  std::map<uint32_t, BatchId> newest;                     // by client
  std::map<int64_t, const records::BatchHeader*> latest;  // by producer ID
  int64_t next = contents.start;
  records::BatchWalker walker(contents.batches);
  while (const records::BatchView* view = walker.next()) {
    // What was deleted may end within a batch.
    bool holds_start = newest.empty() && partitions_[id].promise.is_pruned &&
                       view->header.base_offset < next && next < view->header.next_offset();
    if (view->header.base_offset != next && !holds_start) {
      findings_.add("{}: offset {} comes where {} should", name_of(id), view->header.base_offset,
                    next);
    }
    next = view->header.next_offset();
    saw(id, *view);
    BatchId batch_id = identify(view->bytes);
    if (batch_id == 0) continue;
    const Batch& batch = batches_[batch_id - 1];
    // One that was given up on may have come late, by a connection of which nobody hears any more.
    BatchId& before = newest[batch.producer];
    bool ordered = !reordering_ || batch.header.has_producer_id();
    if (ordered && batch.state != State::kUnknown) {
      if (batch_id <= before) {
        findings_.add("{} comes behind {}", describe(batch_id), describe(before));
      }
      before = batch_id;
    }
    if (!batch.header.has_producer_id()) continue;
    const auto*& last = latest[batch.header.producer_id];
    bool first_of_all = last == nullptr && contents.start == 0 && batch.header.base_sequence != 0;
    bool gap = last != nullptr &&
               batch.header.base_sequence != records::add_sequence(last->last_sequence(), 1);
    if (first_of_all || gap) {
      findings_.add("{} at offset {}: what its producer sent before it is missing",
                    describe(batch_id), view->header.base_offset);
    }
    last = &batch.header;
  }
  if (walker.error() || next != contents.end) {
    findings_.add("{}: batches end at {}, the log at {}{}{}", name_of(id), next, contents.end,
                  walker.error() ? ": " : "", walker.error() ? walker.error()->message : "");
  }
}

void History::audit_start(const PartitionId& id, Partition& partition, const Contents& contents) {
  if (contents.start < partition.start) {
    findings_.add("{} begins at {}, and was deleted up to {}", name_of(id), contents.start,
                  partition.start);
  }
  for (const auto& [offset, batch] : partition.log) {
    if (offset >= contents.start || contents.start <= partition.deletable) break;
    if (may_be_gone(partition, batches_[batch - 1])) continue;
    findings_.add("{} at offset {} was deleted before its time: {} begins at {}", describe(batch),
                  offset, name_of(id), contents.start);
    return;
  }
  // Nothing is under way any more, but where replicas know of other deletions than their leader.
  if (!deletions_may_return_) {
    partition.deletable = std::min(partition.deletable, contents.start);
  }
  if (partition.promise.is_pruned) partition.start = contents.start;
}

bool History::may_be_gone(const Partition& partition, const Batch& batch) const {
  if (batch.offset >= 0 && batch.end() <= partition.deletable) return true;
  const auto& kept_ms = partition.promise.retention_ms;
  return kept_ms && batch.header.max_timestamp < newest_ms_() - *kept_ms;
}

void History::all_is_durable() {
  for (auto& [id, partition] : partitions_) {
    if (partition.log.empty()) continue;
    partition.durable = batches_[partition.log.rbegin()->second - 1].end();
  }
}

int64_t History::offset_for_timestamp(const PartitionId& id, int64_t start,
                                      int64_t timestamp) const {
  auto partition = partitions_.find(id);
  if (partition == partitions_.end()) return -1;
  for (const auto& [offset, batch_id] : partition->second.log) {
    const Batch& batch = batches_[batch_id - 1];
    if (batch.end() <= start) continue;
    for (size_t i = 0; i < batch.timestamps.size(); ++i) {
      int64_t at = offset + static_cast<int64_t>(i);
      if (at >= start && batch.timestamps[i] >= timestamp) return at;
    }
  }
  return -1;
}

}  // namespace longhaul::sim
