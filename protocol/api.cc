#include "protocol/api.h"

#include <algorithm>

namespace longhaul::protocol {

const ApiInfo* find_api(int16_t key) {
  auto all = apis();
  auto at = std::lower_bound(all.begin(), all.end(), key, [](const ApiInfo& api, int16_t wanted) {
    return static_cast<int16_t>(api.key) < wanted;
  });
  return at != all.end() && static_cast<int16_t>(at->key) == key ? &*at : nullptr;
}

std::string_view name(ApiKey key) {
  const ApiInfo* api = find_api(key);
  return api == nullptr ? "unknown" : api->name;
}

int16_t request_header_version(const ApiInfo& api, int16_t version) {
  return version >= api.first_flexible ? 2 : 1;
}

int16_t response_header_version(const ApiInfo& api, int16_t version) {
  return version >= api.first_flexible && api.key != ApiKey::kApiVersions ? 1 : 0;
}

}  // namespace longhaul::protocol
