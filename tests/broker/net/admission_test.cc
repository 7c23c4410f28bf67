#include "broker/net/admission.h"

#include <gtest/gtest.h>

namespace longhaul::broker::net {
namespace {

TEST(Admission, CountsTotalAndPerHost) {
  Admission admission({.total = 3, .per_host = 2, .per_host_overrides = {{"::1", 1}}});
  EXPECT_TRUE(admission.enter("10.0.0.1"));
  EXPECT_TRUE(admission.enter("10.0.0.1"));
  EXPECT_FALSE(admission.enter("10.0.0.1"));
  EXPECT_FALSE(admission.full());
  EXPECT_TRUE(admission.enter("::1"));
  EXPECT_FALSE(admission.enter("::1"));
  EXPECT_TRUE(admission.full());
  admission.leave("10.0.0.1");
  EXPECT_FALSE(admission.full());
  EXPECT_EQ(admission.count(), 2u);
  EXPECT_TRUE(admission.enter("10.0.0.1"));
}

TEST(Admission, Overrides) {
  auto overrides = parse_host_overrides("127.0.0.1:5, [::1]:0,fe80::1:7");
  ASSERT_TRUE(overrides) << overrides.error().message;
  EXPECT_EQ(overrides->at("127.0.0.1"), 5u);
  EXPECT_EQ(overrides->at("::1"), 0u);
  EXPECT_EQ(overrides->at("fe80::1"), 7u);
  EXPECT_TRUE(parse_host_overrides("")->empty());
  EXPECT_FALSE(parse_host_overrides("127.0.0.1"));
  EXPECT_FALSE(parse_host_overrides("localhost:5"));
  EXPECT_FALSE(parse_host_overrides("127.0.0.1:x"));
}

}  // namespace
}  // namespace longhaul::broker::net
