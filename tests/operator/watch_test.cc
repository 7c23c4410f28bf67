// Caches and the lease against an API that does what a test script says.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <nlohmann/json.hpp>

#include "operator/kube/informer.h"
#include "operator/kube/lease.h"

namespace longhaul::op::kube {
namespace {

using namespace std::chrono_literals;

/// Answers requests in the order of the script, and keeps what was asked.
class ScriptedTransport final : public Transport {
 public:
  struct Entry {
    int status;
    std::string body;  // of a stream: the lines
  };
  std::deque<Entry> script;
  std::vector<std::string> asked;

  base::Result<Response> send(const Request& request) override {
    asked.push_back(std::string(to_string(request.method)) + " " + request.target());
    if (script.empty()) return base::fail(base::Errc::kUnavailable, "end of the script");
    Entry entry = script.front();
    script.pop_front();
    return Response{entry.status, entry.body};
  }
  base::Result<Response> stream(const Request& request, const LineHandler& on_line,
                                std::stop_token) override {
    LH_ASSIGN(Response response, send(request));
    if (response.status != 200) return response;
    std::string_view rest = response.body;
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      if (!on_line(rest.substr(0, end))) break;
      rest = end == rest.npos ? "" : rest.substr(end + 1);
    }
    return Response{200, ""};
  }
};

std::string pod(const std::string& name, int version) {
  Json object = make_object(kPod, "n", name);
  object["metadata"]["resourceVersion"] = std::to_string(version);
  return object.dump();
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string page(const std::string& items, int version, const std::string& more = "") {
  return R"({"items":[)" + items + R"(],"metadata":{"resourceVersion":")" +
         std::to_string(version) + R"(","continue":")" + more + R"("}})";
}

class InformerTest : public testing::Test {
 protected:
  ScriptedTransport api_;
  std::vector<std::string> changes_;
  Informer informer_{api_,
                     kPod,
                     {"n", ""},
                     [this](const ObjectKey& key, const ObjectPtr& object) {
                       changes_.push_back((object ? "+" : "-") + key.name);
                     },
                     base::Logger(base::null_sink(), "test")};
};

TEST_F(InformerTest, ListsPagesThenWatchesFromThere) {
  api_.script = {{200, page(pod("a", 1), 9, "more")},
                 {200, page(pod("b", 2), 9)},
                 {200, event("MODIFIED", pod("a", 10)) + event("DELETED", pod("b", 11)) +
                           event("BOOKMARK", pod("", 15))},
                 {200, ""}};
  EXPECT_EQ(informer_.round({}), 0ms);
  EXPECT_TRUE(informer_.synced());
  EXPECT_EQ(informer_.store().size(), 2u);
  informer_.round({});
  informer_.round({});
  EXPECT_EQ(changes_, (std::vector<std::string>{"+a", "+b", "+a", "-b"}));
  ASSERT_EQ(api_.asked.size(), 4u);
  EXPECT_NE(api_.asked[1].find("continue=more"), std::string::npos);
  EXPECT_NE(api_.asked[2].find("resourceVersion=9&"), std::string::npos);
  EXPECT_NE(api_.asked[3].find("resourceVersion=15&"), std::string::npos) << api_.asked[3];
}

TEST_F(InformerTest, GoneListsAnewAndTellsOnlyWhatChanged) {
  api_.script = {{200, page(pod("a", 1) + "," + pod("b", 2), 9)},
                 {200, event("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})")},
                 {200, page(pod("b", 2) + "," + pod("c", 12), 20)}};
  informer_.round({});
  changes_.clear();
  EXPECT_GT(informer_.round({}), 0ms);
  informer_.round({});
  EXPECT_EQ(changes_, (std::vector<std::string>{"+c", "-a"}));
}

TEST_F(InformerTest, GoneAsStatusOfTheRequestToo) {
  api_.script = {{200, page("", 9)},
                 {410, R"({"kind":"Status","code":410,"reason":"Gone"})"},
                 {200, page(pod("a", 12), 20)}};
  for (int i = 0; i < 3; ++i) informer_.round({});
  EXPECT_EQ(changes_, (std::vector<std::string>{"+a"}));
}

TEST_F(InformerTest, ErrorsBackOffAndResumeWhereTheyWere) {
  api_.script = {{200, page("", 9)}, {500, "oops"}, {503, "oops"}, {200, "nonsense\n"}, {200, ""}};
  informer_.round({});
  auto first = informer_.round({});
  auto second = informer_.round({});
  auto third = informer_.round({});
  EXPECT_GT(first, 0ms);
  EXPECT_EQ(second, first * 2);
  EXPECT_EQ(third, first * 4);
  informer_.round({});
  EXPECT_NE(api_.asked.back().find("resourceVersion=9&"), std::string::npos);
  for (int i = 0; i < 20; ++i) EXPECT_LE(informer_.round({}), 15s);
}

class ManualClock final : public base::Clock {
 public:
  int64_t wall_ms() const override { return 1700000000000; }
  Monotonic monotonic() const override { return now; }
  Monotonic now{0};
};

/// One lease, with resourceVersions.
class LeaseServer final : public Transport {
 public:
  Json lease;
  bool down = false;
  base::Result<Response> send(const Request& request) override {
    if (down) return base::fail(base::Errc::kUnavailable, "down");
    if (request.method == Method::kGet)
      return lease.is_null() ? Response{404, "{}"} : Response{200, lease.dump()};
    Json object = Json::parse(request.body);
    if (request.method == Method::kPost && !lease.is_null())
      return Response{409, R"({"reason":"AlreadyExists"})"};
    if (request.method == Method::kPut && resource_version_of(object) != resource_version_of(lease))
      return Response{409, R"({"reason":"Conflict"})"};
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    lease = object;
    return Response{200, lease.dump()};
  }
  base::Result<Response> stream(const Request&, const LineHandler&, std::stop_token) override {
    return base::fail(base::Errc::kUnsupported, "no streams here");
  }

 private:
  int version_ = 0;
};

class LeaseTest : public testing::Test {
 protected:
  LeaseOptions options(const char* identity) {
    LeaseOptions options;
    options.name_space = "n";
    options.name = "l";
    options.identity = identity;
    return options;
  }
  LeaseServer server_;
  ManualClock clock_;
  LeaderElector a_{server_, clock_, options("a")};
  LeaderElector b_{server_, clock_, options("b")};
};

TEST_F(LeaseTest, ExpiresBySilenceSeenOnTheOwnClock) {
  ASSERT_TRUE(a_.tick());
  EXPECT_FALSE(b_.tick());  // seen for the first time now
  clock_.now += 14s;
  EXPECT_FALSE(b_.tick());
  EXPECT_FALSE(b_.is_leader());
  clock_.now += 2s;
  EXPECT_TRUE(b_.tick());
  EXPECT_TRUE(b_.is_leader());
  EXPECT_FALSE(a_.is_leader());
  EXPECT_FALSE(a_.tick());
  EXPECT_EQ(server_.lease["spec"]["leaseTransitions"], 1);
}

TEST_F(LeaseTest, HolderThatCannotRenewGivesUpBeforeItCanBeReplaced) {
  ASSERT_TRUE(a_.tick());
  server_.down = true;
  clock_.now += 9s;
  EXPECT_FALSE(a_.tick());
  EXPECT_TRUE(a_.is_leader());
  clock_.now += 1s;
  EXPECT_FALSE(a_.is_leader());
}

TEST_F(LeaseTest, RenewalsKeepOthersOut) {
  ASSERT_TRUE(a_.tick());
  for (int i = 0; i < 10; ++i) {
    clock_.now += 5s;
    ASSERT_TRUE(a_.tick());
    EXPECT_FALSE(b_.tick());
  }
  ASSERT_TRUE(a_.release());
  EXPECT_TRUE(b_.tick());
}

}  // namespace
}  // namespace longhaul::op::kube
