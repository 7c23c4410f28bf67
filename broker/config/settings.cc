#include "broker/config/settings.h"

#include <limits>

#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

/// `text` in the unit of an option that is `factor` times finer. Negative is "unlimited" as it is;
/// what would overflow is the largest number there is.
std::string scaled(const std::string& text, int64_t factor) {
  if (factor == 1) return text;
  int64_t value = value_as_integer(text);
  if (value < 0) return "-1";
  int64_t product;
  if (__builtin_mul_overflow(value, factor, &product)) {
    product = std::numeric_limits<int64_t>::max();
  }
  return std::to_string(product);
}

void add(Setting& setting, std::string_view name, const std::string& value, int64_t factor,
         Source source) {
  if (setting.synonyms.empty()) {
    setting.value = scaled(value, factor);
    setting.source = source;
  }
  setting.synonyms.push_back({std::string(name), value, source});
}

void add_layer(Setting& setting, const std::vector<Synonym>& names, const Overrides* layer,
               Source source) {
  if (!layer) return;
  for (const Synonym& name : names) {
    auto found = layer->find(name.broker_option);
    if (found == layer->end()) continue;
    add(setting, name.broker_option, found->second, name.factor, source);
  }
}

void add_layers(Setting& setting, const std::vector<Synonym>& names, const BrokerLayers& layers) {
  add_layer(setting, names, layers.broker, Source::kDynamicBroker);
  add_layer(setting, names, layers.cluster_default, Source::kDynamicDefaultBroker);
  add_layer(setting, names, layers.file, Source::kStaticBroker);
  for (const Synonym& name : names) {
    const Option& option = broker_options().get(name.broker_option);
    if (!option.fallback.text) continue;
    add(setting, option.name, std::string(*option.fallback.text), name.factor, Source::kDefault);
  }
}

}  // namespace

bool Setting::read_only() const {
  return option->effect.kind != Effect::Kind::kInEffect || option->update == Update::kReadOnly;
}

Setting resolve_topic_option(const Option& option, const Overrides& topic,
                             const BrokerLayers& layers) {
  Setting setting;
  setting.option = &option;
  auto own = topic.find(option.name);
  if (own != topic.end()) add(setting, option.name, own->second, 1, Source::kTopic);
  std::vector<Synonym> names = topic_synonyms(option.name);
  add_layers(setting, names, layers);
  if (setting.synonyms.empty() && option.fallback.text) {
    add(setting, option.name, std::string(*option.fallback.text), 1, Source::kDefault);
  }
  return setting;
}

Setting resolve_broker_option(const Option& option, const BrokerLayers& layers) {
  Setting setting;
  setting.option = &option;
  add_layers(setting, broker_synonyms(option.name), layers);
  return setting;
}

}  // namespace longhaul::broker::config
