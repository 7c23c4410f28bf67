// Server-side apply.
#include "tests/local/contract_fixture.h"

namespace longhaul::tests {
namespace {

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

}  // namespace
}  // namespace longhaul::tests
