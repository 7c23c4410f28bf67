#include "broker/config/listeners.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>

#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kNames[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};

std::string in_capitals(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
  return upper;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Host and port; the host may be empty here. An IPv6 address may lack its brackets, as in Kafka:
/// a pod that puts its address in here has it without.
Result<HostPort> split_address(std::string_view text) {
  size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  std::optional<uint16_t> port;
  if (colon != std::string_view::npos) port = parse_number<uint16_t>(text.substr(colon + 1));
  bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  bool bare_colon = !bracketed && host.find(':') != std::string_view::npos;
  if (!port || (bare_colon && !is_ipv6(std::string(host))) ||
      host.find_first_of("[]/ ") != std::string_view::npos) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("'{}' is no address; write HOST:PORT or [IPV6]:PORT, with a port "
                                  "up to 65535",
                                  text));
  }
  return HostPort{std::string(host), *port};
}

Result<Listener> parse_listener(std::string_view text, const ProtocolMap& protocols) {
  size_t slashes = text.find("://");
  if (slashes == std::string_view::npos || slashes == 0) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("'{}' is no listener; write NAME://HOST:PORT", text));
  }
  std::string name = in_capitals(text.substr(0, slashes));
  auto protocol = protocols.find(name);
  if (protocol == protocols.end()) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("listener {} has no protocol; add {}:PLAINTEXT (or another) to "
                                  "listener.security.protocol.map",
                                  name, name));
  }
  LH_ASSIGN(HostPort address, split_address(text.substr(slashes + 3)));
  return Listener{std::move(name), std::move(address.host), address.port, protocol->second};
}

}  // namespace

std::string_view to_string(SecurityProtocol protocol) {
  return kNames[static_cast<size_t>(protocol)];
}

Result<SecurityProtocol> parse_security_protocol(std::string_view text) {
  std::string name = in_capitals(text);
  for (int16_t i = 0; i < 4; ++i) {
    if (kNames[i] == name) return static_cast<SecurityProtocol>(i);
  }
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("'{}' is no security protocol; there are PLAINTEXT, SSL, "
                                "SASL_PLAINTEXT and SASL_SSL",
                                text));
}

std::string to_string(const Listener& listener) {
  return listener.name + "://" + to_string(HostPort{listener.host, listener.port});
}

std::string to_string(const HostPort& address) {
  bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

Result<HostPort> parse_host_port(std::string_view text) {
  LH_ASSIGN(HostPort address, split_address(text));
  if (address.host.empty() || address.port == 0) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("'{}' needs both a host and a port to connect to", text));
  }
  return address;
}

Result<QuorumVoter> parse_quorum_voter(std::string_view text) {
  size_t at = text.find('@');
  std::optional<int32_t> id;
  if (at != std::string_view::npos) id = parse_number<int32_t>(text.substr(0, at));
  if (!id || *id < 0) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("'{}' is no voter; write ID@HOST:PORT", text));
  }
  LH_ASSIGN(HostPort address, parse_host_port(text.substr(at + 1)));
  return QuorumVoter{*id, std::move(address)};
}

Result<ProtocolMap> parse_protocol_map(std::string_view text) {
  ProtocolMap map;
  for (const std::string& item : value_as_list(text)) {
    size_t colon = item.find(':');
    std::string name = in_capitals(trim(std::string_view(item).substr(0, colon)));
    if (colon == std::string::npos || name.empty()) {
      return base::fail(Errc::kInvalidArgument,
                        fmt::format("'{}' is no entry; write NAME:PROTOCOL", item));
    }
    LH_ASSIGN(SecurityProtocol protocol,
              parse_security_protocol(trim(std::string_view(item).substr(colon + 1))));
    if (!map.emplace(name, protocol).second) {
      return base::fail(Errc::kInvalidArgument, fmt::format("{} stands there twice", name));
    }
  }
  return map;
}

Result<std::vector<Listener>> parse_listeners(const std::vector<std::string>& items,
                                              const ProtocolMap& protocols, bool ports_may_repeat) {
  std::vector<Listener> listeners;
  std::set<std::string> names;
  std::set<uint16_t> ports;
  for (const std::string& item : items) {
    LH_ASSIGN(Listener listener, parse_listener(item, protocols));
    if (!names.insert(listener.name).second) {
      return base::fail(Errc::kInvalidArgument,
                        fmt::format("two listeners are named {}", listener.name));
    }
    if (listener.port != 0 && !ports_may_repeat && !ports.insert(listener.port).second) {
      return base::fail(Errc::kInvalidArgument,
                        fmt::format("two listeners have port {}", listener.port));
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace longhaul::broker::config
