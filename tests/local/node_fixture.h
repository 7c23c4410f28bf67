// A node with its API in a temporary directory, and small shell programs as its only image.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/posix_file_system.h"
#include "local/node/node.h"
#include "operator/kube/object.h"

namespace longhaul::tests {

using local::Json;
using local::ObjectPtr;

class NodeFixture : public testing::Test {
 protected:
  NodeFixture() {
    std::string pattern = std::filesystem::temp_directory_path() / "longhaul-node-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(directory_ + "/image");
    std::filesystem::create_directory(directory_ + "/api");
    // Programs that run at the same time get addresses that differ.
    base_ = "127." + std::to_string(100 + getpid() % 100) + "." +
            std::to_string(getpid() / 100 % 250) + ".0";
    start_api();
  }

  ~NodeFixture() override {
    node_.reset();
    api_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start_api() {
    auto store = local::Store::open(files_, directory_ + "/api", 1000);
    EXPECT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    api_ = std::make_unique<local::Api>(*store_, clock_, random_);
  }

  void start_node() {
    local::NodeOptions options;
    options.directory = directory_;
    options.addresses = base_;
    options.images = {{"test", directory_ + "/image"}};
    options.back_off = std::chrono::milliseconds(1);
    options.back_off_limit = std::chrono::milliseconds(10);
    auto node =
        local::Node::start(*api_, files_, clock_, base::Logger(base::null_sink(), "node"), options);
    ASSERT_TRUE(node) << node.error().message;
    node_ = std::move(*node);
  }

  /// As after a restart of the machine's programs: everything but the files is new.
  void restart() {
    node_.reset();
    api_.reset();
    store_.reset();
    start_api();
    start_node();
  }

  void program(const std::string& name, const std::string& script) {
    std::string path = directory_ + "/image/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  Json stateful_set(const std::string& name, const Json& container, int replicas = 1) {
    Json set = Json::parse(R"({"apiVersion":"apps/v1","kind":"StatefulSet","spec":{
      "serviceName":"s","selector":{"matchLabels":{"app":"x"}},
      "template":{"metadata":{"labels":{"app":"x"}},"spec":{
        "terminationGracePeriodSeconds":20}}}})");
    set["metadata"]["name"] = name;
    set["spec"]["replicas"] = replicas;
    Json one{{"name", "main"}, {"image", "registry.example/test:1"}};
    one.update(container);
    set["spec"]["template"]["spec"]["containers"] = Json::array({one});
    return set;
  }

  void apply(const Json& object) {
    auto applied = api_->apply_object(object, "test");
    ASSERT_TRUE(applied) << applied.error().message;
  }

  local::Target target(const std::string& group, const std::string& plural,
                       const std::string& name) {
    return {*api_->kind(group, "v1", plural), "default", name};
  }
  /// JSON null if there is none.
  Json get(const std::string& plural, const std::string& name, const std::string& group = "") {
    auto object = api_->get(target(group, plural, name));
    return object ? **object : Json();
  }
  void remove(const std::string& plural, const std::string& name, const std::string& group = "",
              local::DeleteOptions options = {}) {
    auto removed = api_->remove(target(group, plural, name), options);
    ASSERT_TRUE(removed) << removed.error().message;
  }

  /// Watches until `good` says yes to the object (null once it is gone); fails after a minute.
  Json until(const std::string& plural, const std::string& name,
             const std::function<bool(const Json&)>& good, const std::string& group = "") {
    std::mutex mutex;
    std::condition_variable wake;
    bool changed = true;
    auto watch = api_->watch({target(group, plural, name), {}, nullptr, "", false, false});
    (*watch)->on_ready([&] {
      std::lock_guard lock(mutex);
      changed = true;
      wake.notify_all();
    });
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Json last;
    while (true) {
      {
        std::unique_lock lock(mutex);
        if (!wake.wait_until(lock, limit, [&] { return changed; })) break;
        changed = false;
      }
      (*watch)->take();
      last = get(plural, name, group);
      if (good(last)) return last;
    }
    ADD_FAILURE() << name << " never became as expected: " << last.dump(1);
    return last;
  }

  static bool is_ready(const Json& pod) {
    return op::kube::string_at(op::kube::condition_of(pod, "Ready"), {"status"}) == "True" &&
           !op::kube::is_deleting(pod);
  }
  Json until_ready(const std::string& pod) { return until("pods", pod, is_ready); }
  void until_gone(const std::string& pod) {
    until("pods", pod, [](const Json& object) { return object.is_null(); });
  }

  std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string log_of(const std::string& pod) {
    return read(directory_ + "/logs/default_" + pod + "_main.log");
  }

  std::string directory_, base_;
  base::PosixFileSystem files_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::unique_ptr<local::Store> store_;
  std::unique_ptr<local::Api> api_;
  std::unique_ptr<local::Node> node_;
};

}  // namespace longhaul::tests
