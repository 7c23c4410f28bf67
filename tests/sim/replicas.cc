#include "tests/sim/replicas.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "records/batch.h"
#include "records/record.h"

namespace longhaul::sim {

using broker::metadata::MetadataImage;

namespace {

/// A log as one machine has it.
struct Copy {
  std::map<int64_t, uint64_t> batches;           // by base offset: their bytes
  std::map<base::Bytes, uint64_t> newest_value;  // by key; none for a tombstone
  int64_t start = 0;
  int64_t end = 0;
};

/// What is left of each key if all but its newest record are compacted away. Tombstones go sooner
/// or later.
void add_values(const records::BatchView& batch, Copy& copy) {
  if (batch.header.is_control() || batch.header.codec() != records::Codec::kNone) return;
  records::RecordReader reader(batch.header, batch.payload());
  while (const records::Record* record = reader.next()) {
    if (!record->key) continue;
    base::Bytes key(record->key->begin(), record->key->end());
    copy.newest_value.erase(key);
    if (record->value) copy.newest_value.emplace(std::move(key), fnv1a(*record->value));
  }
}

void add_batches(base::ByteView bytes, Copy& copy) {
  records::BatchWalker walker(bytes);
  while (const records::BatchView* batch = walker.next()) {
    copy.batches[batch->header.base_offset] = fnv1a(batch->bytes);
    copy.end = batch->header.next_offset();
    add_values(*batch, copy);
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

void compare_values(World& world, const std::string& what,
                    const std::map<std::string, Copy>& copies) {
  for (const auto& [host, copy] : copies) {
    const auto& [first, reference] = *copies.begin();
    if (reference.newest_value == copy.newest_value) continue;
    auto [one, other] = std::ranges::mismatch(reference.newest_value, copy.newest_value);
    const base::Bytes& key = one == reference.newest_value.end() ? other->first : one->first;
    world.findings.add("{} does not have the same values on {} and {}: {} and {} of them, key {}",
                       what, first, host, reference.newest_value.size(), copy.newest_value.size(),
                       describe(key));
  }
}

/// Of all logs that are neither deleted nor put aside, but for the metadata log.
std::vector<std::string> log_directories(base::MemoryFileSystem& disk) {
  std::vector<std::string> all;
  for (const char* log_dir : {"/a", "/b"}) {
    auto logs = disk.list(log_dir);
    for (size_t i = 0; logs && i < logs->size(); ++i) {
      const std::string& name = (*logs)[i].name;
      bool is_away = name.ends_with("-delete") || name.ends_with("-stray");
      if (!(*logs)[i].is_directory || is_away || name.starts_with("__cluster_metadata")) continue;
      all.push_back(std::string(log_dir) + "/" + name);
    }
  }
  return all;
}

}  // namespace

Replicas::Image Replicas::newest_image() const {
  Image newest;
  for (const auto& host : region_.hosts()) {
    if (!host->node()) return nullptr;
    Image image = host->node()->images().current();
    if (!newest || image->provenance.offset > newest->provenance.offset) newest = std::move(image);
  }
  return newest;
}

std::optional<std::string> Replicas::who_is_behind(const broker::metadata::Topic& topic,
                                                   int32_t index) const {
  std::optional<int64_t> end;
  const broker::metadata::Partition& state = *topic.partition(index);
  auto lead =
      state.leader > 0 ? region_.host(state.leader).node()->logs().get(topic.name, index) : nullptr;
  if (!lead) return fmt::format("nobody leads {}-{}", topic.name, index);
  for (int32_t id : state.replicas) {
    Host& host = region_.host(id);
    auto log = host.node()->logs().get(topic.name, index);
    if (!log || log->topic_id() != topic.id)
      return fmt::format("{} has no log of {}-{}", host.name(), topic.name, index);
    if (log->log_start_offset() < lead->log_start_offset())
      return fmt::format("{}-{} starts at {} on {}, and at {} on its leader", topic.name, index,
                         log->log_start_offset(), host.name(), lead->log_start_offset());
    if (!end) end = log->log_end_offset();
    if (*end == log->log_end_offset() && *end == log->high_watermark()) continue;
    return fmt::format("{}-{} ends at {} on {}, high watermark {}, and at {} elsewhere", topic.name,
                       index, log->log_end_offset(), host.name(), log->high_watermark(), *end);
  }
  return std::nullopt;
}

std::optional<std::string> Replicas::who_has_too_much(const MetadataImage& image,
                                                      Host& host) const {
  std::set<std::string> held;
  for (const auto& each : host.node()->logs().held()) {
    const auto& id = each.log->id();
    const broker::metadata::Topic* topic = image.topic(each.log->topic_id());
    const broker::metadata::Partition* partition = topic ? topic->partition(id.partition) : nullptr;
    bool is_its_own =
        partition && topic->name == id.topic &&
        std::ranges::find(partition->replicas, host.id()) != partition->replicas.end();
    if (!is_its_own || each.is_future)
      return fmt::format("{} holds a log of {} that is not its own", host.name(), id.to_string());
    held.insert(each.log->path());
  }
  for (const std::string& path : log_directories(host.disk())) {
    if (!held.contains(path)) return fmt::format("{} has forgotten {}", host.name(), path);
  }
  return std::nullopt;
}

std::optional<std::string> Replicas::what_is_amiss() const {
  Image image = newest_image();
  if (!image) return "somebody does not run";
  std::optional<std::string> amiss;
  for (const auto& host : region_.hosts()) {
    if (!amiss) amiss = who_has_too_much(*image, *host);
  }
  image->topics.for_each([&](const base::Uuid&, const auto& topic) {
    for (size_t i = 0; !amiss && i < topic->partitions.size(); ++i)
      amiss = who_is_behind(*topic, static_cast<int32_t>(i));
  });
  return amiss;
}

void Replicas::check_partition(const broker::metadata::Topic& topic, int32_t index) const {
  std::map<std::string, Copy> copies;
  for (int32_t id : topic.partition(index)->replicas) {
    Host& host = region_.host(id);
    auto log = host.node()->logs().get(topic.name, index);
    auto copy = log ? copy_of(*log) : std::nullopt;
    if (!copy) {
      region_.world().findings.add("{}-{} cannot be read on {}", topic.name, index, host.name());
      continue;
    }
    copies.emplace(host.name(), std::move(*copy));
  }
  if (copies.empty()) return;
  std::string what = fmt::format("{}-{}", topic.name, index);
  bool is_compacted = topic.name.starts_with("__");
  is_compacted ? compare_values(region_.world(), what, copies)
               : compare(region_.world(), what, copies);
}

void Replicas::check_metadata() const {
  std::map<std::string, Copy> copies;
  for (const auto& host : region_.hosts()) {
    copies.emplace(host->name(), metadata_of(host->disk()));
  }
  compare(region_.world(), "the metadata log", copies);
}

void Replicas::check() const {
  Image image = newest_image();
  if (!image) return region_.world().findings.add("somebody does not run");
  image->topics.for_each([&](const base::Uuid&, const auto& topic) {
    for (size_t i = 0; i < topic->partitions.size(); ++i)
      check_partition(*topic, static_cast<int32_t>(i));
  });
  check_metadata();
}

}  // namespace longhaul::sim
