#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "local/api/text.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;
using op::kube::Json;

constexpr const char* kManager = "longhaul";

struct Document {
  std::string source;  // file and number, for errors
  Json object;
};

bool is_manifest(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

/// Files of directories in order of their names.
Result<std::vector<std::string>> expand_directories(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const std::string& path : given) {
    std::error_code error;
    if (path == "-" || !std::filesystem::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    size_t before = out.size();
    for (const auto& entry : std::filesystem::directory_iterator(path, error))
      if (is_manifest(entry.path())) out.push_back(entry.path().string());
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
    if (out.size() == before)
      return base::fail(Errc::kNotFound, path + " holds no .yaml, .yml or .json file");
  }
  return out;
}

Result<std::string> read_all(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(Errc::kNotFound, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> load(const std::string& path, std::vector<Document>& out) {
  LH_ASSIGN(std::string text, read_all(path));
  std::string name = path == "-" ? "standard input" : path;
  auto documents = local::parse_yaml(text);
  if (!documents) return base::fail_in(name, documents.error());
  for (size_t i = 0; i < documents->size(); ++i) {
    std::string source = name + ", document " + std::to_string(i + 1);
    Json& object = (*documents)[i];
    if (op::kube::kind_of(object).empty() || op::kube::api_version_of(object).empty())
      return base::fail(Errc::kInvalidArgument, source + ": apiVersion and kind are required");
    if (op::kube::name_of(object).empty())
      return base::fail(Errc::kInvalidArgument, source + ": metadata.name is required");
    out.push_back({source, std::move(object)});
  }
  return {};
}

Result<void> apply_one(Kubernetes& kubernetes, Document& document) {
  Json& object = document.object;
  const op::kube::ResourceType* type =
      op::kube::find_resource_type(op::kube::api_version_of(object), op::kube::kind_of(object));
  if (!type)
    return base::fail(
        Errc::kUnsupported,
        fmt::format("{}: {} {} is not a kind that longhaul applies; kubectl can", document.source,
                    op::kube::api_version_of(object), op::kube::kind_of(object)));
  if (type->namespaced && op::kube::namespace_of(object).empty())
    object["metadata"]["namespace"] = kubernetes.name_space;
  std::string name = op::kube::name_of(object);
  auto before = op::kube::call(*kubernetes.transport,
                               op::kube::get(*type, op::kube::namespace_of(object), name));
  auto after = op::kube::call(*kubernetes.transport, op::kube::apply(*type, object, kManager));
  if (!after) return base::fail_in(document.source, after.error());
  const char* what =
      !before ? "created"
      : op::kube::resource_version_of(*before) == op::kube::resource_version_of(*after)
          ? "unchanged"
          : "configured";
  fmt::print("{}/{} {}\n", type->singular, name, what);
  return {};
}

Result<void> apply_all(const GlobalOptions& global, const std::vector<std::string>& given) {
  LH_ASSIGN(std::vector<std::string> files, expand_directories(given));
  std::vector<Document> documents;
  // Everything is read before anything is applied.
  for (const std::string& file : files) LH_TRY(load(file, documents));
  if (documents.empty()) return base::fail(Errc::kInvalidArgument, "there is nothing to apply");
  LH_ASSIGN(Kubernetes kubernetes, open_kubernetes(global));
  size_t failed = 0;
  for (Document& document : documents)
    if (auto applied = apply_one(kubernetes, document); !applied) {
      report(applied);
      ++failed;
    }
  if (failed == 0) return {};
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("{} of {} were not applied", failed, documents.size()));
}

}  // namespace

int run_apply(const GlobalOptions& global, const std::vector<std::string>& files) {
  return report(apply_all(global, files));
}

}  // namespace longhaul::cli
