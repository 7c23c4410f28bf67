#include "broker/metrics/http_head.h"

#include <gtest/gtest.h>

namespace longhaul::broker::metrics {
namespace {

TEST(HttpHead, TellsMethodAndPath) {
  auto head = parse_http_head("GET /metrics?x=/y HTTP/1.1\r\nHost: a:1\r\nX-Empty:\r\n\r\n");
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->method, "GET");
  EXPECT_EQ((*head)->path, "/metrics");
  head = parse_http_head("POST / HTTP/1.0\r\n\r\nbody");
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->method, "POST");
  EXPECT_EQ((*head)->path, "/");
}

TEST(HttpHead, WaitsForEveryByteOfAHead) {
  std::string whole = "GET /livez HTTP/1.1\r\nHost: x\r\nUser-Agent: kube-probe/1.30\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    auto head = parse_http_head(std::string_view(whole).substr(0, size));
    ASSERT_TRUE(head) << size << ": " << head.error().message;
    EXPECT_FALSE(*head) << size;
  }
  EXPECT_TRUE(*parse_http_head(whole));
}

TEST(HttpHead, RefusesWhatIsNone) {
  for (std::string_view bytes :
       {std::string_view("\x16\x03\x01\x02", 4), std::string_view("\0\0\0\x17", 4),
        std::string_view("get / HTTP/1.1\r\n"), std::string_view("\r\n\r\n"),
        std::string_view("GET\t/ HTTP/1.1\r\n\r\n"), std::string_view("GET /\n"),
        std::string_view("GET / HTTP/1.1\r\n: x\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nHost\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nHo st: x\r\n\r\n"),
        std::string_view("GET /  HTTP/1.1\r\n\r\n"), std::string_view("GET  HTTP/1.1\r\n\r\n"),
        std::string_view("GET / HTTP/2.0\r\n\r\n"), std::string_view("GET /\r\n\r\n")}) {
    auto head = parse_http_head(bytes);
    ASSERT_FALSE(head) << bytes;
    EXPECT_EQ(head.error().code, base::Errc::kInvalidArgument) << bytes;
  }
}

TEST(HttpHead, IsBounded) {
  std::string start = "GET / HTTP/1.1\r\nX: ";
  std::string end = "\r\n\r\n";
  std::string fits = start + std::string(kMaxHeadBytes - start.size() - end.size(), 'x') + end;
  ASSERT_EQ(fits.size(), kMaxHeadBytes);
  EXPECT_TRUE(parse_http_head(fits).value());
  fits.insert(start.size(), "x");
  EXPECT_EQ(parse_http_head(fits).error().code, base::Errc::kTooLarge);
  std::string endless = start + std::string(kMaxHeadBytes - start.size(), 'x');
  EXPECT_EQ(parse_http_head(endless).error().code, base::Errc::kTooLarge);
  endless.pop_back();
  EXPECT_FALSE(parse_http_head(endless).value());
}

}  // namespace
}  // namespace longhaul::broker::metrics
