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

class Placement : public ::testing::TestWithParam<Cluster> {
 protected:
  bool is_active(int32_t id) { return !image_->broker(id)->fenced; }
  size_t racks_of(const std::vector<int32_t>& brokers) {
    std::set<std::string> racks;
    for (int32_t id : brokers) {
      if (is_active(id)) racks.insert(*image_->broker(id)->rack);
    }
    return racks.size();
  }
  void check_replicas(const std::vector<int32_t>& replicas) {
    size_t used = 0;
    for (int32_t id : replicas) used += is_active(id) ? 1 : 0;
    EXPECT_EQ(used, std::min(active_.size(), replicas.size())) << "a fenced one before an active";
    EXPECT_EQ(racks_of(replicas), std::min(racks_of(active_), replicas.size()));
    EXPECT_EQ(std::set<int32_t>(replicas.begin(), replicas.end()).size(), replicas.size());
  }
  void check_spread(const Assignment& placed) {
    Spread spread;
    for (int32_t id : active_) spread.leads[id] = spread.replicas[id] = 0;
    for (const auto& replicas : placed) {
      ++spread.leads[replicas.front()];
      for (int32_t id : replicas) spread.replicas[id] += is_active(id) ? 1 : 0;
    }
    EXPECT_EQ(spread.leads.size(), active_.size()) << "a fenced one leads";
    EXPECT_LE(range(spread.leads), 1);
    if (!even_) return;
    std::erase_if(spread.replicas, [&](const auto& entry) { return !is_active(entry.first); });
    EXPECT_LE(range(spread.replicas), 2);
  }
  void SetUp() override {
    image_ = image_of(GetParam());
    image_->brokers.for_each([&](int32_t id, const Shared<Broker>&) {
      if (is_active(id)) active_.push_back(id);
    });
    for (int size : GetParam().racks) even_ = even_ && size == GetParam().racks[0];
    even_ = even_ && GetParam().fenced.empty();
  }

  Shared<MetadataImage> image_;
  std::vector<int32_t> active_;
  bool even_ = true;
};

TEST_P(Placement, Properties) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    base::SeededRandom random(seed);
    for (int16_t factor = 1; factor <= static_cast<int16_t>(image_->brokers.size()); ++factor) {
      auto placed = place(*image_, 30, factor, random);
      ASSERT_TRUE(placed);
      ASSERT_EQ(placed->size(), 30u);
      for (const auto& replicas : *placed) {
        ASSERT_EQ(replicas.size(), static_cast<size_t>(factor));
        check_replicas(replicas);
      }
      check_spread(*placed);
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
  auto placed = place(*image, 120, 2, random);
  ASSERT_TRUE(placed);
  for (const auto& replicas : *placed) followers[replicas[0]].insert(replicas[1]);
  for (const auto& [leader, its] : followers) EXPECT_EQ(its.size(), 4u) << leader;
}

TEST(PlacementPairs, CordonedBrokersGetNothing) {
  auto image = std::make_shared<MetadataImage>(*image_of({"a rack", {3}, {}}));
  auto cordoned = std::make_shared<Broker>(*image->broker(2));
  cordoned->cordoned = cordoned->directories;
  image->brokers = image->brokers.with(2, cordoned);
  base::SeededRandom random(3);
  auto placed = place(*image, 10, 2, random);
  ASSERT_TRUE(placed);
  for (const auto& replicas : *placed)
    EXPECT_EQ(std::count(replicas.begin(), replicas.end(), 2), 0);
  auto refused = place(*image, 1, 3, random);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, protocol::ErrorCode::kInvalidReplicationFactor);
  // What is cordoned went offline; the directory that is left is not cordoned.
  cordoned = std::make_shared<Broker>(*cordoned);
  cordoned->directories = {disk(12)};
  image->brokers = image->brokers.with(2, cordoned);
  EXPECT_TRUE(place(*image, 1, 3, random));
}

}  // namespace
}  // namespace longhaul::broker::metadata
