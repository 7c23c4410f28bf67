#include "broker/net/admission.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "broker/config/value.h"

namespace longhaul::broker::net {
namespace {

bool is_address(const std::string& host) {
  in6_addr any{};
  return inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

}  // namespace

base::Result<std::map<std::string, uint64_t, std::less<>>> parse_host_overrides(
    std::string_view text) {
  std::map<std::string, uint64_t, std::less<>> overrides;
  for (const std::string& item : config::value_as_list(text)) {
    size_t colon = item.rfind(':');
    std::string host = item.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::string digits = colon == std::string::npos ? "" : item.substr(colon + 1);
    uint64_t count = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    bool whole = !digits.empty() && error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || !is_address(host)) {
      return base::fail(base::Errc::kInvalidArgument,
                        fmt::format("max.connections.per.ip.overrides: '{}' is not ADDRESS:COUNT "
                                    "with an IP address",
                                    item));
    }
    overrides[host] = count;
  }
  return overrides;
}

bool Admission::full() const {
  std::lock_guard lock(mutex_);
  return count_ >= limits_.total;
}

bool Admission::enter(const std::string& host) {
  std::lock_guard lock(mutex_);
  auto override = limits_.per_host_overrides.find(host);
  uint64_t most =
      override == limits_.per_host_overrides.end() ? limits_.per_host : override->second;
  uint64_t& here = by_host_[host];
  if (here >= most) {
    if (here == 0) by_host_.erase(host);
    return false;
  }
  ++here;
  ++count_;
  return true;
}

void Admission::leave(const std::string& host) {
  std::lock_guard lock(mutex_);
  auto found = by_host_.find(host);
  if (--found->second == 0) by_host_.erase(found);
  --count_;
}

uint64_t Admission::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace longhaul::broker::net
