#include "broker/config/option_table.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "base/assert.h"
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

std::vector<const Option*> join(std::initializer_list<std::span<const Option>> parts) {
  std::vector<const Option*> all;
  for (std::span<const Option> part : parts) {
    for (const Option& option : part) all.push_back(&option);
  }
  return all;
}

/// Levenshtein's distance.
size_t edits_between(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;

struct TopicSynonyms {
  std::string_view topic_option;
  Synonym first;
};

/// Topic options and the broker option that is their default; those with further names get them
/// from `broker_synonyms`.
constexpr TopicSynonyms kTopicSynonyms[] = {
    {"cleanup.policy", {"log.cleanup.policy"}},
    {"compression.gzip.level", {"compression.gzip.level"}},
    {"compression.lz4.level", {"compression.lz4.level"}},
    {"compression.type", {"compression.type"}},
    {"compression.zstd.level", {"compression.zstd.level"}},
    {"delete.retention.ms", {"log.cleaner.delete.retention.ms"}},
    {"file.delete.delay.ms", {"log.segment.delete.delay.ms"}},
    {"flush.messages", {"log.flush.interval.messages"}},
    {"flush.ms", {"log.flush.interval.ms"}},
    {"index.interval.bytes", {"log.index.interval.bytes"}},
    {"local.retention.bytes", {"log.local.retention.bytes"}},
    {"local.retention.ms", {"log.local.retention.ms"}},
    {"longhaul.durability", {"longhaul.durability"}},
    {"max.compaction.lag.ms", {"log.cleaner.max.compaction.lag.ms"}},
    {"max.message.bytes", {"message.max.bytes"}},
    {"message.timestamp.after.max.ms", {"log.message.timestamp.after.max.ms"}},
    {"message.timestamp.before.max.ms", {"log.message.timestamp.before.max.ms"}},
    {"message.timestamp.type", {"log.message.timestamp.type"}},
    {"min.cleanable.dirty.ratio", {"log.cleaner.min.cleanable.ratio"}},
    {"min.compaction.lag.ms", {"log.cleaner.min.compaction.lag.ms"}},
    {"min.insync.replicas", {"min.insync.replicas"}},
    {"preallocate", {"log.preallocate"}},
    {"retention.bytes", {"log.retention.bytes"}},
    {"retention.ms", {"log.retention.ms"}},
    {"segment.bytes", {"log.segment.bytes"}},
    {"segment.index.bytes", {"log.index.size.max.bytes"}},
    {"segment.jitter.ms", {"log.roll.jitter.ms"}},
    {"segment.ms", {"log.roll.ms"}},
    {"unclean.leader.election.enable", {"unclean.leader.election.enable"}},
};

}  // namespace

OptionTable::OptionTable(std::vector<const Option*> options) : options_(std::move(options)) {
  std::sort(options_.begin(), options_.end(),
            [](const Option* a, const Option* b) { return a->name < b->name; });
  for (const Option* option : options_) {
    bool added = by_name_.emplace(option->name, option).second;
    LH_ASSERT(added, "an option stands in the table twice");
  }
}

const Option* OptionTable::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const Option& OptionTable::get(std::string_view name) const {
  const Option* option = find(name);
  LH_ASSERT(option, "the program asked for an option that is not in the table");
  return *option;
}

std::string_view OptionTable::nearest(std::string_view name) const {
  if (name.size() > 200) return {};
  std::string_view best;
  size_t fewest = std::max<size_t>(3, name.size() / 3) + 1;
  for (const Option* option : options_) {
    size_t edits = edits_between(name, option->name);
    if (edits < fewest) {
      fewest = edits;
      best = option->name;
    }
  }
  return best;
}

const OptionTable& broker_options() {
  static const OptionTable table(
      join({cluster_options(), extensions_options(), groups_options(), log_options(), net_options(),
            security_options(), transactions_options(), longhaul_options(), dropped_options()}));
  return table;
}

const OptionTable& topic_option_table() {
  static const OptionTable table(join({topic_options()}));
  return table;
}

std::vector<Synonym> broker_synonyms(std::string_view broker_option) {
  std::string_view name = broker_options().get(broker_option).name;
  if (name == "log.retention.ms") {
    return {{name}, {"log.retention.minutes", kMinute}, {"log.retention.hours", kHour}};
  }
  if (name == "log.roll.ms") return {{name}, {"log.roll.hours", kHour}};
  if (name == "log.roll.jitter.ms") return {{name}, {"log.roll.jitter.hours", kHour}};
  if (name == "log.flush.interval.ms") return {{name}, {"log.flush.scheduler.interval.ms"}};
  if (name == "log.dirs") return {{name}, {"log.dir"}};
  return {{name}};
}

std::vector<Synonym> topic_synonyms(std::string_view topic_option) {
  for (const TopicSynonyms& row : kTopicSynonyms) {
    if (row.topic_option == topic_option) return broker_synonyms(row.first.broker_option);
  }
  return {};
}

}  // namespace longhaul::broker::config
