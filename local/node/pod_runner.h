// One pod on the node.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "local/node/container_runner.h"

namespace longhaul::local {

/// Runs a pod and keeps its status. Lives on the node's loop.
class PodRunner {
 public:
  /// `ended` is called once the pod was stopped and nothing of it runs.
  PodRunner(NodeContext& node, const Json& pod, std::string address, std::function<void()> ended);
  /// Kills what still runs.
  ~PodRunner();
  PodRunner(const PodRunner&) = delete;
  PodRunner& operator=(const PodRunner&) = delete;

  /// Looks at the pod's object and what it refers to: starts what could not start before, writes
  /// changed files of ConfigMaps and Secrets.
  void refresh(const Json& pod);
  /// Ends all containers; with a smaller grace than before it ends them sooner.
  void stop(std::chrono::milliseconds grace);
  bool stopping() const { return stopping_; }
  const std::string& directory() const { return directory_; }
  /// UIDs of the PersistentVolumeClaims in use.
  const std::vector<std::string>& claims() const { return claims_; }

 private:
  void prepare();
  void retry_later();
  void on_changed();
  void write_status();
  Json build_status() const;
  bool all_ended() const;
  Json look_up(const std::string& kind, const std::string& name) const;
  base::Result<std::map<std::string, std::string>> prepare_all_volumes();

  NodeContext& node_;
  std::shared_ptr<const Json> pod_;
  const std::string address_;
  const std::string directory_;
  std::function<void()> ended_;
  std::vector<std::string> claims_;
  std::vector<std::shared_ptr<ContainerRunner>> containers_;
  std::string start_time_;
  std::string waiting_reason_ = "ContainerCreating", waiting_message_;
  bool prepared_ = false, stopping_ = false, told_ = false;
  base::TimerId retry_ = 0;
};

}  // namespace longhaul::local
