#include "broker/app/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace longhaul::broker::app {
namespace {

TEST(OpenFiles, TheLimitBecomesTheMostThereMayBe) {
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &low));
  EXPECT_EQ(before.rlim_max, raise_open_file_limit());
  rlimit after{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &after));
  EXPECT_EQ(before.rlim_max, after.rlim_cur);
  EXPECT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
}

TEST(OpenFiles, WhereItIsFewThatIsSaid) {
  EXPECT_EQ("", warn_of_open_file_limit(1'048'576));
  std::string warning = warn_of_open_file_limit(4096);
  EXPECT_NE(warning.find("only 4096 files"), std::string::npos);
  EXPECT_NE(warning.find("ulimit -n"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::broker::app
