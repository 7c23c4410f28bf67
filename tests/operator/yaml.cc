#include "tests/operator/yaml.h"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "operator/kube/kubeconfig.h"

namespace longhaul::tests {
namespace {

using op::kube::Json;

Json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  Json number = Json::parse(text, nullptr, false);
  return number.is_number() ? number : Json(text);
}

Json to_json(const YAML::Node& node) {
  if (node.IsMap()) {
    Json map = Json::object();
    for (const auto& entry : node) map[entry.first.Scalar()] = to_json(entry.second);
    return map;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& element : node) list.push_back(to_json(element));
    return list;
  }
  return node.IsScalar() ? scalar(node) : Json(nullptr);
}

}  // namespace

base::Result<std::vector<Json>> parse_yaml(const std::string& text) {
  std::vector<Json> out;
  try {
    for (const YAML::Node& document : YAML::LoadAll(text))
      if (!document.IsNull()) out.push_back(to_json(document));
  } catch (const YAML::Exception& error) {
    return base::fail(base::Errc::kInvalidArgument, error.what());
  }
  return out;
}

base::Result<std::vector<Json>> load_yaml(const std::string& path) {
  LH_ASSIGN(std::string text, op::kube::read_text_file(path));
  auto documents = parse_yaml(text);
  if (!documents) return base::fail_in(path, documents.error());
  return documents;
}

}  // namespace longhaul::tests
