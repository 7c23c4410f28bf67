// The program itself, with an operator and a broker that do nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

namespace longhaul::cli {
namespace {

struct Outcome {
  int code = -1;
  std::string output;  // standard output and error
};

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "longhaul-cli-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(directory_ + "/bin");
    for (const char* name : {"longhaul-operator", "longhaul-broker"}) {
      std::string path = directory_ + "/bin/" + name;
      std::ofstream(path) << "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n";
      std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
  }
  void TearDown() override {
    run("down");
    std::filesystem::remove_all(directory_);
  }

  Outcome run(const std::string& arguments, const std::string& input = "") {
    std::string file = directory_ + "/input";
    std::ofstream(file) << input;
    std::string command = std::string(LONGHAUL_PROGRAM) + " --dir " + directory_ + "/state " +
                          arguments + " < " + file + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    Outcome out;
    char buffer[4096];
    size_t size;
    while ((size = fread(buffer, 1, sizeof buffer, pipe)) > 0) out.output.append(buffer, size);
    out.code = WEXITSTATUS(pclose(pipe));
    return out;
  }
  Outcome up(const std::string& more = "") {
    return run("up --detach --no-example --programs " + directory_ + "/bin " + more);
  }
  static bool has(const Outcome& outcome, const std::string& text) {
    return outcome.output.find(text) != std::string::npos;
  }

  std::string directory_;
};

constexpr const char* kTopic =
    "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\nmetadata: {name: orders}\n"
    "spec: {cluster: demo, partitions: 3}\n";

TEST_F(CliTest, RunsStopsAndGoesOn) {
  Outcome started = up();
  ASSERT_EQ(started.code, 0) << started.output;
  EXPECT_TRUE(has(started, "\nkubeconfig " + directory_ + "/state/local/kubeconfig\n"))
      << started.output;
  Outcome again = up();
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(has(again, "already running")) << again.output;

  Outcome applied = run("apply -f -", kTopic);
  EXPECT_EQ(applied.code, 0) << applied.output;
  EXPECT_EQ(applied.output, "kafkatopic/orders created\n");
  EXPECT_EQ(run("apply -f -", kTopic).output, "kafkatopic/orders unchanged\n");
  EXPECT_EQ(run("status").code, 0);
  Outcome list = run("topic list");
  EXPECT_EQ(list.code, 1);
  EXPECT_TRUE(has(list, "no broker is running")) << list.output;

  EXPECT_EQ(run("down").output, "stopped\n");
  EXPECT_EQ(run("down").output, "nothing was running\n");
  EXPECT_TRUE(has(run("status"), "start with `longhaul up`"));
  // The topic is still there, and nobody makes it ready: the start gives up and stops all.
  Outcome waiting = up("--timeout 1");
  EXPECT_EQ(waiting.code, 1);
  EXPECT_TRUE(has(waiting, "not ready after 1 s: KafkaTopic orders")) << waiting.output;
  EXPECT_EQ(run("down").output, "nothing was running\n");
  EXPECT_EQ(run("down --wipe").code, 0);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/state"));
}

TEST_F(CliTest, SurvivesBeingKilled) {
  ASSERT_EQ(up().code, 0);
  std::string info = directory_ + "/state/up.json", text;
  std::ifstream file(info);
  std::getline(file, text, '\0');
  pid_t pid = std::stoi(text.substr(text.find("\"pid\": ") + 7));
  ASSERT_GT(pid, 1);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  // The lock goes with the process, whenever the kernel has buried it.
  Outcome started = up();
  for (int i = 0; i < 1000 && has(started, "already running"); ++i) started = up();
  EXPECT_EQ(started.code, 0) << started.output;
}

TEST_F(CliTest, RefusesWhatIsWrong) {
  EXPECT_EQ(run("").code, 2);
  EXPECT_EQ(run("nonsense").code, 2);
  EXPECT_EQ(run("up --port 0").code, 2);
  EXPECT_EQ(run("consume t --offset 3").code, 2);
  for (const char* help : {"--help", "up --help", "topic create --help", "consume --help"})
    EXPECT_EQ(run(help).code, 0) << help;
  Outcome missing = run("up --no-example --programs " + directory_);
  EXPECT_EQ(missing.code, 1);
  EXPECT_TRUE(has(missing, "longhaul-operator")) << missing.output;
  std::ofstream(directory_ + "/broken.yaml") << "a: [";
  Outcome broken =
      run("up --example " + directory_ + "/broken.yaml --programs " + directory_ + "/bin");
  EXPECT_EQ(broken.code, 1);
  EXPECT_TRUE(has(broken, "broken.yaml: not YAML: line 1")) << broken.output;
  EXPECT_TRUE(has(run("apply -f /nowhere.yaml"), "cannot read /nowhere.yaml"));
  EXPECT_TRUE(has(run("topic list"), "--bootstrap"));
  EXPECT_EQ(run("produce t --bootstrap nonsense").code, 1);
}

TEST_F(CliTest, SaysWhichDocumentCannotBeApplied) {
  ASSERT_EQ(up().code, 0);
  Outcome mixed =
      run("apply -f -", std::string(kTopic) +
                            "---\napiVersion: v1\nkind: Node\nmetadata: {name: n}\n"
                            "---\napiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\n"
                            "metadata: {name: bad}\nspec: {cluster: demo, partitions: 0}\n");
  EXPECT_EQ(mixed.code, 1);
  EXPECT_TRUE(has(mixed, "kafkatopic/orders created")) << mixed.output;
  EXPECT_TRUE(has(mixed, "document 2: v1 Node is not a kind")) << mixed.output;
  EXPECT_TRUE(has(mixed, "spec.partitions")) << mixed.output;
  EXPECT_TRUE(has(mixed, "2 of 3 were not applied")) << mixed.output;
}

}  // namespace
}  // namespace longhaul::cli
