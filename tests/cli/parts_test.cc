// Parts of the command that need nothing running.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/memory_file_system.h"
#include "cli/embedded.h"
#include "cli/kafka.h"
#include "cli/kubernetes.h"
#include "cli/state.h"
#include "cli/table.h"
#include "local/api/text.h"
#include "operator/kube/object.h"

namespace longhaul::cli {
namespace {

using base::Errc;

TEST(StateDirectoryTest, TakesOnlyWhatIsItsOwn) {
  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/home/me"));
  ASSERT_TRUE(base::write_file_atomic(files, "/home/me/letter", base::as_bytes("dear")));
  StateDirectory foreign(files, "/home/me");
  auto made = foreign.create();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(foreign.wipe());
  EXPECT_TRUE(files.exists("/home/me/letter"));

  StateDirectory own(files, "/home/me/state");
  ASSERT_TRUE(own.create());
  ASSERT_TRUE(own.create()) << "a second time is fine";
  own.remember_port(1234);
  EXPECT_EQ(own.last_port(), 1234);
  EXPECT_FALSE(own.had_example());
  own.remember_example();
  EXPECT_TRUE(own.had_example());
  ASSERT_TRUE(files.create_directories("/home/me/state/local/api"));
  ASSERT_TRUE(own.wipe());
  EXPECT_FALSE(files.exists("/home/me/state"));
}

TEST(StateDirectoryTest, KnowsWhetherSomethingRuns) {
  base::MemoryFileSystem files;
  StateDirectory state(files, "/state");
  EXPECT_EQ(state.running().error().code, Errc::kNotFound);
  ASSERT_TRUE(state.create());
  {
    auto lock = state.lock();
    ASSERT_TRUE(lock);
    EXPECT_EQ(state.running().error().code, Errc::kUnavailable) << "it is just starting";
    ASSERT_TRUE(state.write_running({4711, "http://127.0.0.1:1", "/state/kubeconfig"}));
    auto running = state.running();
    ASSERT_TRUE(running) << running.error().message;
    EXPECT_EQ(running->pid, 4711);
    EXPECT_EQ(running->kubeconfig, "/state/kubeconfig");
    auto second = state.lock();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kConflict);
    EXPECT_NE(second.error().message.find("4711"), std::string::npos);
  }
  // What a killed process left behind says nothing.
  EXPECT_EQ(state.running().error().code, Errc::kNotFound);
}

TEST(BootstrapTest, ListsBrokersByRegion) {
  auto pod = [](const char* cluster, const char* region, const char* ip) {
    return op::kube::Json::parse(
        std::string(R"({"metadata":{"labels":{"longhaul.dev/cluster":")") + cluster +
        R"(","longhaul.dev/region":")" + region + R"("}},"status":{"podIP":")" + ip +
        R"("},"spec":{"containers":[{"ports":[{"name":"internal","containerPort":9092},
                                              {"containerPort":9093}]}]}})");
  };
  auto found = bootstrap_addresses({pod("a", "us", "127.0.0.2"), pod("a", "us", "127.0.0.3"),
                                    pod("b", "eu", "127.0.0.4"), pod("b", "eu", ""),
                                    op::kube::Json::object()});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].cluster, "a");
  EXPECT_EQ(found[0].addresses, "127.0.0.2:9092,127.0.0.3:9092");
  EXPECT_EQ(found[1].region, "eu");
  EXPECT_EQ(found[1].addresses, "127.0.0.4:9092");
}

TEST(BootstrapTest, ReadsEndpoints) {
  auto two = parse_endpoints("a:1,[::1]:2");
  ASSERT_TRUE(two) << two.error().message;
  ASSERT_EQ(two->size(), 2u);
  EXPECT_EQ((*two)[1].port, 2);
  EXPECT_FALSE(parse_endpoints("a"));
  EXPECT_FALSE(parse_endpoints("a:1,"));
}

TEST(TableTest, AlignsColumns) {
  EXPECT_EQ(format_table({"A", "LONG"}, {{"xyz", "1"}, {"", "2"}}, " "),
            " A     LONG\n xyz   1\n -     2\n");
}

TEST(EmbeddedTest, HoldsDefinitionsAndExample) {
  ASSERT_EQ(embedded_definitions().size(), 2u);
  for (std::string_view text : embedded_definitions()) EXPECT_TRUE(local::parse_yaml(text));
  auto example = local::parse_yaml(embedded_example());
  ASSERT_TRUE(example);
  EXPECT_GE(example->size(), 2u);
}

}  // namespace
}  // namespace longhaul::cli
