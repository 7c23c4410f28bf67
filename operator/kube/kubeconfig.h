// Credentials from a kubeconfig file or from the service account of a pod.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "operator/kube/transport.h"

namespace longhaul::op::kube {

/// Reads one context (empty: the current one) of a kubeconfig. Relative paths in it start at
/// `directory`. Credential plugins (exec, auth-provider) are kUnsupported with what to do instead.
base::Result<Credentials> parse_kubeconfig(std::string_view yaml, const std::string& directory,
                                           const std::string& context);
/// The same from a file.
base::Result<Credentials> load_kubeconfig(const std::string& path, const std::string& context);

/// What Kubernetes gives every pod: KUBERNETES_SERVICE_HOST and _PORT as `host` and `port`, and
/// `directory` with `token`, `ca.crt` and `namespace`
/// (/var/run/secrets/kubernetes.io/serviceaccount).
base::Result<Credentials> in_cluster_credentials(const std::string& host, const std::string& port,
                                                 const std::string& directory);

/// A whole text file of at most 1 MiB; the error names the path.
base::Result<std::string> read_text_file(const std::string& path);

}  // namespace longhaul::op::kube
