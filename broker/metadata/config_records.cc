#include "broker/metadata/config_records.h"

namespace longhaul::broker::metadata {

void append_config_records(const ConfigResource& resource, const ConfigMap& before,
                           const ConfigMap& after, MetadataRecords& records) {
  auto add = [&](const std::string& name, std::optional<std::string> value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<int8_t>(resource.type);
    record.resource_name = resource.name;
    record.name = name;
    record.value = std::move(value);
    records.emplace_back(std::move(record));
  };
  for (const auto& [name, value] : after) {
    auto old = before.find(name);
    if (old == before.end() || old->second != value) add(name, value);
  }
  for (const auto& [name, value] : before) {
    if (after.count(name) == 0) add(name, std::nullopt);
  }
}

}  // namespace longhaul::broker::metadata
