// Listener lists, and the names, protocols and addresses in them (KIP-103, KIP-853).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace longhaul::broker::config {

/// The numbers are those of the protocol (`securityProtocol` in RegisterBrokerRecord).
enum class SecurityProtocol : int16_t {
  kPlaintext = 0,
  kSsl = 1,
  kSaslPlaintext = 2,
  kSaslSsl = 3,
};
std::string_view to_string(SecurityProtocol protocol);
base::Result<SecurityProtocol> parse_security_protocol(std::string_view text);

/// NAME://HOST:PORT.
struct Listener {
  std::string name;   // in capitals
  std::string host;   // "" is every address of the machine; an IPv6 address without brackets
  uint16_t port = 0;  // 0 lets the kernel pick one
  SecurityProtocol protocol = SecurityProtocol::kPlaintext;
};
std::string to_string(const Listener& listener);

struct HostPort {
  std::string host;
  uint16_t port = 0;
};
std::string to_string(const HostPort& address);
/// HOST:PORT, [::1]:PORT.
base::Result<HostPort> parse_host_port(std::string_view text);

/// A voter of a static quorum: ID@HOST:PORT.
struct QuorumVoter {
  int32_t id = 0;
  HostPort address;
};
base::Result<QuorumVoter> parse_quorum_voter(std::string_view text);

using ProtocolMap = std::map<std::string, SecurityProtocol, std::less<>>;

/// listener.security.protocol.map: NAME:PROTOCOL,…
base::Result<ProtocolMap> parse_protocol_map(std::string_view text);

/// A list of NAME://HOST:PORT; every name must be in the map, no name may come twice, nor a port
/// other than 0 unless `ports_may_repeat` (several names advertised behind one address).
base::Result<std::vector<Listener>> parse_listeners(const std::vector<std::string>& items,
                                                    const ProtocolMap& protocols,
                                                    bool ports_may_repeat);

}  // namespace longhaul::broker::config
