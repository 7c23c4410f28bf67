// A real kube-apiserver with its etcd, for tests that must hold against the real thing.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/kube/transport.h"

namespace longhaul::tests {

/// A child process that ends with this object (SIGTERM, then SIGKILL) or with this program.
class ChildProcess {
 public:
  /// Starts `arguments[0]` with standard output and error in a file.
  ChildProcess(const std::vector<std::string>& arguments, const std::string& output_file);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// False once it has ended by itself.
  bool running();
  /// VmRSS.
  int64_t resident_kilobytes() const;

 private:
  pid_t pid_ = -1;
};

/// A directory under the system's temporary one that goes with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A port of 127.0.0.1 that the kernel said is free.
int free_loopback_port();

/// One API server on loopback with certificates of its own, RBAC on, no controllers: StatefulSets
/// make no pods, nothing is collected.
class RealApiServer {
 public:
  /// Where etcd, kube-apiserver and kubectl are: $K8S_BIN or ~/.cache/longhaul-k8s/bin. Empty if
  /// they are not; `e2e/kubernetes/build` makes them.
  static std::string binaries();

  /// Starts both and waits until the API answers. The error says what the servers printed last.
  static base::Result<std::unique_ptr<RealApiServer>> start();

  /// The one of this test program, started on first use and kept to its end. Null if there are no
  /// binaries; aborts if they do not work.
  static RealApiServer* shared();

  /// As an administrator.
  const op::kube::Credentials& credentials() const { return credentials_; }
  op::kube::Transport& transport() { return *transport_; }
  /// Another user, known by a client certificate, with the rights that RBAC gives the name.
  base::Result<op::kube::Credentials> credentials_of(const std::string& user);
  /// A kubeconfig file for the administrator.
  const std::string& kubeconfig() const { return kubeconfig_; }

  /// Creates a namespace of a name not used before, for one test.
  std::string make_namespace();
  /// Installs the CustomResourceDefinitions of `crds/` (once) and waits until they are served.
  base::Result<void> install_crds();

 private:
  RealApiServer() = default;
  static std::unique_ptr<RealApiServer> start_if_built();
  base::Result<void> make_certificates();
  base::Result<void> sign(const std::string& name, const std::string& subject,
                          const std::string& extensions);
  base::Result<void> start_servers();
  base::Result<void> wait_until_ready();
  base::Result<void> write_kubeconfig();
  std::string last_words() const;

  TemporaryDirectory directory_;
  std::unique_ptr<ChildProcess> etcd_;
  std::unique_ptr<ChildProcess> server_;
  op::kube::Credentials credentials_;
  std::unique_ptr<op::kube::Transport> transport_;
  std::string kubeconfig_;
  int port_ = 0;
  int namespaces_ = 0;
  bool crds_installed_ = false;
};

}  // namespace longhaul::tests
