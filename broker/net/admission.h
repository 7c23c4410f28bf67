// How many connections there may be.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"

namespace longhaul::broker::net {

struct AdmissionLimits {
  uint64_t total = INT32_MAX;                                       // max.connections
  uint64_t per_host = INT32_MAX;                                    // max.connections.per.ip
  std::map<std::string, uint64_t, std::less<>> per_host_overrides;  // by address
};

/// max.connections.per.ip.overrides: ADDRESS:COUNT,…; IPv6 addresses in brackets.
base::Result<std::map<std::string, uint64_t, std::less<>>> parse_host_overrides(
    std::string_view text);

/// Counts connections, over all and by the client's address. Safe from any thread.
class Admission {
 public:
  explicit Admission(AdmissionLimits limits) : limits_(std::move(limits)) {}

  /// No connection may be taken until one leaves.
  bool full() const;
  /// False if its host has as many as it may have. Else the connection counts until `leave`.
  bool enter(const std::string& host);
  void leave(const std::string& host);
  uint64_t count() const;

 private:
  AdmissionLimits limits_;
  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::unordered_map<std::string, uint64_t> by_host_;
};

}  // namespace longhaul::broker::net
