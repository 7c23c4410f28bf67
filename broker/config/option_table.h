// Looking options up by name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/config/option.h"

namespace longhaul::broker::config {

/// An immutable set of options. The table of brokers and that of topics are program constants.
class OptionTable {
 public:
  explicit OptionTable(std::vector<const Option*> options);

  /// Null if there is no such option.
  const Option* find(std::string_view name) const;
  /// For names that the program itself writes: asserts that the option exists.
  const Option& get(std::string_view name) const;
  /// In the order of names.
  const std::vector<const Option*>& all() const { return options_; }
  /// The name that takes the fewest edits to get from `name`, "" if nothing is near.
  std::string_view nearest(std::string_view name) const;

 private:
  std::vector<const Option*> options_;
  std::unordered_map<std::string_view, const Option*> by_name_;
};

/// Everything server.properties may hold: Kafka's, ours, and what Kafka has dropped.
const OptionTable& broker_options();
/// What a topic may be given.
const OptionTable& topic_option_table();

/// A broker option that gives a topic option (or another broker option) its value when that one is
/// not set: DescribeConfigs' synonyms (KIP-226).
struct Synonym {
  std::string_view broker_option;
  int64_t factor = 1;  // its unit in units of the option it stands for: hours to ms = 3'600'000
};

/// In the order in which they are consulted; empty if there is none.
std::vector<Synonym> topic_synonyms(std::string_view topic_option);
/// Likewise for a broker option; it is itself the first.
std::vector<Synonym> broker_synonyms(std::string_view broker_option);

}  // namespace longhaul::broker::config
