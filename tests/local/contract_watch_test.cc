// Watches.
#include "tests/local/contract_fixture.h"

namespace longhaul::tests {
namespace {

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

}  // namespace
}  // namespace longhaul::tests
