#include "local/node/volumes.h"

#include <nlohmann/json.hpp>
#include <set>

#include "local/node/base64.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using base::Errc;
using base::Result;
using op::kube::at_path;
using op::kube::string_at;

constexpr uint64_t kFileLimit = 4 << 20;

bool is_plain_file_path(const std::string& path) {
  return !path.empty() && path.front() != '/' && path.find("..") == path.npos;
}

// The files that a ConfigMap or Secret volume shows, by path.
Result<std::map<std::string, std::string>> contents(const Json& source, const Json& object,
                                                    bool secret) {
  std::map<std::string, std::string> all, chosen;
  for (auto& [key, value] : at_path(object, {"data"}).items())
    if (value.is_string())
      all[key] =
          secret ? decode_base64(value.get_ref<const std::string&>()) : value.get<std::string>();
  for (auto& [key, value] : at_path(object, {"binaryData"}).items())
    if (value.is_string()) all[key] = decode_base64(value.get_ref<const std::string&>());
  const Json& items = at_path(source, {"items"});
  if (items.empty()) return all;
  for (const Json& item : items) {
    auto found = all.find(string_at(item, {"key"}));
    std::string path = string_at(item, {"path"});
    if (found == all.end() && at_path(source, {"optional"}) == true) continue;
    if (found == all.end() || !is_plain_file_path(path))
      return base::fail(
          Errc::kNotFound,
          "CreateContainerConfigError: references non-existent key " + string_at(item, {"key"}));
    chosen[path] = found->second;
  }
  return chosen;
}

Result<void> write_files(base::FileSystem& files, const std::string& directory,
                         const std::map<std::string, std::string>& wanted) {
  LH_TRY(files.create_directories(directory));
  LH_ASSIGN(auto entries, files.list(directory));
  for (const base::DirectoryEntry& entry : entries)
    if (!entry.is_directory && !wanted.contains(entry.name))
      LH_TRY(files.remove(directory + "/" + entry.name));
  for (auto& [path, text] : wanted) {
    std::string file = directory + "/" + path;
    if (size_t slash = path.rfind('/'); slash != path.npos)
      LH_TRY(files.create_directories(directory + "/" + path.substr(0, slash)));
    if (files.exists(file)) {
      LH_ASSIGN(base::Bytes old, base::read_file(files, file, kFileLimit));
      if (base::as_text(old) == text) continue;
    }
    LH_TRY(base::write_file_atomic(files, file, base::as_bytes(text)));
  }
  return {};
}

/// One kind of volume after the other.
class Preparer {
 public:
  Preparer(base::FileSystem& files, const std::string& claims, const ObjectLookup& lookup)
      : files_(files), claims_(claims), lookup_(lookup) {}

  Result<std::string> prepare(const Json& volume, const std::string& directory) {
    if (const Json& source = at_path(volume, {"configMap"}); source.is_object())
      return mounted("ConfigMap", string_at(source, {"name"}), source, directory);
    if (const Json& source = at_path(volume, {"secret"}); source.is_object())
      return mounted("Secret", string_at(source, {"secretName"}), source, directory);
    if (const Json& source = at_path(volume, {"persistentVolumeClaim"}); source.is_object())
      return claimed(string_at(source, {"claimName"}));
    if (at_path(volume, {"emptyDir"}).is_object()) {
      LH_TRY(files_.create_directories(directory));
      return directory;
    }
    return base::fail(Errc::kUnsupported, "CreateContainerConfigError: volume " +
                                              string_at(volume, {"name"}) +
                                              " is of a kind that is not supported here");
  }

 private:
  Result<std::string> mounted(const std::string& kind, const std::string& name, const Json& source,
                              const std::string& directory) {
    Json object = lookup_(kind, name);
    if (object.is_null() && at_path(source, {"optional"}) != true)
      return base::fail(Errc::kNotFound,
                        "ContainerCreating: " + kind + " \"" + name + "\" not found");
    LH_ASSIGN(auto wanted, contents(source, object, kind == "Secret"));
    LH_TRY(write_files(files_, directory, wanted));
    return directory;
  }

  Result<std::string> claimed(const std::string& name) {
    Json claim = lookup_("PersistentVolumeClaim", name);
    if (claim.is_null() || op::kube::is_deleting(claim))
      return base::fail(Errc::kNotFound,
                        "Pending: persistentvolumeclaim \"" + name + "\" not found");
    std::string directory = claims_ + "/" + op::kube::uid_of(claim);
    LH_TRY(files_.create_directories(directory));
    return directory;
  }

  base::FileSystem& files_;
  const std::string& claims_;
  const ObjectLookup& lookup_;
};

}  // namespace

Result<std::map<std::string, std::string>> prepare_volumes(base::FileSystem& files, const Json& pod,
                                                           const std::string& pod_directory,
                                                           const std::string& claims_directory,
                                                           const ObjectLookup& lookup) {
  std::map<std::string, std::string> out;
  Preparer preparer(files, claims_directory, lookup);
  for (const Json& volume : at_path(pod, {"spec", "volumes"})) {
    std::string name = string_at(volume, {"name"});
    if (!is_plain_file_path(name) || name.find('/') != name.npos)
      return base::fail(Errc::kUnsupported, "CreateContainerConfigError: bad volume name " + name);
    LH_ASSIGN(out[name], preparer.prepare(volume, pod_directory + "/volumes/" + name));
  }
  return out;
}

}  // namespace longhaul::local
