#include "broker/config/broker_config.h"

#include <algorithm>

#include "base/assert.h"
#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

std::string required(std::optional<std::string> value) {
  LH_ASSERT(value, "an option that may be null was read as if it had a value");
  return *std::move(value);
}

std::optional<std::string> read(const BrokerConfig& config, std::string_view name,
                                std::initializer_list<Type> types) {
  const Option& option = broker_options().get(name);
  LH_ASSERT(std::find(types.begin(), types.end(), option.type) != types.end(),
            "an option was read as if it were of another type");
  return resolve_broker_option(option, {.file = &config.file}).value;
}

}  // namespace

bool BrokerConfig::boolean(std::string_view name) const {
  return value_as_boolean(required(read(*this, name, {Type::kBoolean})));
}

int32_t BrokerConfig::integer(std::string_view name) const {
  return static_cast<int32_t>(
      value_as_integer(required(read(*this, name, {Type::kInt, Type::kShort}))));
}

int64_t BrokerConfig::long_integer(std::string_view name) const {
  return value_as_integer(required(read(*this, name, {Type::kInt, Type::kShort, Type::kLong})));
}

double BrokerConfig::number(std::string_view name) const {
  return value_as_double(required(read(*this, name, {Type::kDouble})));
}

std::string BrokerConfig::string(std::string_view name) const {
  return required(maybe_string(name));
}

std::vector<std::string> BrokerConfig::list(std::string_view name) const {
  return value_as_list(required(read(*this, name, {Type::kList})));
}

std::optional<std::string> BrokerConfig::maybe_string(std::string_view name) const {
  return read(*this, name, {Type::kString, Type::kClass, Type::kPassword});
}

bool BrokerConfig::is_controller_listener(std::string_view listener) const {
  return std::find(controller_listeners.begin(), controller_listeners.end(), listener) !=
         controller_listeners.end();
}

std::vector<Listener> advertised_at(const BrokerConfig& config, const std::string& host_name,
                                    const std::vector<Listener>& bound) {
  std::vector<Listener> result = config.advertised;
  for (const Listener& at : bound) {
    bool named = std::any_of(result.begin(), result.end(),
                             [&](const Listener& each) { return each.name == at.name; });
    if (config.is_controller_listener(at.name) && !named) result.push_back(at);
  }
  for (Listener& listener : result) {
    if (listener.host.empty()) listener.host = host_name;
    for (const Listener& at : bound) {
      if (listener.port == 0 && at.name == listener.name) listener.port = at.port;
    }
  }
  return result;
}

}  // namespace longhaul::broker::config
