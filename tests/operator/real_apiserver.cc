#include "tests/operator/real_apiserver.h"

#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/assert.h"
#include "operator/kube/kubeconfig.h"
#include "tests/operator/yaml.h"

namespace longhaul::tests {
namespace {

using op::kube::Json;

constexpr std::chrono::seconds kStartLimit{90};

base::Result<void> run(const std::string& command) {
  if (system(command.c_str()) == 0) return {};
  return base::fail(base::Errc::kIo, "failed: " + command);
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string tail(const std::string& path) {
  auto text = op::kube::read_text_file(path);
  if (!text) return {};
  return text->size() > 1500 ? text->substr(text->size() - 1500) : *text;
}

/// Calls `good` every few milliseconds until it is true or the limit has passed.
template <class F>
bool eventually(F good) {
  auto limit = std::chrono::steady_clock::now() + kStartLimit;
  while (!good()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace

std::string RealApiServer::binaries() {
  const char* given = getenv("K8S_BIN");
  const char* home = getenv("HOME");
  std::string directory =
      given ? given : (home ? std::string(home) + "/.cache/longhaul-k8s/bin" : std::string());
  for (const char* name : {"etcd", "kube-apiserver"})
    if (access((directory + "/" + name).c_str(), X_OK) != 0) return {};
  return directory;
}

std::unique_ptr<RealApiServer> RealApiServer::start_if_built() {
  if (binaries().empty()) return nullptr;
  auto started = start();
  if (!started) fmt::print("{}\n", started.error().message);
  LH_ASSERT(started.has_value(), "the binaries are there and must work");
  return std::move(*started);
}

RealApiServer* RealApiServer::shared() {
  // The initializer makes its transport, so cpprestsdk's threads are older and end after it.
  static std::unique_ptr<RealApiServer> instance = start_if_built();
  return instance.get();
}

base::Result<std::unique_ptr<RealApiServer>> RealApiServer::start() {
  std::unique_ptr<RealApiServer> server(new RealApiServer);
  LH_TRY(server->make_certificates());
  LH_TRY(server->start_servers());
  server->credentials_.server = fmt::format("https://127.0.0.1:{}", server->port_);
  LH_ASSIGN(server->transport_, op::kube::make_http_transport(server->credentials_));
  LH_TRY(server->wait_until_ready());
  LH_TRY(server->write_kubeconfig());
  return server;
}

base::Result<void> RealApiServer::sign(const std::string& name, const std::string& subject,
                                       const std::string& extensions) {
  const std::string& dir = directory_.path();
  write_file(dir + "/" + name + ".ext", extensions);
  std::string base = dir + "/" + name;
  LH_TRY(
      run(fmt::format("openssl req -newkey rsa:2048 -nodes -keyout {0}.key -out {0}.csr "
                      "-subj '{1}' 2>/dev/null",
                      base, subject)));
  return run(
      fmt::format("openssl x509 -req -in {0}.csr -CA {1}/ca.crt -CAkey {1}/ca.key "
                  "-CAcreateserial -days 2 -out {0}.crt -extfile {0}.ext 2>/dev/null",
                  base, dir));
}

base::Result<void> RealApiServer::make_certificates() {
  const std::string& dir = directory_.path();
  LH_TRY(
      run(fmt::format("openssl req -x509 -newkey rsa:2048 -nodes -keyout {0}/ca.key -out "
                      "{0}/ca.crt -days 2 -subj /CN=test-ca 2>/dev/null",
                      dir)));
  LH_TRY(run(fmt::format("openssl genrsa -out {}/sa.key 2048 2>/dev/null", dir)));
  LH_TRY(sign("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost\n"));
  LH_TRY(sign("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n"));
  LH_ASSIGN(credentials_.ca_pem, op::kube::read_text_file(dir + "/ca.crt"));
  LH_ASSIGN(credentials_.client_certificate_pem, op::kube::read_text_file(dir + "/admin.crt"));
  LH_ASSIGN(credentials_.client_key_pem, op::kube::read_text_file(dir + "/admin.key"));
  return {};
}

base::Result<op::kube::Credentials> RealApiServer::credentials_of(const std::string& user) {
  LH_TRY(sign(user, "/CN=" + user, "extendedKeyUsage=clientAuth\n"));
  op::kube::Credentials out = credentials_;
  std::string base = directory_.path() + "/" + user;
  LH_ASSIGN(out.client_certificate_pem, op::kube::read_text_file(base + ".crt"));
  LH_ASSIGN(out.client_key_pem, op::kube::read_text_file(base + ".key"));
  return out;
}

base::Result<void> RealApiServer::start_servers() {
  const std::string& dir = directory_.path();
  std::string bin = binaries();
  if (bin.empty()) return base::fail(base::Errc::kNotFound, "no etcd and kube-apiserver");
  int client_port = free_loopback_port();
  int peer_port = free_loopback_port();
  port_ = free_loopback_port();
  std::string clients = fmt::format("http://127.0.0.1:{}", client_port);
  std::string peers = fmt::format("http://127.0.0.1:{}", peer_port);
  etcd_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{bin + "/etcd", "--data-dir=" + dir + "/etcd",
                               "--listen-client-urls=" + clients,
                               "--advertise-client-urls=" + clients, "--listen-peer-urls=" + peers,
                               "--initial-cluster=default=" + peers,
                               "--initial-advertise-peer-urls=" + peers, "--unsafe-no-fsync"},
      dir + "/etcd.log");
  server_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{
          bin + "/kube-apiserver", "--etcd-servers=" + clients, "--bind-address=127.0.0.1",
          "--advertise-address=127.0.0.1", fmt::format("--secure-port={}", port_),
          "--tls-cert-file=" + dir + "/server.crt", "--tls-private-key-file=" + dir + "/server.key",
          "--client-ca-file=" + dir + "/ca.crt", "--authorization-mode=RBAC",
          "--service-account-issuer=https://longhaul.test",
          "--service-account-key-file=" + dir + "/sa.key",
          "--service-account-signing-key-file=" + dir + "/sa.key",
          "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount",
          "--endpoint-reconciler-type=none"},
      dir + "/apiserver.log");
  return {};
}

std::string RealApiServer::last_words() const {
  return "etcd:\n" + tail(directory_.path() + "/etcd.log") + "\nkube-apiserver:\n" +
         tail(directory_.path() + "/apiserver.log");
}

base::Result<void> RealApiServer::wait_until_ready() {
  op::kube::Request ready;
  ready.path = "/readyz";
  bool good = eventually([&] {
    if (!server_->running() || !etcd_->running()) return true;
    auto answer = transport_->send(ready);
    return answer && answer->status == 200;
  });
  if (good && server_->running() && etcd_->running()) return {};
  return base::fail(base::Errc::kUnavailable, "kube-apiserver did not start\n" + last_words());
}

base::Result<void> RealApiServer::write_kubeconfig() {
  kubeconfig_ = directory_.path() + "/kubeconfig";
  write_file(kubeconfig_,
             fmt::format("apiVersion: v1\nkind: Config\ncurrent-context: test\n"
                         "clusters: [{{name: test, cluster: {{server: '{}', "
                         "certificate-authority: ca.crt}}}}]\n"
                         "users: [{{name: admin, user: {{client-certificate: admin.crt, "
                         "client-key: admin.key}}}}]\n"
                         "contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\n",
                         credentials_.server));
  return {};
}

std::string RealApiServer::make_namespace() {
  std::string name = fmt::format("test-{}", ++namespaces_);
  auto made = op::kube::call(
      *transport_, op::kube::create(op::kube::kNamespace,
                                    op::kube::make_object(op::kube::kNamespace, "", name)));
  LH_ASSERT(made.has_value(), "a new namespace can be created");
  return name;
}

base::Result<void> RealApiServer::install_crds() {
  if (crds_installed_) return {};
  for (const char* file : {"crds/kafkaclusters.yaml", "crds/kafkatopics.yaml"}) {
    LH_ASSIGN(std::vector<Json> documents, load_yaml(file));
    for (const Json& crd : documents)
      LH_TRY(op::kube::call(*transport_,
                            op::kube::apply(op::kube::kCustomResourceDefinition, crd, "test")));
  }
  bool served = eventually([&] {
    for (const op::kube::ResourceType* type : {&op::kube::kKafkaCluster, &op::kube::kKafkaTopic})
      if (!op::kube::call(*transport_, op::kube::list(*type, {}, 1, ""))) return false;
    return true;
  });
  if (!served) return base::fail(base::Errc::kTimedOut, "the CRDs are not served");
  crds_installed_ = true;
  return {};
}

}  // namespace longhaul::tests
