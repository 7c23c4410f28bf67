#include "tests/local/contract_server.h"

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "local/api/http_server.h"
#include "tests/operator/real_apiserver.h"

namespace longhaul::tests {
namespace {

using op::kube::Json;

class LocalServer final : public ContractServer {
 public:
  LocalServer() {
    auto server = local::HttpServer::start(api_, clock_, 0, base::Logger(base::null_sink(), "api"));
    LH_ASSERT(server.has_value(), "loopback has free ports");
    server_ = std::move(*server);
    auto transport = op::kube::make_http_transport({.server = server_->url()});
    LH_ASSERT(transport.has_value(), "a plain address needs no credentials");
    transport_ = std::move(*transport);
  }
  op::kube::Transport& transport() override { return *transport_; }
  std::string make_namespace() override {
    std::string name = "ns-" + std::to_string(++namespaces_);
    auto made = op::kube::call(
        *transport_, op::kube::create(op::kube::kNamespace,
                                      op::kube::make_object(op::kube::kNamespace, "", name)));
    LH_ASSERT(made.has_value(), "a namespace can be created");
    return name;
  }

 private:
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::unique_ptr<local::Store> store_ = local::Store::in_memory(1000);
  local::Api api_{*store_, clock_, random_};
  std::unique_ptr<local::HttpServer> server_;
  std::unique_ptr<op::kube::Transport> transport_;
  int namespaces_ = 0;
};

class RealServer final : public ContractServer {
 public:
  explicit RealServer(RealApiServer& server) : server_(server) {}
  op::kube::Transport& transport() override { return server_.transport(); }
  std::string make_namespace() override { return server_.make_namespace(); }

 private:
  RealApiServer& server_;
};

std::unique_ptr<ContractServer> real_server() {
  RealApiServer* server = RealApiServer::shared();
  return server ? std::make_unique<RealServer>(*server) : nullptr;
}

}  // namespace

ContractServer* contract_server(const std::string& name) {
  if (name == "local") {
    static LocalServer local;
    return &local;
  }
  static std::unique_ptr<ContractServer> real = real_server();
  return real.get();
}

}  // namespace longhaul::tests
