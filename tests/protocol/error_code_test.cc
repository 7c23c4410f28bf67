#include "protocol/error_code.h"

#include <gtest/gtest.h>

#include "protocol/kafka_error.h"

namespace longhaul::protocol {
namespace {

TEST(ErrorCode, TableHoldsEveryCodeOnce) {
  ASSERT_EQ(error_codes().size(), 135u);
  int16_t expected = -1;
  for (const ErrorCodeInfo& info : error_codes())
    EXPECT_EQ(static_cast<int16_t>(info.code), expected++) << info.name;
}

TEST(ErrorCode, NamesAndRetriability) {
  EXPECT_EQ(static_cast<int16_t>(ErrorCode::kUnknownTopicOrPartition), 3);
  EXPECT_EQ(name(ErrorCode::kUnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_TRUE(is_retriable(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_FALSE(is_retriable(ErrorCode::kNone));
  EXPECT_FALSE(is_retriable(ErrorCode::kUnknownServerError));
}

TEST(ErrorCode, UnknownCodesHaveAName) {
  EXPECT_EQ(name(static_cast<ErrorCode>(1234)), "ERROR_1234");
  EXPECT_FALSE(is_retriable(static_cast<ErrorCode>(1234)));
}

TEST(KafkaError, TravelsAsAResult) {
  auto refuse = []() -> KafkaResult<int> {
    return kafka_fail(ErrorCode::kInvalidTopicException, "the name is empty");
  };
  EXPECT_EQ(refuse().error().code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(refuse().error().message, "the name is empty");
}

}  // namespace
}  // namespace longhaul::protocol
