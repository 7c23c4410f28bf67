// Plays the StatefulSet controller, kubelet and the broker, on any Kubernetes API.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "operator/kube/transport.h"
#include "tests/operator/fake_kafka.h"

namespace longhaul::tests {

/// Works when it is told to (`step`), so that a test can look at every moment in between.
class FakeNode {
 public:
  FakeNode(op::kube::Transport& transport, std::string name_space, FakeKafka& kafka);

  bool sets_are_observed = true;  // the StatefulSet controller runs
  bool pods_run = true;           // pods are made and become ready
  std::string pod_ip = "10.1.2.3";
  /// Takes the broker's part, if set: gets the pod and its server.properties; true: it is ready.
  std::function<bool(const op::kube::Json& pod, const std::string& properties)> broker;
  /// Brokers with such a server.properties end as soon as they start.
  std::function<bool(const std::string& properties)> crashes;
  /// Zones whose machines are gone: what runs there is no longer ready, what is made there waits.
  std::set<std::string> lost_zones;
  std::map<std::string, std::string> started_with;  // pods to the server.properties they found
  int founded = 0;  // how often an empty volume was formatted with permission to found

  /// Makes missing pods, "starts" brokers that are not ready, brings status up to date.
  void step();
  /// A broker's process ends, and its container is started anew within its pod.
  void restart_container(const std::string& pod);
  /// All volumes are gone, and the pods with them.
  void lose_volumes();
  /// The volume of one StatefulSet is emptied under its pod, whose container is started anew.
  void empty_volume(const std::string& set);
  bool has_volume() const { return volume_.has_value(); }
  FakeVolume& volume() { return *volume_; }

 private:
  void run_set(const op::kube::Json& set);
  void run_pod(const op::kube::Json& pod);
  void forget_absent_pods();
  bool is_lost(const op::kube::Json& pod) const;
  bool start_broker(const op::kube::Json& pod, bool& stuck);
  bool born(const std::string& set, const op::kube::Json& pod, const std::string& properties);
  op::kube::Json must(const op::kube::Request& request);

  op::kube::Transport& transport_;
  const std::string name_space_;
  FakeKafka& kafka_;
  base::SeededRandom random_{11};
  std::map<std::string, base::Uuid> disks_;  // StatefulSets to the directories of their volumes
  std::optional<FakeVolume> volume_;         // what they hold together
};

/// The value of a line "name=value" of a properties file.
std::string property(const std::string& text, const std::string& name);

}  // namespace longhaul::tests
