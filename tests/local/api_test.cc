// Corners of the embedded API that the contract does not reach: bounds, history, Tables, HTTP.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "local/api/field_set.h"
#include "local/api/http_server.h"
#include "local/api/router.h"
#include "local/api/text.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

class ApiTest : public testing::Test {
 protected:
  Response send(const std::string& method, const std::string& target, const std::string& body = "",
                const std::string& type = "application/json", const std::string& accept = "") {
    return router_.handle({method, target, accept, type, "test/1.0", body});
  }
  Json json(const Response& response) { return Json::parse(response.body); }
  void make_map(const std::string& name) {
    Response made = send("POST", kMaps, R"({"metadata":{"name":")" + name + R"("}})");
    ASSERT_EQ(made.status, 201) << made.body;
  }

  static constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
  base::SystemClock clock_;
  base::SeededRandom random_{1};
  std::unique_ptr<Store> store_ = Store::in_memory(5);
  Api api_{*store_, clock_, random_};
  Router router_{api_, clock_, "127.0.0.1:1"};
};

TEST_F(ApiTest, BoundsWhatComesIn) {
  std::string deep(200, '[');
  EXPECT_EQ(send("POST", kMaps, deep).status, 400);
  std::string nested = "a: " + std::string(2000, '[');
  EXPECT_EQ(send("POST", kMaps, nested, "application/yaml").status, 400);
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    std::string before = "*a" + std::to_string(i - 1),
                line = "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) line += (j ? "," : "") + before;
    bomb += line + "]\n";
  }
  EXPECT_EQ(send("POST", kMaps, bomb, "application/yaml").status, 400);
  Json large{{"metadata", {{"name", "a"}}}, {"data", {{"k", std::string(2 << 20, 'x')}}}};
  EXPECT_EQ(send("POST", kMaps, large.dump()).status, 413);
  EXPECT_EQ(send("GET", "/api/v1/namespaces/default/configmaps/%zz?watch=%").status, 404);
  EXPECT_EQ(send("GET", "/api").status, 200);
  EXPECT_EQ(send("GET", "/apis/apps/v1/").status, 200);
  EXPECT_EQ(send("GET", "//").status, 404);
  EXPECT_EQ(send("BREW", kMaps).status, 405);
}

TEST_F(ApiTest, SaysThatAVersionIsGone) {
  make_map("a");
  std::string version = op::kube::resource_version_of(*store_->get({"configmaps", "default", "a"}));
  for (int i = 0; i < 10; ++i) make_map("b" + std::to_string(i));
  Response watch = send("GET", std::string(kMaps) + "?watch=true&resourceVersion=" + version);
  ASSERT_TRUE(watch.watch);
  Json event = Json::parse(watch.watch->take());
  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["code"], 410);
  EXPECT_TRUE(watch.watch->ended());
}

TEST_F(ApiTest, GivesTables) {
  make_map("a");
  Response response =
      send("GET", kMaps, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  Json table = json(response);
  EXPECT_EQ(table["kind"], "Table");
  EXPECT_EQ(table["rows"][0]["cells"][0], "a");
  EXPECT_EQ(table["columnDefinitions"][1]["name"], "Age");
}

TEST_F(ApiTest, DeletesCollections) {
  make_map("a");
  make_map("b");
  EXPECT_EQ(send("DELETE", std::string(kMaps) + "?fieldSelector=metadata.name%3Da").status, 200);
  EXPECT_EQ(json(send("GET", kMaps))["items"].size(), 1u);
}

TEST_F(ApiTest, ProtectsItsNamespaces) {
  EXPECT_EQ(send("DELETE", "/api/v1/namespaces/default").status, 403);
}

TEST_F(ApiTest, ReadsYamlAsKubernetesDoes) {
  auto documents = parse_yaml(
      "a: yes\nb: \"yes\"\nc: 0644\nd: 1.5\ne: ~\nf: 1e3\ng: 10Mi\nh: -3\n---\n---\nx: [1, {y: "
      "z}]\n");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ((*documents)[0], Json::parse(R"({"a":true,"b":"yes","c":420,"d":1.5,"e":null,
                                             "f":1000.0,"g":"10Mi","h":-3})"));
  auto broken = parse_yaml("a: b\n c: d: e\n");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("line 2"), std::string::npos) << broken.error().message;
}

TEST(FieldSetTest, ReadsAndWritesFieldsV1) {
  Json fields = Json::parse(R"({"f:spec":{"f:ports":{"k:{\"name\":\"a\"}":{".":{},"f:port":{}}},
                                          "f:x":{}}})");
  FieldSet set = from_fields_v1(fields);
  EXPECT_EQ(to_fields_v1(set), fields);
  EXPECT_EQ(set.paths(), (std::vector<std::string>{".spec.ports[name=\"a\"]",
                                                   ".spec.ports[name=\"a\"].port", ".spec.x"}));
  EXPECT_TRUE(subtract(set, set).empty());
  EXPECT_EQ(intersect(set, set), set);
  EXPECT_EQ(unite(set, FieldSet{}), set);
}

// A raw request over the wire; gives all that comes back.
std::string send_raw(uint16_t port, const std::string& request) {
  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    (void)!write(socket, request.data(), request.size());
    char buffer[4096];
    ssize_t size;
    while ((size = ::read(socket, buffer, sizeof buffer)) > 0) answer.append(buffer, size_t(size));
  }
  close(socket);
  return answer;
}

TEST_F(ApiTest, RefusesWebPagesAndNoise) {
  auto server = HttpServer::start(api_, clock_, 0, base::Logger(base::null_sink(), "api"));
  ASSERT_TRUE(server) << server.error().message;
  uint16_t port = (*server)->port();
  auto get = [&](const std::string& headers) {
    return send_raw(port, "GET /healthz HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
  };
  EXPECT_TRUE(get("Host: 127.0.0.1:80\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(get("Host: evil.example\r\n").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(
      get("Host: localhost\r\nOrigin: http://evil.example\r\n").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(send_raw(port, "\x16\x03\x01 noise\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(send_raw(port,
                       "POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\n"
                       "Content-Length: 99999999\r\n\r\n")
                  .starts_with("HTTP/1.1 413"));
  std::string large =
      "POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n";
  EXPECT_TRUE(send_raw(port, large + std::string(8000000, 'x')).starts_with("HTTP/1.1 413"));
  auto taken = HttpServer::start(api_, clock_, port, base::Logger(base::null_sink(), "api"));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::Errc::kAlreadyExists);
}

}  // namespace
}  // namespace longhaul::local
