#include "protocol/api.h"

#include <gtest/gtest.h>

namespace longhaul::protocol {
namespace {

TEST(Api, TableHoldsEveryApiInTheOrderOfKeys) {
  ASSERT_EQ(apis().size(), 89u);
  for (size_t i = 1; i < apis().size(); ++i) EXPECT_LT(apis()[i - 1].key, apis()[i].key);
  for (const ApiInfo& api : apis()) EXPECT_EQ(find_api(api.key), &api) << api.name;
}

TEST(Api, FindsByKeyAndNotBetweenKeys) {
  EXPECT_EQ(find_api(ApiKey::kFetch)->name, "Fetch");
  EXPECT_EQ(find_api(static_cast<int16_t>(4)), nullptr);  // LeaderAndIsr is gone
  EXPECT_EQ(find_api(static_cast<int16_t>(-1)), nullptr);
  EXPECT_EQ(find_api(static_cast<int16_t>(93)), nullptr);
  EXPECT_EQ(name(ApiKey::kProduce), "Produce");
  EXPECT_EQ(name(static_cast<ApiKey>(4)), "unknown");
}

TEST(Api, VersionsAndListenersAreKafkas) {
  const ApiInfo& fetch = *find_api(ApiKey::kFetch);
  EXPECT_EQ(fetch.min_version, 4);
  EXPECT_EQ(fetch.max_version, 18);
  EXPECT_TRUE(fetch.on_broker && fetch.on_controller);
  EXPECT_FALSE(fetch.has_version(3));
  EXPECT_TRUE(fetch.has_version(18));
  EXPECT_FALSE(fetch.has_version(19));
  EXPECT_FALSE(find_api(ApiKey::kVote)->on_broker);
}

TEST(Api, UnstableLatestVersionIsNotOfferedAsStable) {
  EXPECT_EQ(find_api(ApiKey::kInitProducerId)->max_stable_version(), 5);
  EXPECT_EQ(find_api(ApiKey::kFetch)->max_stable_version(), 18);
}

TEST(Api, ProduceIsAdvertisedFromZero) {
  EXPECT_EQ(find_api(ApiKey::kProduce)->advertised_min_version(), 0);
  EXPECT_FALSE(find_api(ApiKey::kProduce)->has_version(0));
  EXPECT_EQ(find_api(ApiKey::kFetch)->advertised_min_version(), 4);
}

TEST(Api, HeaderVersions) {
  const ApiInfo& metadata = *find_api(ApiKey::kMetadata);
  EXPECT_EQ(request_header_version(metadata, 8), 1);
  EXPECT_EQ(request_header_version(metadata, 9), 2);
  EXPECT_EQ(response_header_version(metadata, 8), 0);
  EXPECT_EQ(response_header_version(metadata, 9), 1);
}

TEST(Api, SaslHandshakeAndOffsetDeleteAreNeverFlexible) {
  for (ApiKey key : {ApiKey::kSaslHandshake, ApiKey::kOffsetDelete}) {
    EXPECT_EQ(request_header_version(*find_api(key), 1), 1);
    EXPECT_EQ(response_header_version(*find_api(key), 1), 0);
  }
}

TEST(Api, ApiVersionsIsAnsweredWithTheOldestHeaderInEveryVersion) {
  const ApiInfo& api = *find_api(ApiKey::kApiVersions);
  EXPECT_EQ(request_header_version(api, 2), 1);
  EXPECT_EQ(request_header_version(api, 3), 2);
  EXPECT_EQ(request_header_version(api, 99), 2);
  for (int16_t version : {0, 3, 4, 99}) EXPECT_EQ(response_header_version(api, version), 0);
}

}  // namespace
}  // namespace longhaul::protocol
