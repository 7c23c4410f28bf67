#include "cli/kafka.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;

}  // namespace

Result<std::vector<client::Endpoint>> parse_endpoints(const std::string& list) {
  std::vector<client::Endpoint> out;
  for (size_t start = 0; start <= list.size();) {
    size_t comma = std::min(list.find(',', start), list.size());
    LH_ASSIGN(client::Endpoint one,
              client::parse_endpoint(std::string_view(list).substr(start, comma - start)));
    out.push_back(std::move(one));
    start = comma + 1;
  }
  return out;
}

Result<std::vector<client::Endpoint>> find_brokers(const GlobalOptions& global,
                                                   const KafkaOptions& kafka) {
  if (!kafka.bootstrap.empty()) return parse_endpoints(kafka.bootstrap);
  auto kubernetes = open_kubernetes(global);
  if (!kubernetes) {
    base::Error error = kubernetes.error();
    error.message += "; or name brokers with --bootstrap HOST:PORT";
    return tl::unexpected(std::move(error));
  }
  LH_ASSIGN(auto pods, list_objects(*kubernetes->transport, op::kube::kPod, global.name_space,
                                    "longhaul.dev/cluster"));
  std::vector<BootstrapAddress> fitting;
  std::string known;
  for (const BootstrapAddress& one : bootstrap_addresses(pods)) {
    known += fmt::format("{}{} in {}", known.empty() ? "" : ", ", one.cluster, one.region);
    if ((kafka.cluster.empty() || kafka.cluster == one.cluster) &&
        (kafka.region.empty() || kafka.region == one.region))
      fitting.push_back(one);
  }
  if (fitting.size() == 1) return parse_endpoints(fitting[0].addresses);
  if (known.empty())
    return base::fail(Errc::kNotFound, "no broker is running: see `longhaul status`");
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("{}: choose with --cluster and --region; there are: {}",
                                fitting.empty() ? "no such cluster" : "several clusters", known));
}

}  // namespace longhaul::cli
