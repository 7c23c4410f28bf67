// Kubernetes as the commands see it: the API of the running `up`, or of a kubeconfig.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/kube/transport.h"

namespace longhaul::cli {

/// Options that every command has.
struct GlobalOptions {
  std::string directory;   // --dir
  std::string kubeconfig;  // --kubeconfig; empty: the running `up`
  std::string context;     // --context
  std::string name_space;  // --namespace; empty: the context's
};

/// An API and the namespace that is meant.
struct Kubernetes {
  std::unique_ptr<op::kube::Transport> transport;
  std::string name_space;
};

/// kNotFound, with what to do, if nothing runs and no kubeconfig was given.
base::Result<Kubernetes> open_kubernetes(const GlobalOptions& options);

/// All objects of a kind in a namespace (empty: in all).
base::Result<std::vector<op::kube::Json>> list_objects(op::kube::Transport& transport,
                                                       const op::kube::ResourceType& type,
                                                       const std::string& name_space,
                                                       const std::string& labels = "");

/// Where clients reach a region of a cluster.
struct BootstrapAddress {
  std::string cluster, region;
  std::string addresses;  // "host:port", separated by commas
};

/// From the brokers' pods, by cluster and region.
std::vector<BootstrapAddress> bootstrap_addresses(const std::vector<op::kube::Json>& pods);

}  // namespace longhaul::cli
