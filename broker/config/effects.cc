#include "broker/config/effects.h"

#include <fmt/format.h>

#include "broker/config/options.h"

namespace longhaul::broker::config {

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
      return {};
  }
}

}  // namespace longhaul::broker::config
