#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "broker/app/format_command.h"

namespace longhaul::broker::app {
namespace {

base::Result<raft::Voter> parse_one(const std::string& text, const std::string& listener) {
  auto bad = [&](const std::string& why) {
    return base::fail(base::Errc::kInvalidArgument,
                      fmt::format("--initial-controllers: '{}': {}; an initial controller is "
                                  "ID@HOST:PORT:DIRECTORY_ID",
                                  text, why));
  };
  size_t at = text.find('@');
  size_t colon = text.rfind(':');
  if (at == std::string::npos || colon == std::string::npos || colon < at)
    return bad("it has no '@', or no ':' before the directory's ID");
  raft::Voter voter;
  auto [end, error] = std::from_chars(text.data(), text.data() + at, voter.key.id);
  if (error != std::errc() || end != text.data() + at || voter.key.id < 0)
    return bad("the node's ID is not a number");
  auto address = config::parse_host_port(text.substr(at + 1, colon - at - 1));
  if (!address) return bad(address.error().message);
  auto directory = base::Uuid::parse(text.substr(colon + 1));
  if (!directory) return bad(directory.error().message);
  voter.key.directory = *directory;
  voter.endpoints = {{listener, address->host, address->port}};
  return voter;
}

}  // namespace

base::Result<std::vector<raft::Voter>> parse_initial_controllers(const std::string& text,
                                                                 const std::string& listener) {
  std::vector<raft::Voter> voters;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    LH_ASSIGN(auto voter, parse_one(text.substr(begin, end - begin), listener));
    bool is_known = std::any_of(voters.begin(), voters.end(), [&](const auto& each) {
      return each.key.id == voter.key.id || each.key.directory == voter.key.directory;
    });
    if (is_known)
      return base::fail(base::Errc::kInvalidArgument,
                        fmt::format("--initial-controllers: node {} or its directory stands there "
                                    "twice",
                                    voter.key.id));
    voters.push_back(std::move(voter));
    begin = end + 1;
  }
  return voters;
}

}  // namespace longhaul::broker::app
