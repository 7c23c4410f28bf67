// The API servers that the contract holds for: the embedded one and a real kube-apiserver.
#pragma once

#include <memory>
#include <string>

#include "operator/kube/transport.h"

namespace longhaul::tests {

/// One server under contract, shared by the tests of a program.
class ContractServer {
 public:
  virtual ~ContractServer() = default;
  virtual op::kube::Transport& transport() = 0;
  /// A namespace not used before.
  virtual std::string make_namespace() = 0;
};

/// The server of that name ("local" or "real"), or null if it is not there.
ContractServer* contract_server(const std::string& name);

}  // namespace longhaul::tests
