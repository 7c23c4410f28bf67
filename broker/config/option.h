// One configuration option as a row of facts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace longhaul::broker::config {

/// Kafka's option types; the numbers are those of DescribeConfigs' `ConfigType`.
enum class Type : int8_t {
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,  ///< comma-separated
  kClass = 8,
  kPassword = 9,  ///< never shown, never logged
};

enum class Importance : int8_t { kHigh, kMedium, kLow };

/// How a broker option may be changed while the broker runs (KIP-226).
enum class Update : int8_t {
  kReadOnly,     ///< only in the file, before the start
  kPerBroker,    ///< for one broker
  kClusterWide,  ///< for one broker, or for all as the default
};

/// Whether setting the option does anything here. This is the one place that says so: whoever
/// implements an option turns its row to `in_effect()`.
struct Effect {
  enum class Kind : int8_t {
    kInEffect,
    kAtStart,  ///< in effect, but a change while the broker runs is refused, whatever `update` says
    kNotYet,   ///< will have an effect; setting it gives a warning until then
    kNever,    ///< a Kafka option that this broker has no use for; warning
    kDropped,  ///< an option that Kafka itself has removed; warning
  };
  Kind kind = Kind::kInEffect;
  std::string_view instead;  // what stands in its place or happens instead; empty if in effect
};
constexpr Effect in_effect() { return {Effect::Kind::kInEffect, {}}; }
constexpr Effect at_start() { return {Effect::Kind::kAtStart, {}}; }
constexpr Effect not_yet(std::string_view instead) { return {Effect::Kind::kNotYet, instead}; }
constexpr Effect never(std::string_view instead) { return {Effect::Kind::kNever, instead}; }
constexpr Effect dropped(std::string_view instead) { return {Effect::Kind::kDropped, instead}; }

/// A default: text as it would stand in the file (a list joined by commas), null, or none at all
/// because the option must be given.
struct Default {
  std::optional<std::string_view> text;
  bool required = false;
};
constexpr Default null_default() { return {std::nullopt, false}; }
constexpr Default must_be_given() { return {std::nullopt, true}; }
constexpr Default is(std::string_view text) { return {text, false}; }

struct Option {
  std::string_view name;
  Type type = Type::kString;
  Default fallback;
  Importance importance = Importance::kMedium;
  Update update = Update::kReadOnly;  // of no meaning for topic options
  /// Accepted values in Kafka's notation, "" for any: "[0,...]", "[1,...,9] or -1",
  /// "[CreateTime, LogAppendTime]", "(case insensitive) [a, b]", "non-empty list"; see value.h.
  std::string_view valid;
  Effect effect;

  bool sensitive() const { return type == Type::kPassword; }
  bool has_effect() const {
    return effect.kind == Effect::Kind::kInEffect || effect.kind == Effect::Kind::kAtStart;
  }
};

}  // namespace longhaul::broker::config
