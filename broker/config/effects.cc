#include "broker/config/effects.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/config/options.h"
#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

/// Both policies are in effect but for compaction, which is all that stops a compacted log's
/// growth.
std::string of_cleanup_policy(std::string_view value) {
  std::vector<std::string> policies = value_as_list(value);
  auto has = [&](std::string_view policy) {
    return std::find(policies.begin(), policies.end(), policy) != policies.end();
  };
  if (!has("compact")) return {};
  if (has("delete")) {
    return fmt::format("has no effect where it says compact: {}; records go by age and size alone",
                       kNoCompactionYet);
  }
  return fmt::format(
      "has no effect: {} and without delete beside it nothing is ever removed; mind the disk, or "
      "add delete where records may go by age",
      kNoCompactionYet);
}

}  // namespace

std::string effect_warning(const Option& option, std::string_view value) {
  switch (option.effect.kind) {
    case Effect::Kind::kNever:
      return fmt::format("has no effect: {}", option.effect.instead);
    case Effect::Kind::kNotYet: {
      bool as_it_is = option.effect.instead == kToCome && option.fallback.text == value;
      if (as_it_is) return {};
      return fmt::format("has no effect in this version: {}", option.effect.instead);
    }
    default:
      bool is_policy = option.name == "cleanup.policy" || option.name == "log.cleanup.policy";
      return is_policy ? of_cleanup_policy(value) : "";
  }
}

}  // namespace longhaul::broker::config
