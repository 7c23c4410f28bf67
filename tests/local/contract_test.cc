// What the operator and kubectl rely on, held against the embedded API and a real kube-apiserver.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/local/contract_server.h"

namespace longhaul::tests {
namespace {

using op::kube::at_path;
using op::kube::Json;
using op::kube::Method;
using op::kube::Request;
using op::kube::string_at;

constexpr const char* kApply = "application/apply-patch+yaml";
constexpr const char* kMerge = "application/merge-patch+json";
constexpr const char* kJsonPatch = "application/json-patch+json";
constexpr const char* kStrategic = "application/strategic-merge-patch+json";

Json widget_definition() {
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

class ContractTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    server_ = contract_server(GetParam());
    if (!server_) GTEST_SKIP() << "no real kube-apiserver here";
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

std::string version_of(const Json& object) { return op::kube::resource_version_of(object); }

TEST_P(ContractTest, CreatesWithMetadataOfTheServers) {
  Reply made = post(maps_, map("a", {{"k", "v"}}));
  ASSERT_EQ(made.status, 201) << made.body;
  const Json& metadata = made.body["metadata"];
  EXPECT_EQ(metadata["namespace"], ns_);
  EXPECT_EQ(metadata["uid"].get<std::string>().size(), 36u);
  EXPECT_TRUE(metadata["creationTimestamp"].is_string());
  EXPECT_FALSE(version_of(made.body).empty());
  Reply again = post(maps_, map("a", {}));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body["reason"], "AlreadyExists");
  Reply missing = get(maps_ + "/b");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body["reason"], "NotFound");
  EXPECT_EQ(missing.message(), "configmaps \"b\" not found");
}

TEST_P(ContractTest, RefusesWhatCannotBeCreated) {
  EXPECT_EQ(post(maps_, map("Not_A_Name", {})).status, 422);
  EXPECT_EQ(post("/api/v1/namespaces/nowhere/configmaps", map("a", {})).status, 404);
  Json other = map("a", {});
  other["metadata"]["namespace"] = "another";
  EXPECT_EQ(post(maps_, other).status, 400);
  other = map("a", {});
  other["kind"] = "Secret";
  EXPECT_EQ(post(maps_, other).status, 400);
  other = map("a", {});
  other["metadata"]["resourceVersion"] = "1";
  EXPECT_GE(post(maps_, other).status, 400);
  EXPECT_EQ(send({Method::kPost, maps_, {}, "application/json", "{broken"}).status, 400);
  EXPECT_EQ(get("/apis/nobody.example/v1/things").status, 404);
}

TEST_P(ContractTest, GeneratesNames) {
  Json object = map("", {});
  object["metadata"] = {{"generateName", "web-"}};
  Reply made = post(maps_, object);
  ASSERT_EQ(made.status, 201);
  std::string name = op::kube::name_of(made.body);
  EXPECT_TRUE(name.starts_with("web-"));
  EXPECT_EQ(name.size(), 9u);
}

TEST_P(ContractTest, ReplacesOnlyTheVersionThatWasRead) {
  Json first = post(maps_, map("a", {{"k", "1"}})).body;
  Json changed = first;
  changed["data"]["k"] = "2";
  Reply second = put(maps_ + "/a", changed);
  ASSERT_EQ(second.status, 200);
  EXPECT_NE(version_of(second.body), version_of(first));
  Reply stale = put(maps_ + "/a", changed);
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.body["reason"], "Conflict");
  // The same again changes nothing.
  Reply same = put(maps_ + "/a", second.body);
  EXPECT_EQ(version_of(same.body), version_of(second.body));
  Json unconditional = map("a", {{"k", "3"}});
  EXPECT_EQ(put(maps_ + "/a", unconditional).status, 200);
}

TEST_P(ContractTest, DryRunChangesNothing) {
  EXPECT_EQ(post(maps_, map("a", {}), {{"dryRun", "All"}}).status, 201);
  EXPECT_EQ(get(maps_ + "/a").status, 404);
  post(maps_, map("a", {{"k", "1"}}));
  Reply dry = patch(maps_ + "/a", kMerge, R"({"data":{"k":"2"}})", {{"dryRun", "All"}});
  EXPECT_EQ(dry.body["data"]["k"], "2");
  EXPECT_EQ(get(maps_ + "/a").body["data"]["k"], "1");
}

TEST_P(ContractTest, PatchesOfEveryKind) {
  post(maps_, map("a", {{"k", "1"}, {"l", "2"}}));
  Reply merged = patch(maps_ + "/a", kMerge, R"({"data":{"k":null,"m":"3"}})");
  EXPECT_EQ(merged.body["data"], (Json{{"l", "2"}, {"m", "3"}}));
  Reply patched = patch(maps_ + "/a", kJsonPatch,
                        R"([{"op":"test","path":"/data/l","value":"2"},
                            {"op":"replace","path":"/data/l","value":"9"}])");
  EXPECT_EQ(patched.body["data"]["l"], "9");
  EXPECT_EQ(
      patch(maps_ + "/a", kJsonPatch, R"([{"op":"test","path":"/data/l","value":"2"}])").status,
      422);
  EXPECT_EQ(patch(maps_ + "/a", "text/plain", "{}").status, 415);
  EXPECT_EQ(patch(maps_ + "/a", kMerge, R"({"metadata":{"resourceVersion":"1"}})").status, 409);
  EXPECT_EQ(patch(maps_ + "/a", kMerge, R"({"metadata":{"name":"b"}})").status, 400);
}

Json stateful_set(const std::string& name) {
  return Json::parse(R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":")" + name +
                     R"("},"spec":{"serviceName":"s","replicas":1,
    "selector":{"matchLabels":{"app":"x"}},
    "template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[
      {"name":"main","image":"image:1","env":[{"name":"A","value":"1"}],
       "ports":[{"containerPort":80,"name":"http"}]}]}}}})");
}

TEST_P(ContractTest, StrategicMergeFollowsListKeys) {
  ASSERT_EQ(post(sets_, stateful_set("s")).status, 201);
  Reply patched = patch(sets_ + "/s", kStrategic,
                        R"({"spec":{"template":{"spec":{"containers":[
                            {"name":"main","env":[{"name":"B","value":"2"}]},
                            {"name":"side","image":"image:2"}]}}}})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  const Json& containers = patched.body["spec"]["template"]["spec"]["containers"];
  ASSERT_EQ(containers.size(), 2u);
  Reply removed = patch(sets_ + "/s", kStrategic,
                        R"({"spec":{"template":{"spec":{"containers":[
                            {"name":"side","$patch":"delete"}]}}}})");
  ASSERT_EQ(removed.body["spec"]["template"]["spec"]["containers"].size(), 1u) << removed.body;
  const Json& main = removed.body["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(main["env"].size(), 2u);
  EXPECT_EQ(main["image"], "image:1");
}

TEST_P(ContractTest, StatefulSetsHaveDefaultsAndFixedFields) {
  Json made = post(sets_, stateful_set("s")).body;
  EXPECT_EQ(made["spec"]["podManagementPolicy"], "OrderedReady");
  EXPECT_EQ(made["spec"]["updateStrategy"]["rollingUpdate"]["partition"], 0);
  EXPECT_EQ(made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(made["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"], "TCP");
  Reply refused = patch(sets_ + "/s", kMerge, R"({"spec":{"serviceName":"t"}})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body["reason"], "Invalid");
  Json bad = stateful_set("t");
  bad["spec"]["selector"]["matchLabels"]["app"] = "y";
  EXPECT_EQ(post(sets_, bad).status, 422);
}

TEST_P(ContractTest, GenerationCountsSpecChangesOnly) {
  Json made = post(sets_, stateful_set("s")).body;
  EXPECT_EQ(made["metadata"]["generation"], 1);
  Reply labeled = patch(sets_ + "/s", kMerge, R"({"metadata":{"labels":{"a":"b"}}})");
  EXPECT_EQ(labeled.body["metadata"]["generation"], 1);
  Reply scaled = patch(sets_ + "/s", kMerge, R"({"spec":{"replicas":3}})");
  EXPECT_EQ(scaled.body["metadata"]["generation"], 2);
  Reply status =
      patch(sets_ + "/s/status", kMerge, R"({"spec":{"replicas":7},"status":{"replicas":3}})");
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(status.body["metadata"]["generation"], 2);
  EXPECT_EQ(status.body["spec"]["replicas"], 3);
  EXPECT_EQ(status.body["status"]["replicas"], 3);
}

TEST_P(ContractTest, StatusOfCustomObjectsIsApart) {
  define_widgets();
  Json object = widget("w", {{"size", 3}});
  object["status"] = {{"phase", "Ready"}};
  Reply made = post(widgets_, object);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_FALSE(made.body.contains("status"));
  EXPECT_EQ(made.body["metadata"]["generation"], 1);
  Json next = made.body;
  next["status"] = {{"phase", "Ready"}};
  next["spec"]["size"] = 4;
  Reply status = put(widgets_ + "/w/status", next);
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(status.body["status"]["phase"], "Ready");
  EXPECT_EQ(status.body["spec"]["size"], 3);
  EXPECT_EQ(status.body["metadata"]["generation"], 1);
  Json main = status.body;
  main["status"] = {{"phase", "Gone"}};
  main["spec"]["size"] = 5;
  Reply spec = put(widgets_ + "/w", main);
  EXPECT_EQ(spec.body["status"]["phase"], "Ready");
  EXPECT_EQ(spec.body["metadata"]["generation"], 2);
}

TEST_P(ContractTest, HoldsCustomObjectsToTheirSchema) {
  define_widgets();
  Reply defaulted = post(widgets_, widget("w", {{"size", 3}, {"unknown", 1}}));
  ASSERT_EQ(defaulted.status, 201);
  EXPECT_EQ(defaulted.body["spec"], (Json{{"size", 3}, {"color", "red"}}));
  auto refused = [&](Json spec, const std::string& field) {
    Reply reply = post(widgets_, widget("x", std::move(spec)));
    EXPECT_EQ(reply.status, 422) << reply.body;
    EXPECT_NE(reply.message().find(field), std::string::npos) << reply.message();
  };
  refused({{"size", 11}}, "spec.size");
  refused({{"size", "3"}}, "spec.size");
  refused({{"color", "red"}}, "spec.size");
  refused({{"size", 1}, {"color", "green"}}, "spec.color");
  refused({{"size", 1}, {"code", "ABC"}}, "spec.code");
  refused({{"size", 1}, {"tags", {"a", "a"}}}, "spec.tags[1]");
  Reply strict =
      post(widgets_, widget("x", {{"size", 3}, {"unknown", 1}}), {{"fieldValidation", "Strict"}});
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(strict.message().find("unknown field \"spec.unknown\""), std::string::npos);
  EXPECT_EQ(patch(widgets_ + "/w", kStrategic, R"({"spec":{"size":4}})").status, 415);
}

TEST_P(ContractTest, FixedFieldsOfCustomObjectsStay) {
  define_widgets();
  ASSERT_EQ(post(widgets_, widget("w", {{"size", 3}, {"name", "a"}})).status, 201);
  Reply reply = patch(widgets_ + "/w", kMerge, R"({"spec":{"name":"b"}})");
  EXPECT_EQ(reply.status, 422);
  EXPECT_NE(reply.message().find("name may not change"), std::string::npos) << reply.message();
  EXPECT_EQ(patch(widgets_ + "/w", kMerge, R"({"spec":{"size":4}})").status, 200);
}

TEST_P(ContractTest, AppliesAndRemovesWhatIsNoLongerApplied) {
  Reply made = apply(maps_ + "/a", map("a", {{"k", "1"}, {"l", "2"}}), "one");
  ASSERT_EQ(made.status, 201) << made.body;
  const Json& managed = made.body["metadata"]["managedFields"];
  ASSERT_EQ(managed.size(), 1u);
  EXPECT_EQ(managed[0]["manager"], "one");
  EXPECT_EQ(managed[0]["operation"], "Apply");
  EXPECT_EQ(managed[0]["fieldsV1"], Json::parse(R"({"f:data":{"f:k":{},"f:l":{}}})"));
  Reply again = apply(maps_ + "/a", map("a", {{"k", "1"}, {"l", "2"}}), "one");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(version_of(again.body), version_of(made.body)) << "a repeated apply writes nothing";
  apply(maps_ + "/a", map("a", {{"m", "3"}}), "two");
  Reply less = apply(maps_ + "/a", map("a", {{"k", "1"}}), "one");
  EXPECT_EQ(less.body["data"], (Json{{"k", "1"}, {"m", "3"}}));
}

TEST_P(ContractTest, ConflictsNameManagersAndFields) {
  apply(maps_ + "/a", map("a", {{"k", "1"}, {"l", "1"}}), "one");
  // The same value is no conflict, and then belongs to both.
  EXPECT_EQ(apply(maps_ + "/a", map("a", {{"k", "1"}}), "two").status, 200);
  Reply conflict = apply(maps_ + "/a", map("a", {{"k", "2"}}), "three");
  ASSERT_EQ(conflict.status, 409) << conflict.body;
  EXPECT_EQ(conflict.body["reason"], "Conflict");
  const Json& causes = at_path(conflict.body, {"details", "causes"});
  ASSERT_EQ(causes.size(), 2u) << conflict.body;
  EXPECT_EQ(causes[0]["reason"], "FieldManagerConflict");
  EXPECT_EQ(causes[0]["field"], ".data.k");
  std::string both = conflict.message();
  EXPECT_NE(both.find("\"one\""), std::string::npos) << both;
  EXPECT_NE(both.find("\"two\""), std::string::npos) << both;
  Reply forced = apply(maps_ + "/a", map("a", {{"k", "2"}}), "three", true);
  EXPECT_EQ(forced.body["data"], (Json{{"k", "2"}, {"l", "1"}}));
  // "one" no longer owns k: leaving it out removes nothing.
  Reply less = apply(maps_ + "/a", map("a", {{"l", "1"}}), "one");
  EXPECT_EQ(less.body["data"]["k"], "2");
}

TEST_P(ContractTest, SharedFieldsStayUntilTheLastOwnerLetsGo) {
  apply(maps_ + "/a", map("a", {{"k", "1"}, {"x", "1"}}), "one");
  apply(maps_ + "/a", map("a", {{"k", "1"}}), "two");
  Reply kept = apply(maps_ + "/a", map("a", {{"x", "1"}}), "one");
  EXPECT_EQ(kept.body["data"]["k"], "1");
  Reply gone = apply(maps_ + "/a", map("a", Json::object()), "two");
  EXPECT_FALSE(gone.body["data"].contains("k")) << gone.body;
}

TEST_P(ContractTest, UpdatesTakeOwnership) {
  apply(maps_ + "/a", map("a", {{"k", "1"}, {"l", "1"}}), "one");
  Reply edited = patch(maps_ + "/a", kMerge, R"({"data":{"k":"2"}})", {{"fieldManager", "hand"}});
  bool found = false;
  for (const Json& entry : edited.body["metadata"]["managedFields"])
    if (entry["manager"] == "hand") {
      found = true;
      EXPECT_EQ(entry["operation"], "Update");
      EXPECT_TRUE(entry["fieldsV1"]["f:data"].contains("f:k"));
      EXPECT_FALSE(entry["fieldsV1"]["f:data"].contains("f:l"));
    }
  EXPECT_TRUE(found) << edited.body;
  EXPECT_EQ(apply(maps_ + "/a", map("a", {{"k", "1"}, {"l", "1"}}), "one").status, 409);
}

TEST_P(ContractTest, AppliesListsByKey) {
  define_widgets();
  Json first = widget("w", {{"size", 1}, {"ports", {{{"name", "a"}, {"port", 1}}}}});
  first["spec"]["ports"] =
      Json::array({{{"name", "a"}, {"port", 1}}, {{"name", "b"}, {"port", 2}}});
  first["spec"]["tags"] = {"x"};
  ASSERT_EQ(apply(widgets_ + "/w", first, "one").status, 201);
  Json second =
      widget("w", {{"ports", Json::array({{{"name", "c"}, {"port", 3}}})}, {"tags", {"y"}}});
  Reply both = apply(widgets_ + "/w", second, "two");
  ASSERT_EQ(both.status, 200) << both.body;
  EXPECT_EQ(both.body["spec"]["ports"].size(), 3u);
  EXPECT_EQ(both.body["spec"]["tags"], (Json{"x", "y"}));
  first["spec"]["ports"] = Json::array({{{"name", "b"}, {"port", 2}}});
  first["spec"].erase("tags");
  Reply less = apply(widgets_ + "/w", first, "one");
  ASSERT_EQ(less.body["spec"]["ports"].size(), 2u) << less.body;
  EXPECT_EQ(less.body["spec"]["ports"][0]["name"], "b");
  EXPECT_EQ(less.body["spec"]["tags"], (Json::array({"y"})));
  Reply again = apply(widgets_ + "/w", first, "one");
  EXPECT_EQ(version_of(again.body), version_of(less.body));
}

TEST_P(ContractTest, AppliedEnvironmentAndContainersMerge) {
  Json set = stateful_set("s");
  ASSERT_EQ(apply(sets_ + "/s", set, "one").status, 201);
  Json side = stateful_set("s");
  side["spec"] = Json::parse(R"({"template":{"spec":{"containers":[
      {"name":"main","env":[{"name":"B","value":"2"}]}]}}})");
  Reply merged = apply(sets_ + "/s", side, "two");
  ASSERT_EQ(merged.status, 200) << merged.body;
  const Json& main = merged.body["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(main["env"].size(), 2u);
  EXPECT_EQ(main["image"], "image:1");
  Reply again = apply(sets_ + "/s", set, "one");
  EXPECT_EQ(version_of(again.body), version_of(merged.body));
}

TEST_P(ContractTest, RefusesMalformedApplies) {
  EXPECT_EQ(patch(maps_ + "/a", kApply, map("a", {}).dump()).status, 422) << "no fieldManager";
  Json other = map("b", {});
  EXPECT_EQ(apply(maps_ + "/a", other, "one").status, 400);
  define_widgets();
  Reply unknown = apply(widgets_ + "/w", widget("w", {{"size", 1}, {"sise", 2}}), "one");
  EXPECT_GE(unknown.status, 400);
  EXPECT_NE(unknown.message().find("spec.sise"), std::string::npos) << unknown.message();
  EXPECT_EQ(patch(maps_ + "/a", kApply, "a: [", {{"fieldManager", "one"}}).status, 400);
}

TEST_P(ContractTest, AppliesYaml) {
  Reply made = patch(maps_ + "/a", kApply,
                     "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: \"yes\"\n",
                     {{"fieldManager", "one"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body["data"]["k"], "yes");
}

TEST_P(ContractTest, AppliesStatusApart) {
  define_widgets();
  apply(widgets_ + "/w", widget("w", {{"size", 1}}), "one");
  Json status = widget("w", {{"size", 9}});
  status["status"] = {{"phase", "Ready"}};
  Reply applied = apply(widgets_ + "/w/status", status, "two");
  ASSERT_EQ(applied.status, 200) << applied.body;
  EXPECT_EQ(applied.body["spec"]["size"], 1);
  EXPECT_EQ(applied.body["status"]["phase"], "Ready");
  bool found = false;
  for (const Json& entry : applied.body["metadata"]["managedFields"])
    if (entry["manager"] == "two") {
      found = true;
      EXPECT_EQ(string_at(entry, {"subresource"}), "status");
      EXPECT_EQ(entry["fieldsV1"], Json::parse(R"({"f:status":{"f:phase":{}}})"));
    }
  EXPECT_TRUE(found);
  Reply again = apply(widgets_ + "/w/status", status, "two");
  EXPECT_EQ(version_of(again.body), version_of(applied.body));
}

TEST_P(ContractTest, FinalizersHoldDeletion) {
  Json object = map("a", {});
  object["metadata"]["finalizers"] = {"longhaul.dev/test"};
  post(maps_, object);
  Reply removed = remove(maps_ + "/a");
  EXPECT_EQ(removed.status, 200);
  Json waiting = get(maps_ + "/a").body;
  EXPECT_TRUE(op::kube::is_deleting(waiting));
  Json more = waiting;
  more["metadata"]["finalizers"].push_back("longhaul.dev/other");
  EXPECT_EQ(put(maps_ + "/a", more).status, 422);
  waiting["metadata"].erase("finalizers");
  EXPECT_EQ(put(maps_ + "/a", waiting).status, 200);
  EXPECT_EQ(get(maps_ + "/a").status, 404);
}

TEST_P(ContractTest, DeletesOnlyWhatWasMeant) {
  Json made = post(maps_, map("a", {})).body;
  EXPECT_EQ(remove(maps_ + "/a", {{"preconditions", {{"uid", "another"}}}}).status, 409);
  EXPECT_EQ(remove(maps_ + "/a", {{"preconditions", {{"resourceVersion", "1"}}}}).status, 409);
  Reply done = remove(maps_ + "/a", {{"preconditions", {{"uid", op::kube::uid_of(made)}}}});
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body["status"], "Success");
  EXPECT_EQ(remove(maps_ + "/a").status, 404);
}

TEST_P(ContractTest, SelectsByLabelsAndFields) {
  for (const char* name : {"a", "b", "c"}) {
    Json object = map(name, {});
    object["metadata"]["labels"] = {{"name", name}, {"all", "yes"}};
    post(maps_, object);
  }
  auto names = [&](decltype(Request::query) query) {
    std::string out;
    Reply found = get(maps_, std::move(query));
    for (const Json& item : found.body["items"])
      if (op::kube::label_of(item, "all") == "yes") out += op::kube::name_of(item);
    return out;
  };
  EXPECT_EQ(names({{"labelSelector", "name=b"}}), "b");
  EXPECT_EQ(names({{"labelSelector", "all=yes,name!=b"}}), "ac");
  EXPECT_EQ(names({{"labelSelector", "name in (a, c),all"}}), "ac");
  EXPECT_EQ(names({{"labelSelector", "!name"}}), "");
  EXPECT_EQ(names({{"fieldSelector", "metadata.name=c"}}), "c");
  EXPECT_EQ(get(maps_, {{"fieldSelector", "data.k=1"}}).status, 400);
  EXPECT_EQ(get(maps_, {{"labelSelector", "a in"}}).status, 400);
}

TEST_P(ContractTest, WatchesFromAVersionOn) {
  Json a = post(maps_, map("a", {{"k", "1"}})).body;
  Json b = post(maps_, map("b", {{"k", "1"}})).body;
  Json changed = patch(maps_ + "/b", kMerge, R"({"data":{"k":"2"}})").body;
  remove(maps_ + "/a");
  auto events = watch(maps_, {{"resourceVersion", version_of(a)}}, 3);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["type"], "ADDED");
  EXPECT_EQ(op::kube::name_of(events[0]["object"]), "b");
  EXPECT_EQ(events[1]["type"], "MODIFIED");
  EXPECT_EQ(version_of(events[1]["object"]), version_of(changed));
  EXPECT_EQ(events[2]["type"], "DELETED");
  EXPECT_EQ(op::kube::name_of(events[2]["object"]), "a");
  EXPECT_GT(std::stoull(version_of(events[2]["object"])), std::stoull(version_of(changed)));
}

TEST_P(ContractTest, WatchesSelectedObjectsComeAndGo) {
  Json object = map("a", {});
  object["metadata"]["labels"] = {{"on", "yes"}};
  Json made = post(maps_, object).body;
  patch(maps_ + "/a", kMerge, R"({"metadata":{"labels":{"on":"no"}}})");
  patch(maps_ + "/a", kMerge, R"({"metadata":{"labels":{"on":"yes"}}})");
  auto events =
      watch(maps_, {{"resourceVersion", version_of(made)}, {"labelSelector", "on=yes"}}, 2);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["type"], "DELETED");
  EXPECT_EQ(events[1]["type"], "ADDED");
}

TEST_P(ContractTest, WatchesBeginWithWhatIsThere) {
  post(maps_, map("a", {}));
  auto events = watch(maps_, {{"fieldSelector", "metadata.name=a"}}, 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]["type"], "ADDED");
  auto listed = watch(maps_,
                      {{"sendInitialEvents", "true"},
                       {"allowWatchBookmarks", "true"},
                       {"resourceVersionMatch", "NotOlderThan"},
                       {"fieldSelector", "metadata.name=a"}},
                      2);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[1]["type"], "BOOKMARK");
  EXPECT_EQ(listed[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

TEST_P(ContractTest, TellsAboutItself) {
  define_widgets();
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_TRUE(get("/version").body["gitVersion"].is_string());
  Json core = get("/api/v1").body;
  bool pods = false, status = false;
  for (const Json& one : core["resources"]) {
    pods |= one["name"] == "pods" && one["namespaced"] == true && one["kind"] == "Pod";
    status |= one["name"] == "pods/status";
  }
  EXPECT_TRUE(pods && status);
  bool ours = false;
  Json groups = get("/apis").body["groups"];
  for (const Json& group : groups) ours |= group["name"] == "contract.longhaul.dev";
  EXPECT_TRUE(ours);
  EXPECT_EQ(get("/apis/contract.longhaul.dev/v1").body["resources"][0]["name"], "widgets");
}

TEST_P(ContractTest, OwnedObjectsGoWithTheirOwner) {
  if (!server_->collects_garbage()) GTEST_SKIP() << "a bare kube-apiserver collects nothing";
  Json owner = post(maps_, map("owner", {})).body;
  Json owned = map("owned", {});
  owned["metadata"]["ownerReferences"] = Json::array({op::kube::owner_reference(owner)});
  ASSERT_EQ(post(maps_, owned).status, 201);
  remove(maps_ + "/owner", {{"propagationPolicy", "Background"}});
  EXPECT_EQ(get(maps_ + "/owned").status, 404);

  owner = post(maps_, map("owner", {})).body;
  owned["metadata"]["ownerReferences"] = Json::array({op::kube::owner_reference(owner)});
  owned["metadata"]["finalizers"] = {"longhaul.dev/test"};
  post(maps_, owned);
  remove(maps_ + "/owner", {{"propagationPolicy", "Foreground"}});
  EXPECT_TRUE(op::kube::is_deleting(get(maps_ + "/owner").body));
  patch(maps_ + "/owned", kMerge, R"({"metadata":{"finalizers":null}})");
  EXPECT_EQ(get(maps_ + "/owned").status, 404);
  EXPECT_EQ(get(maps_ + "/owner").status, 404);

  owner = post(maps_, map("owner", {})).body;
  owned["metadata"]["ownerReferences"] = Json::array({op::kube::owner_reference(owner)});
  owned["metadata"].erase("finalizers");
  post(maps_, owned);
  remove(maps_ + "/owner", {{"propagationPolicy", "Orphan"}});
  EXPECT_EQ(get(maps_ + "/owner").status, 404);
  Json orphan = get(maps_ + "/owned").body;
  EXPECT_TRUE(at_path(orphan, {"metadata", "ownerReferences"}).is_null()) << orphan;
}

TEST_P(ContractTest, NamespacesTakeTheirContentAlong) {
  if (!server_->collects_garbage()) GTEST_SKIP() << "a bare kube-apiserver collects nothing";
  Json object = map("a", {});
  object["metadata"]["finalizers"] = {"longhaul.dev/test"};
  post(maps_, object);
  remove("/api/v1/namespaces/" + ns_);
  EXPECT_EQ(get("/api/v1/namespaces/" + ns_).body["status"]["phase"], "Terminating");
  EXPECT_EQ(post(maps_, map("b", {})).status, 403);
  patch(maps_ + "/a", kMerge, R"({"metadata":{"finalizers":null}})");
  EXPECT_EQ(get("/api/v1/namespaces/" + ns_).status, 404);
}

INSTANTIATE_TEST_SUITE_P(Api, ContractTest, testing::Values("local", "real"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace longhaul::tests
