#include "tests/sim/replicas.h"

#include <algorithm>
#include <map>
#include <optional>

#include "records/batch.h"

namespace longhaul::sim {

namespace {

/// A log as one machine has it.
struct Copy {
  std::map<int64_t, uint64_t> batches;  // by base offset: their bytes
  int64_t start = 0;
  int64_t end = 0;
};

void add_batches(base::ByteView bytes, Copy& copy) {
  records::BatchWalker walker(bytes);
  while (const records::BatchView* batch = walker.next()) {
    copy.batches[batch->header.base_offset] = fnv1a(batch->bytes);
    copy.end = batch->header.next_offset();
  }
}

std::optional<Copy> copy_of(broker::log::Log& log) {
  Copy copy;
  copy.start = copy.end = log.log_start_offset();
  while (copy.end < log.log_end_offset()) {
    auto read = log.read({copy.end, 1 << 20, log.log_end_offset(), true});
    if (!read) return std::nullopt;
    auto bytes = base::read_slice(read->slice);
    int64_t before = copy.end;
    if (bytes) add_batches(*bytes, copy);
    if (copy.end == before) return std::nullopt;
  }
  return copy;
}

Copy metadata_of(base::MemoryFileSystem& disk) {
  static constexpr const char* kDirectory = "/a/__cluster_metadata-0";
  Copy copy;
  auto entries = disk.list(kDirectory);
  for (size_t i = 0; entries && i < entries->size(); ++i) {
    const std::string& name = (*entries)[i].name;
    if (!name.ends_with(".log")) continue;
    auto content = base::read_file(disk, std::string(kDirectory) + "/" + name, UINT32_MAX);
    if (content) add_batches(*content, copy);
  }
  copy.start = copy.batches.empty() ? 0 : copy.batches.begin()->first;
  return copy;
}

/// Finds where two copies differ, in what both should have.
std::optional<int64_t> first_difference(const Copy& a, const Copy& b) {
  int64_t from = std::max(a.start, b.start);
  int64_t to = std::min(a.end, b.end);
  auto in_a = a.batches.lower_bound(from);
  auto in_b = b.batches.lower_bound(from);
  for (;; ++in_a, ++in_b) {
    bool a_ends = in_a == a.batches.end() || in_a->first >= to;
    bool b_ends = in_b == b.batches.end() || in_b->first >= to;
    if (a_ends && b_ends) return std::nullopt;
    if (a_ends) return in_b->first;
    if (b_ends || *in_a != *in_b) return in_a->first;
  }
}

void compare(World& world, const std::string& what, const std::map<std::string, Copy>& copies) {
  for (const auto& [host, copy] : copies) {
    const auto& [first, reference] = *copies.begin();
    auto difference = first_difference(reference, copy);
    if (!difference) continue;
    world.findings.add("{} is not the same on {} and {} from offset {} on", what, first, host,
                       *difference);
  }
}

}  // namespace

std::optional<std::string> Replicas::who_is_behind() const {
  for (const PartitionId& partition : topics_.partitions()) {
    const std::string& topic = topics_.find(partition.topic)->name;
    std::optional<int64_t> end;
    for (const auto& host : region_.hosts()) {
      if (!host->node()) return host->name() + " does not run";
      auto log = host->node()->logs().get(topic, partition.index);
      if (!log || log->topic_id() != partition.topic) continue;
      if (!end) end = log->log_end_offset();
      if (*end == log->log_end_offset() && *end == log->high_watermark()) continue;
      return fmt::format("{}-{} ends at {} on {}, high watermark {}, and at {} elsewhere", topic,
                         partition.index, log->log_end_offset(), host->name(),
                         log->high_watermark(), *end);
    }
  }
  return std::nullopt;
}

void Replicas::check_partition(const std::string& topic, const PartitionId& partition) const {
  int32_t index = partition.index;
  std::map<std::string, Copy> copies;
  for (const auto& host : region_.hosts()) {
    auto log = host->node() ? host->node()->logs().get(topic, index) : nullptr;
    if (!log || log->topic_id() != partition.topic) continue;
    auto copy = copy_of(*log);
    if (!copy) {
      region_.world().findings.add("{}-{} cannot be read on {}", topic, index, host->name());
      continue;
    }
    copies.emplace(host->name(), std::move(*copy));
  }
  if (!copies.empty()) compare(region_.world(), fmt::format("{}-{}", topic, index), copies);
}

void Replicas::check_metadata() const {
  std::map<std::string, Copy> copies;
  for (const auto& host : region_.hosts()) {
    copies.emplace(host->name(), metadata_of(host->disk()));
  }
  compare(region_.world(), "the metadata log", copies);
}

void Replicas::check() const {
  for (const PartitionId& partition : topics_.partitions()) {
    check_partition(topics_.find(partition.topic)->name, partition);
  }
  check_metadata();
}

}  // namespace longhaul::sim
