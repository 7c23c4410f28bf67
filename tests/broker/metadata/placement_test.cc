// Where replicas go: properties that hold for every seed.
#include "broker/metadata/placement.h"

#include <map>
#include <set>

#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {
namespace {

struct Cluster {
  const char* what;
  std::vector<int> racks;    // brokers in each; broker IDs go up through them
  std::set<int32_t> fenced;  // IDs
};

Shared<MetadataImage> image_of(const Cluster& cluster) {
  auto image = std::make_shared<MetadataImage>();
  int32_t id = 0;
  for (size_t rack = 0; rack < cluster.racks.size(); ++rack) {
    for (int i = 0; i < cluster.racks[rack]; ++i) {
      auto broker = std::make_shared<Broker>();
      broker->id = ++id;
      broker->rack = "rack" + std::to_string(rack);
      broker->fenced = cluster.fenced.contains(id);
      broker->directories = {disk(id)};
      image->brokers = image->brokers.with(id, broker);
    }
  }
  return image;
}

struct Spread {
  std::map<int32_t, int> leads, replicas;
};

int range(const std::map<int32_t, int>& counts) {
  int least = counts.begin()->second, most = least;
  for (const auto& [id, count] : counts) {
    least = std::min(least, count);
    most = std::max(most, count);
  }
  return most - least;
}

class Placement : public ::testing::TestWithParam<Cluster> {};

TEST_P(Placement, Properties) {
  auto image = image_of(GetParam());
  size_t brokers = image->brokers.size(), active = brokers - GetParam().fenced.size();
  bool even = true;
  for (int size : GetParam().racks) even = even && size == GetParam().racks[0];
  for (uint64_t seed = 0; seed < 20; ++seed) {
    base::SeededRandom random(seed);
    for (int16_t factor = 1; factor <= static_cast<int16_t>(brokers); ++factor) {
      auto placed = place(*image, 30, factor, random);
      ASSERT_TRUE(placed);
      ASSERT_EQ(placed->size(), 30u);
      Spread spread;
      image->brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
        if (!broker->fenced) spread.leads[id] = spread.replicas[id] = 0;
      });
      for (const auto& replicas : *placed) {
        std::set<int32_t> distinct(replicas.begin(), replicas.end());
        ASSERT_EQ(distinct.size(), static_cast<size_t>(factor));
        std::set<std::string> racks, all_racks;
        size_t used = 0;
        image->brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
          if (!broker->fenced) all_racks.insert(*broker->rack);
          if (broker->fenced || !distinct.contains(id)) return;
          ++used;
          racks.insert(*broker->rack);
        });
        EXPECT_EQ(used, std::min(active, distinct.size())) << "a fenced one before an active one";
        EXPECT_EQ(racks.size(), std::min(all_racks.size(), distinct.size()));
        ++spread.leads[replicas.front()];
        for (int32_t id : replicas) {
          if (!image->broker(id)->fenced) ++spread.replicas[id];
        }
      }
      EXPECT_EQ(spread.leads.size(), active) << "a fenced one leads";
      EXPECT_LE(range(spread.leads), 1);
      if (even && GetParam().fenced.empty()) EXPECT_LE(range(spread.replicas), 2);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Placement,
                         ::testing::Values(Cluster{"one", {1}, {}}, Cluster{"a rack", {5}, {}},
                                           Cluster{"three racks", {1, 1, 1}, {}},
                                           Cluster{"even", {2, 2, 2}, {}},
                                           Cluster{"uneven", {1, 2, 4}, {}},
                                           Cluster{"fenced", {2, 2, 2}, {1, 2, 3}}));

TEST(PlacementPairs, FollowersOfOneBrokerAreOnAllOthers) {
  auto image = image_of({"even", {2, 2, 2}, {}});
  base::SeededRandom random(3);
  std::map<int32_t, std::set<int32_t>> followers;
  for (const auto& replicas : *place(*image, 120, 2, random))
    followers[replicas[0]].insert(replicas[1]);
  for (const auto& [leader, its] : followers) EXPECT_EQ(its.size(), 4u) << leader;
}

TEST(PlacementPairs, CordonedBrokersGetNothing) {
  auto image = std::make_shared<MetadataImage>(*image_of({"a rack", {3}, {}}));
  auto cordoned = std::make_shared<Broker>(*image->broker(2));
  cordoned->cordoned = cordoned->directories;
  image->brokers = image->brokers.with(2, cordoned);
  base::SeededRandom random(3);
  for (const auto& replicas : *place(*image, 10, 2, random))
    EXPECT_EQ(std::count(replicas.begin(), replicas.end(), 2), 0);
  auto refused = place(*image, 1, 3, random);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, protocol::ErrorCode::kInvalidReplicationFactor);
}

}  // namespace
}  // namespace longhaul::broker::metadata
