#include "local/node/pod_runner.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "local/node/volumes.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

constexpr std::chrono::seconds kRetry{1};

Target pod_target(Api& api, const Json& pod, const char* subresource) {
  return {*api.kind("", "v1", "pods"), op::kube::namespace_of(pod), op::kube::name_of(pod),
          subresource};
}

Json condition(const Json& old_status, const char* type, bool status, const std::string& reason,
               const std::string& now) {
  Json out{{"type", type},
           {"status", status ? "True" : "False"},
           {"lastProbeTime", nullptr},
           {"lastTransitionTime", now}};
  if (!reason.empty()) out["reason"] = reason;
  for (const Json& old : at_path(old_status, {"conditions"}))
    if (string_at(old, {"type"}) == type && string_at(old, {"status"}) == out["status"])
      out["lastTransitionTime"] = string_at(old, {"lastTransitionTime"}, now);
  out.erase("lastProbeTime");
  return out;
}

int old_restarts(const Json& pod, const std::string& container) {
  for (const Json& old : at_path(pod, {"status", "containerStatuses"}))
    if (string_at(old, {"name"}) == container)
      return static_cast<int>(op::kube::int_at(old, {"restartCount"})) +
             (at_path(old, {"state", "waiting"}).is_null() ? 1 : 0);
  return 0;
}

}  // namespace

PodRunner::PodRunner(NodeContext& node, const Json& pod, std::string address,
                     std::function<void()> ended)
    : node_(node),
      pod_(std::make_shared<Json>(pod)),
      address_(std::move(address)),
      directory_(node.options.directory + "/pods/" + op::kube::uid_of(pod)),
      ended_(std::move(ended)),
      start_time_(node.now()) {}

PodRunner::~PodRunner() { node_.loop.cancel(retry_); }

Json PodRunner::look_up(const std::string& kind, const std::string& name) const {
  auto type = node_.api.kind_of({{"apiVersion", "v1"}, {"kind", kind}});
  if (!type) return nullptr;
  auto object = node_.api.get({*type, op::kube::namespace_of(*pod_), name});
  return object ? **object : Json();
}

base::Result<std::map<std::string, std::string>> PodRunner::prepare_all_volumes() {
  return prepare_volumes(
      node_.files, *pod_, directory_, node_.options.directory + "/volumes",
      [this](const std::string& kind, const std::string& name) { return look_up(kind, name); });
}

void PodRunner::refresh(const Json& pod) {
  pod_ = std::make_shared<Json>(pod);
  if (stopping_) return;
  if (!prepared_) return prepare();
  if (auto volumes = prepare_all_volumes(); !volumes)
    node_.log.warn("pod {}: {}", op::kube::name_of(pod), volumes.error().message);
}

void PodRunner::prepare() {
  node_.loop.cancel(std::exchange(retry_, 0));
  PodPlace place{address_, directory_, node_.options.directory + "/logs", {}, {}};
  place.values = [this](const std::string& kind, const std::string& name) {
    Json object = look_up(kind, name);
    return object.is_null() ? object : Json(at_path(object, {"data"}));
  };
  auto plan = [&]() -> base::Result<PodPlan> {
    for (const std::string& path : {place.directory, place.log_directory})
      LH_TRY(node_.files.create_directories(path));
    LH_ASSIGN(place.volumes, prepare_all_volumes());
    return plan_pod(*pod_, place, node_.options.images);
  }();
  if (!plan) {
    const std::string& why = plan.error().message;
    size_t colon = why.find(": ");
    std::string reason = why.substr(0, colon);
    bool named =
        colon != why.npos && reason.find(' ') == reason.npos && reason.find('/') == reason.npos;
    waiting_reason_ = named ? reason : "CreateContainerError";
    if (std::exchange(waiting_message_, named ? why.substr(colon + 2) : why) != waiting_message_)
      node_.event(*pod_, "Warning", "Failed", waiting_message_);
    write_status();
    return retry_later();
  }
  prepared_ = true;
  claims_.clear();
  for (const Json& volume : at_path(*pod_, {"spec", "volumes"}))
    if (std::string claim = string_at(volume, {"persistentVolumeClaim", "claimName"});
        !claim.empty())
      claims_.push_back(op::kube::uid_of(look_up("PersistentVolumeClaim", claim)));
  for (ContainerPlan& container : plan->containers) {
    int restarts = old_restarts(*pod_, container.name);
    ContainerRunner::Observer observer{
        [this] { on_changed(); },
        [this](const char* type, const char* reason, const std::string& message) {
          node_.event(*pod_, type, reason, message);
        }};
    containers_.push_back(std::make_shared<ContainerRunner>(node_, std::move(container), *plan,
                                                            restarts, std::move(observer)));
  }
  for (auto& container : containers_) container->start();
}

// What a pod refers to may appear without our being told (a program, a disk with space again).
void PodRunner::retry_later() {
  retry_ = node_.loop.after(kRetry, [this] {
    retry_ = 0;
    if (!prepared_ && !stopping_) prepare();
  });
}

void PodRunner::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  node_.loop.cancel(std::exchange(retry_, 0));
  for (auto& container : containers_) container->stop(grace);
  on_changed();
}

bool PodRunner::all_ended() const {
  return std::all_of(containers_.begin(), containers_.end(),
                     [](auto& container) { return container->ended(); });
}

void PodRunner::on_changed() {
  write_status();
  if (!stopping_ || !all_ended() || told_) return;
  told_ = true;
  // Whoever is told may destroy this runner; not from under its own containers' calls.
  node_.loop.post([ended = ended_] { ended(); });
}

Json PodRunner::build_status() const {
  const Json& old = at_path(*pod_, {"status"});
  Json status{{"podIP", address_},
              {"podIPs", Json::array({{{"ip", address_}}})},
              {"hostIP", "127.0.0.1"},
              {"startTime", start_time_},
              {"qosClass", string_at(old, {"qosClass"}, "BestEffort")}};
  Json containers = Json::array();
  bool ready = prepared_ && !stopping_;
  bool all_done = prepared_ && all_ended(), failed = false;
  for (auto& container : containers_) {
    containers.push_back(container->status());
    ready = ready && container->ready();
    failed = failed || container->exit_code() != 0;
  }
  if (!prepared_)
    for (const Json& container : at_path(*pod_, {"spec", "containers"})) {
      Json state{{"reason", waiting_reason_}};
      if (!waiting_message_.empty()) state["message"] = waiting_message_;
      containers.push_back({{"name", string_at(container, {"name"})},
                            {"image", string_at(container, {"image"})},
                            {"imageID", ""},
                            {"ready", false},
                            {"started", false},
                            {"restartCount", 0},
                            {"state", {{"waiting", std::move(state)}}}});
    }
  status["containerStatuses"] = std::move(containers);
  status["phase"] = !prepared_  ? "Pending"
                    : !all_done ? "Running"
                    : failed    ? "Failed"
                                : "Succeeded";
  std::string now = node_.now(), why = ready ? "" : "ContainersNotReady";
  status["conditions"] = Json::array({condition(old, "PodScheduled", true, "", now),
                                      condition(old, "Initialized", true, "", now),
                                      condition(old, "ContainersReady", ready, why, now),
                                      condition(old, "Ready", ready, why, now)});
  return status;
}

void PodRunner::write_status() {
  Target target = pod_target(node_.api, *pod_, "status");
  auto written = node_.api.patch(
      target, PatchType::kMerge,
      {{"metadata", {{"uid", op::kube::uid_of(*pod_)}}}, {"status", build_status()}},
      {.manager = "kubelet"});
  if (written)
    pod_ = written->object;
  else if (written.error().code != 404 && written.error().code != 409)
    node_.log.warn("status of pod {}: {}", target.name, written.error().message);
}

}  // namespace longhaul::local
