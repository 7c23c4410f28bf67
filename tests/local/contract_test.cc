// Objects and what becomes of them.
#include "tests/local/contract_fixture.h"

namespace longhaul::tests {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Api, ContractTest, testing::Values("local", "real"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace longhaul::tests
