// Pods as processes: started, probed, restarted, stopped, with their volumes.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "tests/local/node_fixture.h"

namespace longhaul::tests {
namespace {

using op::kube::at_path;
using op::kube::string_at;

using NodeTest = NodeFixture;

// Runs until it is told to end.
constexpr const char* kForever =
    "trap 'echo bye; exit 0' TERM\necho up\nwhile :; do sleep 1 & wait $!; done\n";

int restarts(const Json& pod) {
  return static_cast<int>(
      op::kube::int_at(at_path(pod, {"status", "containerStatuses"}).at(0), {"restartCount"}));
}

TEST_F(NodeTest, RunsAPodWithItsEnvironmentAndFiles) {
  program("show", std::string("echo \"$0 $*\"\necho \"$NAME@$IP in $NS\"\ncat \"$1/greeting\"\n") +
                      "env | grep -c LEAK_ME || true\n" + kForever);
  setenv("LEAK_ME", "1", 1);
  start_node();
  apply({{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata", {{"name", "words"}}},
         {"data", {{"greeting", "hello\n"}}}});
  Json set = stateful_set("web", Json::parse(R"json({
      "command": ["show"], "args": ["/etc/words", "--who=$(NAME)", "/etc/wordsmith"],
      "env": [{"name":"NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
              {"name":"NS","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}},
              {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}],
      "volumeMounts": [{"name":"w","mountPath":"/etc/words"}]
})json"));
  set["spec"]["template"]["spec"]["volumes"] =
      Json::array({{{"name", "w"}, {"configMap", {{"name", "words"}}}}});
  apply(set);
  Json pod = until_ready("web-0");
  std::string address = string_at(pod, {"status", "podIP"});
  EXPECT_TRUE(address.starts_with(base_.substr(0, base_.rfind('.')))) << address;
  EXPECT_EQ(string_at(pod, {"status", "phase"}), "Running");
  while (log_of("web-0").find("up\n") == std::string::npos) std::this_thread::yield();
  remove("statefulsets", "web", "apps");
  until_gone("web-0");
  std::string log = log_of("web-0");
  EXPECT_NE(log.find("--who=web-0 /etc/wordsmith"), std::string::npos) << log;
  EXPECT_NE(log.find("web-0@" + address + " in default"), std::string::npos) << log;
  EXPECT_NE(log.find("hello\n0\n"), std::string::npos) << log;
  EXPECT_NE(log.find("bye"), std::string::npos) << "it was asked to end";
  unsetenv("LEAK_ME");
}

TEST_F(NodeTest, FilesFollowTheirConfigMap) {
  program("follow", "while ! grep -q second \"$1\"; do sleep 0.02; done\necho seen\n" +
                        std::string(kForever));
  start_node();
  Json words{{"apiVersion", "v1"},
             {"kind", "ConfigMap"},
             {"metadata", {{"name", "words"}}},
             {"data", {{"word", "first"}}}};
  apply(words);
  Json set = stateful_set("web", Json::parse(R"({"command": ["follow", "/words/word"],
      "readinessProbe": {"exec": {"command": ["seen"]}, "periodSeconds": 1},
      "volumeMounts": [{"name":"w","mountPath":"/words"}]})"));
  program("seen", "grep -q seen ../../logs/default_web-0_main.log\n");
  set["spec"]["template"]["spec"]["volumes"] =
      Json::array({{{"name", "w"}, {"configMap", {{"name", "words"}}}}});
  apply(set);
  until("pods", "web-0", [](const Json& pod) {
    return string_at(pod, {"status", "phase"}) == "Running";
  });
  words["data"]["word"] = "second";
  apply(words);
  until_ready("web-0");
}

TEST_F(NodeTest, RestartsWhatEndsWithBackOff) {
  program("fail", "echo try\nexit 3\n");
  start_node();
  apply(stateful_set("web", {{"command", {"fail"}}}));
  Json pod = until("pods", "web-0", [](const Json& pod) {
    return pod.is_object() && at_path(pod, {"status", "containerStatuses"}).is_array() &&
           restarts(pod) >= 3;
  });
  const Json& status = pod["status"]["containerStatuses"][0];
  EXPECT_EQ(status["lastState"]["terminated"]["exitCode"], 3);
  EXPECT_GE(log_of("web-0").size(), 4u * 3);
}

TEST_F(NodeTest, SaysWhyAPodCannotRun) {
  start_node();
  Json set = stateful_set("web", {{"command", {"nothing"}}});
  set["spec"]["template"]["spec"]["containers"][0]["image"] = "elsewhere:1";
  apply(set);
  auto reason = [](const Json& pod) {
    const Json& statuses = at_path(pod, {"status", "containerStatuses"});
    return statuses.is_array() ? string_at(statuses[0], {"state", "waiting", "reason"}) : "";
  };
  Json pod =
      until("pods", "web-0", [&](const Json& object) { return reason(object) == "ErrImagePull"; });
  EXPECT_NE(pod.dump().find("there is no image"), std::string::npos);
  apply(stateful_set("gone", {{"command", {"nothing"}}}));
  until("pods", "gone-0",
        [&](const Json& object) { return reason(object) == "RunContainerError"; });
  apply(stateful_set("escape", {{"command", {"/bin/sh"}}}));
  until("pods", "escape-0",
        [&](const Json& object) { return reason(object) == "RunContainerError"; });
}

TEST_F(NodeTest, VolumesOutliveTheirPods) {
  program("count", std::string("echo x >> \"$DIR/file\"\nwc -l < \"$DIR/file\"\n") + kForever);
  start_node();
  Json set = stateful_set("web", Json::parse(R"({"command": ["count"],
      "env": [{"name":"DIR","value":"/data"}],
      "volumeMounts": [{"name":"data","mountPath":"/data"}]})"));
  set["spec"]["volumeClaimTemplates"] = Json::parse(R"([{"metadata":{"name":"data"},
      "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}])");
  apply(set);
  Json first = until_ready("web-0");
  Json claim = get("persistentvolumeclaims", "data-web-0");
  EXPECT_EQ(string_at(claim, {"status", "phase"}), "Bound");
  std::string file = directory_ + "/volumes/" + op::kube::uid_of(claim) + "/file";
  remove("pods", "web-0");
  Json second = until("pods", "web-0", [&](const Json& pod) {
    return is_ready(pod) && op::kube::uid_of(pod) != op::kube::uid_of(first);
  });
  EXPECT_EQ(string_at(second, {"status", "podIP"}), string_at(first, {"status", "podIP"}));
  node_->stop();
  EXPECT_FALSE(is_ready(get("pods", "web-0")));
  restart();
  until_ready("web-0");
  // Deleting the set keeps the claim; deleting the claim wipes the volume.
  remove("statefulsets", "web", "apps");
  until_gone("web-0");
  EXPECT_EQ(read(file), "x\nx\nx\n");
  remove("persistentvolumeclaims", "data-web-0");
  apply(set);
  until_ready("web-0");
  EXPECT_FALSE(std::filesystem::exists(file)) << "a new claim is a new volume";
}

TEST_F(NodeTest, ProbesDecideAboutReadinessAndRestarts) {
  program("serve", "touch alive\n" + std::string(kForever));
  program("alive", "test -e alive\n");
  program("ready", "test -e ready\n");
  start_node();
  apply(stateful_set("web", Json::parse(R"({"command": ["serve"],
      "startupProbe": {"exec": {"command": ["alive"]}, "periodSeconds": 1, "failureThreshold": 60},
      "livenessProbe": {"exec": {"command": ["alive"]}, "periodSeconds": 1, "failureThreshold": 1},
      "readinessProbe": {"exec": {"command": ["ready"]}, "periodSeconds": 1,
                         "failureThreshold": 1}})")));
  Json pod = until("pods", "web-0", [](const Json& object) {
    const Json& statuses = at_path(object, {"status", "containerStatuses"});
    return statuses.is_array() && statuses[0]["started"] == true;
  });
  EXPECT_FALSE(is_ready(pod));
  std::string home = directory_ + "/pods/" + op::kube::uid_of(pod);
  std::ofstream(home + "/ready") << "";
  until_ready("web-0");
  std::filesystem::remove(home + "/ready");
  until("pods", "web-0", [](const Json& object) { return !is_ready(object); });
  std::filesystem::remove(home + "/alive");
  until("pods", "web-0", [](const Json& object) { return restarts(object) == 1; });
}

TEST_F(NodeTest, KillsWhatDoesNotEndInTime) {
  program("stubborn", "trap '' TERM\necho up\nwhile :; do sleep 1; done\n");
  start_node();
  Json set = stateful_set("web", {{"command", {"stubborn"}}});
  set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1;
  apply(set);
  until_ready("web-0");
  remove("statefulsets", "web", "apps");
  until_gone("web-0");
}

TEST_F(NodeTest, ForcedDeletionKillsAtOnce) {
  program("stubborn", "trap '' TERM\necho $$ > pid\nwhile :; do sleep 1; done\n");
  start_node();
  apply(stateful_set("web", {{"command", {"stubborn"}}}));
  Json pod = until_ready("web-0");
  std::string file = directory_ + "/pods/" + op::kube::uid_of(pod) + "/pid";
  while (read(file).empty()) std::this_thread::yield();
  pid_t pid = std::stoi(read(file));
  apply(stateful_set("web", {{"command", {"stubborn"}}}, 0));
  remove("pods", "web-0", "", {.grace_seconds = 0});
  until_gone("web-0");
  while (kill(pid, 0) == 0) std::this_thread::yield();
}

TEST_F(NodeTest, ScalesInOrder) {
  program("serve", kForever);
  start_node();
  apply(stateful_set("web", {{"command", {"serve"}}}, 3));
  until_ready("web-2");
  Json set = until(
      "statefulsets", "web",
      [](const Json& object) {
        return at_path(object, {"status", "readyReplicas"}) == 3;
      },
      "apps");
  EXPECT_EQ(set["status"]["currentRevision"], set["status"]["updateRevision"]);
  std::set<std::string> addresses;
  for (const char* name : {"web-0", "web-1", "web-2"})
    addresses.insert(string_at(get("pods", name), {"status", "podIP"}));
  EXPECT_EQ(addresses.size(), 3u);
  apply(stateful_set("web", {{"command", {"serve"}}}, 1));
  until_gone("web-2");
  until_gone("web-1");
  EXPECT_TRUE(is_ready(get("pods", "web-0")));
}

TEST_F(NodeTest, RollsAnewTemplateOrWaitsForDeletion) {
  program("serve", kForever);
  start_node();
  apply(stateful_set("web", {{"command", {"serve"}}}, 2));
  until_ready("web-1");
  std::string old = op::kube::uid_of(get("pods", "web-0"));
  apply(stateful_set("web", {{"command", {"serve", "again"}}}, 2));
  until("pods", "web-0",
        [&](const Json& pod) { return is_ready(pod) && op::kube::uid_of(pod) != old; });
  EXPECT_EQ(get("pods", "web-1")["spec"]["containers"][0]["command"][1], "again");

  Json set = stateful_set("web", {{"command", {"serve", "later"}}}, 2);
  set["spec"]["updateStrategy"] = {{"type", "OnDelete"}};
  apply(set);
  until(
      "statefulsets", "web",
      [](const Json& object) {
        return at_path(object, {"status", "observedGeneration"}) ==
                   at_path(object, {"metadata", "generation"}) &&
               at_path(object, {"status", "updatedReplicas"}) == 0;
      },
      "apps");
  EXPECT_EQ(get("pods", "web-1")["spec"]["containers"][0]["command"][1], "again");
  remove("pods", "web-1");
  until("pods", "web-1", [](const Json& pod) {
    return is_ready(pod) && pod["spec"]["containers"][0]["command"][1] == "later";
  });
}

TEST_F(NodeTest, NothingOutlivesAKilledNode) {
  program("serve", "echo $$ > pid\n" + std::string(kForever));
  pid_t child = fork();
  if (child == 0) {
    // A node in a process of its own; gtest's state does not matter to it.
    start_node();
    apply(stateful_set("web", {{"command", {"serve"}}}));
    until_ready("web-0");
    while (true) pause();
  }
  std::string pods = directory_ + "/pods", text;
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (text.find('\n') == text.npos && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
    std::error_code none;
    for (auto& entry : std::filesystem::directory_iterator(pods, none))
      text = read(entry.path().string() + "/pid");
  }
  ASSERT_FALSE(text.empty());
  pid_t pid = std::stoi(text);
  ASSERT_EQ(kill(pid, 0), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  // Gone, or a zombie that nobody above us reaps.
  auto runs = [&] {
    std::string stat = read("/proc/" + std::to_string(pid) + "/stat");
    return !stat.empty() && stat.find(") Z ") == stat.npos;
  };
  while (runs() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_FALSE(runs());
}

}  // namespace
}  // namespace longhaul::tests
