#include "broker/metadata/persistent_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace longhaul::broker::metadata {
namespace {

using Map = PersistentMap<int, std::string>;

std::map<int, std::string> entries(const Map& map) {
  std::map<int, std::string> result;
  int last = -1;
  map.for_each([&](int key, const std::string& value) {
    EXPECT_LT(last, key);
    last = key;
    result[key] = value;
  });
  return result;
}

TEST(PersistentMap, DoesWhatAStdMapDoes) {
  base::SeededRandom random(1);
  Map map;
  std::map<int, std::string> model;
  for (int step = 0; step < 20'000; ++step) {
    int key = static_cast<int>(random.below(500));
    if (random.below(3) == 0) {
      map = map.without(key);
      model.erase(key);
    } else {
      map = map.with(key, std::to_string(step));
      model[key] = std::to_string(step);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  EXPECT_EQ(entries(map), model);
  for (int key = 0; key < 500; ++key) {
    const std::string* found = map.find(key);
    ASSERT_EQ(found != nullptr, model.count(key) == 1) << key;
    if (found != nullptr) {
      EXPECT_EQ(*found, model[key]);
    }
  }
}

TEST(PersistentMap, OlderVersionsStayAsTheyWere) {
  Map one = Map().with(1, "a").with(2, "b").with(3, "c");
  Map two = one.with(2, "B").without(1);
  EXPECT_EQ(entries(one), (std::map<int, std::string>{{1, "a"}, {2, "b"}, {3, "c"}}));
  EXPECT_EQ(entries(two), (std::map<int, std::string>{{2, "B"}, {3, "c"}}));
}

TEST(PersistentMap, WalksFromAKeyOn) {
  Map map;
  for (int key = 0; key < 100; key += 2) map = map.with(key, "");
  std::vector<int> seen;
  map.from(31, [&](int key, const std::string&) {
    seen.push_back(key);
    return seen.size() < 3;
  });
  EXPECT_EQ(seen, (std::vector<int>{32, 34, 36}));
  map.from(1000, [&](int, const std::string&) {
    ADD_FAILURE();
    return true;
  });
}

}  // namespace
}  // namespace longhaul::broker::metadata
