// What the garbage collector and the namespace controller do. A bare kube-apiserver has neither:
// they live in kube-controller-manager.
#include "tests/local/contract_fixture.h"

namespace longhaul::tests {
namespace {

class CollectorContractTest : public ContractTest {};

TEST_P(CollectorContractTest, OwnedObjectsGoWithTheirOwner) {
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

TEST_P(CollectorContractTest, NamespacesTakeTheirContentAlong) {
  Json object = map("a", {});
  object["metadata"]["finalizers"] = {"longhaul.dev/test"};
  post(maps_, object);
  remove("/api/v1/namespaces/" + ns_);
  EXPECT_EQ(get("/api/v1/namespaces/" + ns_).body["status"]["phase"], "Terminating");
  EXPECT_EQ(post(maps_, map("b", {})).status, 403);
  patch(maps_ + "/a", kMerge, R"({"metadata":{"finalizers":null}})");
  EXPECT_EQ(get("/api/v1/namespaces/" + ns_).status, 404);
}

INSTANTIATE_TEST_SUITE_P(Api, CollectorContractTest, testing::Values("local"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace longhaul::tests
