// What the operator and kubectl rely on, held against the embedded API and a real kube-apiserver.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/local/contract_server.h"

namespace longhaul::tests {

using op::kube::at_path;
using op::kube::Json;
using op::kube::Method;
using op::kube::Request;
using op::kube::string_at;

inline constexpr const char* kApply = "application/apply-patch+yaml";
inline constexpr const char* kMerge = "application/merge-patch+json";
inline constexpr const char* kJsonPatch = "application/json-patch+json";
inline constexpr const char* kStrategic = "application/strategic-merge-patch+json";

/// A custom resource with a rule of every kind.
inline Json widget_definition() {
  return Json::parse(R"({
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.contract.longhaul.dev"},
    "spec": {
      "group": "contract.longhaul.dev", "scope": "Namespaced",
      "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets",
                "singular": "widget"},
      "versions": [{"name": "v1", "served": true, "storage": true,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
          "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 10},
            "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "code": {"type": "string", "pattern": "^[a-z]+$"},
            "name": {"type": "string",
                     "x-kubernetes-validations": [{"rule": "self == oldSelf",
                                                   "message": "name may not change"}]},
            "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            "words": {"type": "array", "items": {"type": "string"}},
            "extra": {"type": "object", "additionalProperties": {"type": "string"}},
            "ports": {"type": "array", "x-kubernetes-list-type": "map",
                      "x-kubernetes-list-map-keys": ["name"],
                      "items": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string"}, "port": {"type": "integer"},
                        "tls": {"type": "boolean", "default": false}}}}}},
          "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})");
}

/// A namespace of its own on the API that the parameter names, and the requests one makes there.
class ContractTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    server_ = contract_server(GetParam());
    ASSERT_TRUE(server_) << "no kube-apiserver: run e2e/kubernetes/build";
    ns_ = server_->make_namespace();
    maps_ = "/api/v1/namespaces/" + ns_ + "/configmaps";
    sets_ = "/apis/apps/v1/namespaces/" + ns_ + "/statefulsets";
    widgets_ = "/apis/contract.longhaul.dev/v1/namespaces/" + ns_ + "/widgets";
  }

  struct Reply {
    int status;
    Json body;
    std::string message() const { return string_at(body, {"message"}); }
  };

  Reply send(Request request) {
    auto response = server_->transport().send(request);
    EXPECT_TRUE(response) << response.error().message;
    if (!response) return {0, nullptr};
    return {response->status, Json::parse(response->body, nullptr, false)};
  }
  Reply get(const std::string& path, std::vector<std::pair<std::string, std::string>> query = {}) {
    return send({Method::kGet, path, std::move(query), "", ""});
  }
  Reply post(const std::string& path, const Json& body, decltype(Request::query) query = {}) {
    return send({Method::kPost, path, std::move(query), "application/json", body.dump()});
  }
  Reply put(const std::string& path, const Json& body) {
    return send({Method::kPut, path, {}, "application/json", body.dump()});
  }
  Reply patch(const std::string& path, const std::string& type, const std::string& body,
              decltype(Request::query) query = {}) {
    return send({Method::kPatch, path, std::move(query), type, body});
  }
  Reply apply(const std::string& path, const Json& body, const std::string& manager,
              bool force = false) {
    return patch(path, kApply, body.dump(),
                 {{"fieldManager", manager}, {"force", force ? "true" : "false"}});
  }
  Reply remove(const std::string& path, const Json& options = Json::object()) {
    return send({Method::kDelete, path, {}, "application/json", options.dump()});
  }

  Json map(const std::string& name, Json data) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}}},
            {"data", std::move(data)}};
  }
  Json widget(const std::string& name, Json spec) {
    return {{"apiVersion", "contract.longhaul.dev/v1"},
            {"kind", "Widget"},
            {"metadata", {{"name", name}}},
            {"spec", std::move(spec)}};
  }

  /// Until the definition is served: a real server needs a moment.
  void define_widgets() {
    Reply made =
        post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widget_definition());
    ASSERT_TRUE(made.status == 201 || made.status == 409) << made.body;
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    // Reads alone are not enough: a real server may answer them before it takes writes.
    while (post(widgets_, widget("probe", {{"size", 1}}), {{"dryRun", "All"}}).status != 201 &&
           std::chrono::steady_clock::now() < limit)
      std::this_thread::yield();
  }

  std::vector<Json> watch(const std::string& path, decltype(Request::query) query, size_t count) {
    query.emplace_back("watch", "true");
    query.emplace_back("timeoutSeconds", "20");
    std::vector<Json> events;
    auto done = server_->transport().stream({Method::kGet, path, std::move(query), "", ""},
                                            [&](std::string_view line) {
                                              events.push_back(Json::parse(line));
                                              return events.size() < count;
                                            },
                                            {});
    EXPECT_TRUE(done) << done.error().message;
    return events;
  }

  ContractServer* server_ = nullptr;
  std::string ns_, maps_, sets_, widgets_;
};

inline std::string version_of(const Json& object) { return op::kube::resource_version_of(object); }

inline Json stateful_set(const std::string& name) {
  return Json::parse(R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":")" + name +
                     R"("},"spec":{"serviceName":"s","replicas":1,
    "selector":{"matchLabels":{"app":"x"}},
    "template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[
      {"name":"main","image":"image:1","env":[{"name":"A","value":"1"}],
       "ports":[{"containerPort":80,"name":"http"}]}]}}}})");
}

}  // namespace longhaul::tests
