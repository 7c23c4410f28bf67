#include "operator/kube/kubeconfig.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace longhaul::op::kube {
namespace {

using base::Errc;
using base::Result;

constexpr size_t kFileLimit = 1 << 20;

Result<std::string> decode_base64(const std::string& text, const std::string& field) {
  std::string clean;
  for (char c : text)
    if (!isspace(static_cast<unsigned char>(c))) clean.push_back(c);
  std::string out(clean.size() / 4 * 3, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(clean.data()),
                             static_cast<int>(clean.size()));
  if (clean.size() % 4 != 0 || size < 0)
    return base::fail(Errc::kInvalidArgument, field + " is not base64");
  size_t padding = 0;
  while (padding < 2 && padding < clean.size() && clean[clean.size() - 1 - padding] == '=')
    ++padding;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

std::string text_of(const YAML::Node& node, const char* field) {
  YAML::Node value = node[field];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

std::string absolute(const std::string& path, const std::string& directory) {
  return std::filesystem::path(path).is_absolute() ? path : directory + "/" + path;
}

/// `FIELD-data` in base64, or the file that `FIELD` names, or empty.
Result<std::string> pem_of(const YAML::Node& node, const std::string& field,
                           const std::string& directory) {
  std::string data = text_of(node, (field + "-data").c_str());
  if (!data.empty()) return decode_base64(data, field + "-data");
  std::string path = text_of(node, field.c_str());
  if (path.empty()) return std::string();
  return read_text_file(absolute(path, directory));
}

/// The `inner` map of the entry of `list` that has this name.
Result<YAML::Node> named(const YAML::Node& root, const char* list, const char* inner,
                         const std::string& name) {
  for (const YAML::Node& entry : root[list])
    if (entry.IsMap() && text_of(entry, "name") == name && entry[inner] && entry[inner].IsMap())
      return entry[inner];
  return base::fail(Errc::kInvalidArgument,
                    std::string("kubeconfig: no entry named \"") + name + "\" in " + list);
}

Result<void> read_user(const YAML::Node& user, const std::string& directory, Credentials& out) {
  for (const char* plugin : {"exec", "auth-provider"})
    if (user[plugin])
      return base::fail(Errc::kUnsupported,
                        std::string("kubeconfig: users[].user.") + plugin +
                            " runs a credential plugin, which is not supported; use a service "
                            "account token (kubectl create token) or a client certificate");
  LH_ASSIGN(out.client_certificate_pem, pem_of(user, "client-certificate", directory));
  LH_ASSIGN(out.client_key_pem, pem_of(user, "client-key", directory));
  out.token = text_of(user, "token");
  out.token_file = text_of(user, "tokenFile");
  if (!out.token_file.empty()) out.token_file = absolute(out.token_file, directory);
  if (out.client_certificate_pem.empty() != out.client_key_pem.empty())
    return base::fail(Errc::kInvalidArgument,
                      "kubeconfig: client-certificate and client-key must be given together");
  if (!text_of(user, "username").empty())
    return base::fail(Errc::kUnsupported,
                      "kubeconfig: user name and password are not supported by Kubernetes any "
                      "more; use a token or a client certificate");
  return {};
}

Result<Credentials> read_context(const YAML::Node& root, const std::string& directory,
                                 std::string context) {
  if (!root.IsMap()) return base::fail(Errc::kInvalidArgument, "kubeconfig: not a YAML map");
  if (context.empty()) context = text_of(root, "current-context");
  if (context.empty())
    return base::fail(Errc::kInvalidArgument,
                      "kubeconfig: no current-context; name a context to use");
  LH_ASSIGN(YAML::Node entry, named(root, "contexts", "context", context));
  LH_ASSIGN(YAML::Node cluster, named(root, "clusters", "cluster", text_of(entry, "cluster")));
  Credentials out;
  out.server = text_of(cluster, "server");
  if (out.server.empty())
    return base::fail(Errc::kInvalidArgument, "kubeconfig: the cluster has no server");
  LH_ASSIGN(out.ca_pem, pem_of(cluster, "certificate-authority", directory));
  out.insecure_skip_tls_verify = text_of(cluster, "insecure-skip-tls-verify") == "true";
  out.tls_server_name = text_of(cluster, "tls-server-name");
  if (!text_of(cluster, "proxy-url").empty())
    return base::fail(Errc::kUnsupported, "kubeconfig: proxy-url is not supported");
  if (std::string name_space = text_of(entry, "namespace"); !name_space.empty())
    out.default_namespace = name_space;
  std::string user_name = text_of(entry, "user");
  if (user_name.empty()) return out;
  LH_ASSIGN(YAML::Node user, named(root, "users", "user", user_name));
  LH_TRY(read_user(user, directory, out));
  return out;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return base::fail(errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                      path + ": " + std::strerror(errno));
  std::string text(kFileLimit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileLimit)
    return base::fail(Errc::kTooLarge, path + ": larger than 1 MiB, not a file of this kind");
  return text;
}

Result<Credentials> parse_kubeconfig(std::string_view yaml, const std::string& directory,
                                     const std::string& context) {
  try {
    return read_context(YAML::Load(std::string(yaml)), directory, context);
  } catch (const YAML::Exception& error) {
    return base::fail(Errc::kInvalidArgument, std::string("kubeconfig: ") + error.what());
  }
}

Result<Credentials> load_kubeconfig(const std::string& path, const std::string& context) {
  LH_ASSIGN(std::string text, read_text_file(path));
  std::string directory = std::filesystem::path(path).parent_path().string();
  auto credentials = parse_kubeconfig(text, directory.empty() ? "." : directory, context);
  if (!credentials) return base::fail_in(path, credentials.error());
  return credentials;
}

Result<Credentials> in_cluster_credentials(const std::string& host, const std::string& port,
                                           const std::string& directory) {
  if (host.empty() || port.empty())
    return base::fail(Errc::kNotFound,
                      "not in a Kubernetes pod (KUBERNETES_SERVICE_HOST is not set); give "
                      "--kubeconfig");
  Credentials out;
  out.server = "https://" + (host.find(':') != host.npos ? "[" + host + "]" : host) + ":" + port;
  out.token_file = directory + "/token";
  LH_TRY(read_text_file(out.token_file));
  LH_ASSIGN(out.ca_pem, read_text_file(directory + "/ca.crt"));
  if (auto name_space = read_text_file(directory + "/namespace"))
    out.default_namespace = *name_space;
  return out;
}

}  // namespace longhaul::op::kube
