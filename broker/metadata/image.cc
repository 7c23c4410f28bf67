#include "broker/metadata/image.h"

#include <algorithm>

#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {

base::Uuid Partition::directory_of(int32_t broker) const {
  auto at = std::find(replicas.begin(), replicas.end(), broker);
  auto index = static_cast<size_t>(at - replicas.begin());
  return index < directories.size() ? directories[index] : base::Uuid{};
}

const BrokerEndpoint* Broker::endpoint(const std::string& listener) const {
  auto found = std::find_if(endpoints.begin(), endpoints.end(),
                            [&](const BrokerEndpoint& e) { return e.listener == listener; });
  return found == endpoints.end() ? nullptr : &*found;
}

const Topic* MetadataImage::topic(const std::string& name) const {
  const base::Uuid* id = topic_ids.find(name);
  return id == nullptr ? nullptr : topic(*id);
}

const Topic* MetadataImage::topic(const base::Uuid& id) const {
  const Shared<Topic>* found = topics.find(id);
  return found == nullptr ? nullptr : found->get();
}

const Partition* MetadataImage::partition(const std::string& name, int32_t index) const {
  const Topic* found = topic(name);
  return found == nullptr ? nullptr : found->partition(index);
}

const Broker* MetadataImage::broker(int32_t id) const {
  const Shared<Broker>* found = brokers.find(id);
  return found == nullptr ? nullptr : found->get();
}

size_t MetadataImage::active_brokers() const {
  size_t count = 0;
  brokers.for_each([&](int32_t, const auto& broker) { count += broker->is_active(); });
  return count;
}

const ConfigMap& MetadataImage::config(const ConfigResource& resource) const {
  static const ConfigMap kNone;
  const Shared<ConfigMap>* found = configs.find(resource);
  return found == nullptr ? kNone : **found;
}

std::map<std::string, int16_t> MetadataImage::finalized_features() const {
  auto all = features;
  if (kraft_version > 0) all[kKraftVersion] = kraft_version;
  return all;
}

int16_t MetadataImage::feature_level(const std::string& name) const {
  auto found = features.find(name);
  return found == features.end() ? int16_t{0} : found->second;
}

}  // namespace longhaul::broker::metadata
