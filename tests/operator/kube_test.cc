// The pure parts of operator/kube: requests, differences, the queue, kubeconfigs.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "operator/kube/difference.h"
#include "operator/kube/kubeconfig.h"
#include "operator/kube/request.h"
#include "operator/kube/work_queue.h"
#include "tests/operator/real_apiserver.h"

namespace longhaul::op::kube {
namespace {

using namespace std::chrono_literals;

TEST(RequestTest, PathsAndQueriesAreEncoded) {
  Request request = watch(kStatefulSet, {"ns", "a=b,c=d"}, "17", 290);
  EXPECT_EQ(request.target(),
            "/apis/apps/v1/namespaces/ns/statefulsets?labelSelector=a%3Db%2Cc%3Dd&watch=true&"
            "allowWatchBookmarks=true&resourceVersion=17&timeoutSeconds=290");
  EXPECT_EQ(list(kNamespace, {}, 5, "").target(), "/api/v1/namespaces?limit=5");
  EXPECT_EQ(get(kKafkaTopic, "n", "t").target(),
            "/apis/longhaul.dev/v1alpha1/namespaces/n/kafkatopics/t");
}

TEST(RequestTest, DeletesCarryThePrecondition) {
  Request request = remove(kPod, "n", "p", "uid-1");
  EXPECT_EQ(Json::parse(request.body)["preconditions"]["uid"], "uid-1");
}

TEST(ResponseTest, StatusesBecomeErrors) {
  auto error = [](int status, const std::string& body) {
    return read_response({status, body}).error();
  };
  EXPECT_EQ(error(404, "{}").code, base::Errc::kNotFound);
  EXPECT_EQ(error(409, R"({"reason":"AlreadyExists","message":"m"})").code,
            base::Errc::kAlreadyExists);
  EXPECT_EQ(error(409, R"({"reason":"Conflict"})").message, "Conflict");
  EXPECT_EQ(error(410, R"({"reason":"Expired"})").code, base::Errc::kCancelled);
  EXPECT_EQ(error(503, "no JSON").message, "HTTP status 503: no JSON");
  EXPECT_EQ(error(429, "").code, base::Errc::kUnavailable);
  EXPECT_FALSE(read_response({200, "<html>"}).has_value());
}

TEST(DifferenceTest, FindsWhatIsMissing) {
  auto difference = [](const char* desired, const char* live) {
    return first_difference(Json::parse(desired), Json::parse(live));
  };
  EXPECT_EQ(difference(R"({"a":{"b":1}})", R"({"a":{"b":1,"c":2},"d":3})"), "");
  EXPECT_EQ(difference(R"({"a":{"b":1}})", R"({"a":{"b":2}})"), "a.b");
  EXPECT_EQ(difference(R"({"a":[{"name":"x","v":1},{"name":"y"}]})",
                       R"({"a":[{"name":"y"},{"name":"x","v":2}]})"),
            "a[0].v");
  EXPECT_EQ(difference(R"({"a":[1,2]})", R"({"a":[1]})"), "a");
  EXPECT_EQ(difference(R"({"cpu":"0.5"})", R"({"cpu":"500m"})"), "");
  EXPECT_EQ(difference(R"({"empty":{}})", R"({})"), "");
  EXPECT_EQ(difference(R"({"empty":""})", R"({})"), "empty");
}

TEST(QuantityTest, ValuesAndMistakes) {
  EXPECT_TRUE(same_quantity("1Gi", "1024Mi"));
  EXPECT_TRUE(same_quantity("1e3", "1k"));
  EXPECT_FALSE(same_quantity("1G", "1Gi"));
  for (const char* bad : {"", "Gi", "1gb", "1 Gi", "0x10", "nan"})
    EXPECT_FALSE(parse_quantity(bad)) << bad;
}

TEST(LabelsTest, EqualitySelectors) {
  Json object = Json::parse(R"({"metadata":{"labels":{"a":"1","b":"2"}}})");
  for (const char* yes : {"", "a=1", "a=1,b=2", "a==1", "a!=2", "a", "!c", "a=1, b=2"})
    EXPECT_TRUE(matches_labels(object, yes)) << yes;
  for (const char* no : {"a=2", "a=1,b=3", "c", "!a", "c=1"})
    EXPECT_FALSE(matches_labels(object, no)) << no;
}

TEST(TimeTest, BothWays) {
  EXPECT_EQ(format_time(1700000000123), "2023-11-14T22:13:20Z");
  EXPECT_EQ(format_micro_time(1700000000123), "2023-11-14T22:13:20.123000Z");
  EXPECT_EQ(parse_time("2023-11-14T22:13:20.123000Z").value(), 1700000000123);
  EXPECT_EQ(parse_time("2023-11-15T00:13:20+02:00").value(), 1700000000000);
  EXPECT_FALSE(parse_time("yesterday"));
}

TEST(ConditionTest, TransitionTimeMovesWithTheStatusOnly) {
  Json conditions;
  EXPECT_TRUE(set_condition(conditions, {"Ready", "False", "A", "", 1}, "t1"));
  EXPECT_FALSE(set_condition(conditions, {"Ready", "False", "A", "", 1}, "t2"));
  EXPECT_TRUE(set_condition(conditions, {"Ready", "False", "B", "", 1}, "t3"));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "t1");
  EXPECT_TRUE(set_condition(conditions, {"Ready", "True", "B", "", 2}, "t4"));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "t4");
  EXPECT_EQ(conditions.size(), 1u);
}

class WorkQueueTest : public testing::Test {
 protected:
  WorkItem item(const char* name) { return {&kPod, {"n", name}}; }
  WorkQueue queue_{{1s, 8s}};
};

TEST_F(WorkQueueTest, EachItemOnceEarliestTimeWins) {
  queue_.add(item("a"), 5s);
  queue_.add(item("a"), 2s);
  queue_.add(item("a"), 9s);
  EXPECT_EQ(queue_.next_due(), WorkQueue::Time(2s));
  EXPECT_FALSE(queue_.take(1s));
  EXPECT_TRUE(queue_.take(2s));
  EXPECT_FALSE(queue_.take(10s));
}

TEST_F(WorkQueueTest, AddedWhileWorkedOnComesAfterDone) {
  queue_.add(item("a"), 0s);
  ASSERT_TRUE(queue_.take(0s));
  queue_.add(item("a"), 0s);
  EXPECT_FALSE(queue_.take(1s));
  EXPECT_FALSE(queue_.next_due());
  queue_.done(item("a"));
  EXPECT_TRUE(queue_.take(1s));
}

TEST_F(WorkQueueTest, FailuresBackOffAndAreForgotten) {
  for (auto expected : {1s, 2s, 4s, 8s, 8s}) {
    queue_.add_after_failure(item("a"), 0s);
    EXPECT_EQ(queue_.next_due(), WorkQueue::Time(expected));
    queue_.take(100s);
    queue_.done(item("a"));
  }
  queue_.forget(item("a"));
  queue_.add_after_failure(item("a"), 0s);
  EXPECT_EQ(queue_.next_due(), WorkQueue::Time(1s));
}

const char* const kConfig = R"(
apiVersion: v1
kind: Config
current-context: main
clusters:
- {name: c, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: Q0E=}}
- {name: files, cluster: {server: 'http://127.0.0.1:1', certificate-authority: ca.pem}}
users:
- {name: u, user: {token: secret}}
- {name: cert, user: {client-certificate-data: Q1JU, client-key-data: S0VZ}}
- {name: half, user: {client-certificate-data: Q1JU}}
- {name: exec, user: {exec: {command: aws}}}
contexts:
- {name: main, context: {cluster: c, user: u, namespace: prod}}
- {name: cert, context: {cluster: c, user: cert}}
- {name: half, context: {cluster: c, user: half}}
- {name: exec, context: {cluster: c, user: exec}}
- {name: files, context: {cluster: files, user: u}}
- {name: lost, context: {cluster: nowhere, user: u}}
)";

TEST(KubeconfigTest, ReadsContexts) {
  auto main = parse_kubeconfig(kConfig, ".", "");
  ASSERT_TRUE(main) << main.error().message;
  EXPECT_EQ(main->server, "https://127.0.0.1:6443");
  EXPECT_EQ(main->ca_pem, "CA");
  EXPECT_EQ(main->token, "secret");
  EXPECT_EQ(main->default_namespace, "prod");
  auto cert = parse_kubeconfig(kConfig, ".", "cert");
  ASSERT_TRUE(cert);
  EXPECT_EQ(cert->client_certificate_pem, "CRT");
  EXPECT_EQ(cert->client_key_pem, "KEY");
  EXPECT_EQ(cert->default_namespace, "default");
}

TEST(KubeconfigTest, MistakesSayWhatToDo) {
  auto error = [](const char* context) {
    return parse_kubeconfig(kConfig, "/nonexistent", context).error().message;
  };
  EXPECT_NE(error("exec").find("users[].user.exec runs a credential plugin"), std::string::npos);
  EXPECT_NE(error("half").find("must be given together"), std::string::npos);
  EXPECT_NE(error("lost").find("no entry named \"nowhere\" in clusters"), std::string::npos);
  EXPECT_NE(error("none").find("no entry named \"none\" in contexts"), std::string::npos);
  EXPECT_NE(error("files").find("/nonexistent/ca.pem"), std::string::npos);
  EXPECT_FALSE(parse_kubeconfig("a: [b", ".", ""));
  EXPECT_FALSE(parse_kubeconfig("- a", ".", ""));
  EXPECT_FALSE(parse_kubeconfig("clusters: 7\ncurrent-context: x", ".", ""));
}

TEST(KubeconfigTest, ServiceAccountOfAPod) {
  tests::TemporaryDirectory directory;
  auto write = [&](const char* name, const char* text) {
    std::ofstream(directory.path() + "/" + name) << text;
  };
  EXPECT_EQ(in_cluster_credentials("", "", directory.path()).error().code, base::Errc::kNotFound);
  EXPECT_FALSE(in_cluster_credentials("10.0.0.1", "443", directory.path()));
  write("token", "t\n");
  write("ca.crt", "CA");
  write("namespace", "longhaul-system");
  auto found = in_cluster_credentials("fd00::1", "443", directory.path());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->server, "https://[fd00::1]:443");
  EXPECT_EQ(found->default_namespace, "longhaul-system");
  EXPECT_EQ(found->token_file, directory.path() + "/token");
}

TEST(TransportTest, UnusableCredentialsAreRefusedAtOnce) {
  EXPECT_FALSE(make_http_transport({.server = "ftp://x"}));
  EXPECT_FALSE(make_http_transport({.server = "https://x", .ca_pem = "not PEM"}));
  EXPECT_FALSE(make_http_transport(
      {.server = "https://x", .client_certificate_pem = "bad", .client_key_pem = "bad"}));
}

TEST(TransportTest, ServerThatIsNotThereIsUnavailable) {
  auto transport = make_http_transport(
      {.server = "http://127.0.0.1:" + std::to_string(tests::free_loopback_port())});
  ASSERT_TRUE(transport);
  auto answer = (*transport)->send(get(kPod, "n", "p"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, base::Errc::kUnavailable);
}

}  // namespace
}  // namespace longhaul::op::kube
