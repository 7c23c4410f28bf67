#include "local/node/node.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "base/thread_loop.h"
#include "local/node/address_book.h"
#include "local/node/pod_runner.h"
#include "local/node/stateful_set.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

constexpr unsigned kProbeThreads = 2;
constexpr const char* kKubelet = "kubelet";

bool concerns_node(const std::string& resource) {
  return resource == "pods" || resource == "statefulsets.apps" || resource == "configmaps" ||
         resource == "secrets" || resource == "persistentvolumeclaims";
}

}  // namespace

struct Node::Impl {
  Impl(Api& api, base::FileSystem& files, const base::Clock& clock, base::Logger log,
       NodeOptions options, AddressBook book)
      : addresses(std::move(book)),
        loop("local-node"),
        workers("local-probe", kProbeThreads),
        context{api, files, clock, loop, workers, log, std::move(options)} {}

  Kind::Ptr core(const char* plural) { return *context.api.kind("", "v1", plural); }

  void mark() {
    if (marked.exchange(true)) return;
    loop.post([this] {
      marked = false;
      sync();
    });
  }

  void sync() {
    if (stopping) return;
    bind_claims();
    run_pods();
    auto sets = context.api.kind("apps", "v1", "statefulsets");
    for (const ObjectPtr& set : context.api.list({*sets}).objects) step_stateful_set(context, *set);
    remove_lost_volumes();
  }

  void bind_claims() {
    Kind::Ptr kind = core("persistentvolumeclaims");
    for (const ObjectPtr& claim : context.api.list({kind}).objects) {
      const Json& wanted = at_path(*claim, {"spec", "resources", "requests"});
      bool bound = string_at(*claim, {"status", "phase"}) == "Bound" &&
                   at_path(*claim, {"status", "capacity"}) == wanted;
      if (bound || op::kube::is_deleting(*claim)) continue;
      Target target{kind, op::kube::namespace_of(*claim), op::kube::name_of(*claim)};
      Json place{{"spec", {{"volumeName", "local-" + op::kube::uid_of(*claim)}}}};
      Json status{{"phase", "Bound"},
                  {"accessModes", at_path(*claim, {"spec", "accessModes"})},
                  {"capacity", wanted}};
      (void)context.api.patch(target, PatchType::kMerge, place, {.manager = kKubelet});
      target.subresource = "status";
      (void)context.api.patch(target, PatchType::kMerge, {{"status", status}},
                              {.manager = kKubelet});
    }
  }

  void run_pods() {
    std::set<std::string> present;
    for (const ObjectPtr& pod : context.api.list({core("pods")}).objects) {
      std::string uid = op::kube::uid_of(*pod);
      present.insert(uid);
      auto runner = runners.find(uid);
      if (runner == runners.end()) {
        if (op::kube::is_deleting(*pod))
          finish(*pod);
        else
          adopt(uid, pod);
      } else if (op::kube::is_deleting(*pod)) {
        std::chrono::seconds grace(
            op::kube::int_at(*pod, {"metadata", "deletionGracePeriodSeconds"}));
        if (!runner->second->stopping()) runner->second->stop(grace);
      } else {
        runner->second->refresh(*pod);
      }
    }
    // What was deleted by force is killed.
    std::erase_if(runners, [&](auto& entry) { return !present.contains(entry.first); });
  }

  void adopt(const std::string& uid, const ObjectPtr& pod) {
    std::string phase = string_at(*pod, {"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed") return;
    std::string name = op::kube::name_of(*pod);
    auto address = addresses.address_of(op::kube::namespace_of(*pod), name);
    if (!address) return context.log.error("pod {}: {}", name, address.error().message);
    Json place{{"spec", {{"nodeName", context.options.name}}}};
    auto bound = context.api.patch({core("pods"), op::kube::namespace_of(*pod), name},
                                   PatchType::kMerge, place, {.manager = kKubelet});
    if (!bound) return;
    auto runner = std::make_unique<PodRunner>(context, *bound->object, *address,
                                              [this, uid] { on_pod_ended(uid); });
    PodRunner& raw = *runner;
    runners[uid] = std::move(runner);
    raw.refresh(*bound->object);
  }

  void on_pod_ended(const std::string& uid) {
    runners.erase(uid);
    if (stopping) {
      std::lock_guard lock(mutex);
      drained = runners.empty();
      wake.notify_all();
      return;
    }
    for (const ObjectPtr& pod : context.api.list({core("pods")}).objects)
      if (op::kube::uid_of(*pod) == uid) finish(*pod);
  }

  void finish(const Json& pod) {
    (void)context.api.remove({core("pods"), op::kube::namespace_of(pod), op::kube::name_of(pod)},
                             {.uid = op::kube::uid_of(pod), .grace_seconds = 0});
    (void)context.files.remove_all(context.options.directory + "/pods/" + op::kube::uid_of(pod));
  }

  // The data of a claim goes once the claim is gone and no pod uses it any more.
  void remove_lost_volumes() {
    std::set<std::string> kept;
    for (const ObjectPtr& claim : context.api.list({core("persistentvolumeclaims")}).objects)
      kept.insert(op::kube::uid_of(*claim));
    for (auto& [uid, runner] : runners)
      for (const std::string& claim : runner->claims()) kept.insert(claim);
    std::string directory = context.options.directory + "/volumes";
    auto entries = context.files.list(directory);
    if (!entries) return;
    for (const base::DirectoryEntry& entry : *entries)
      if (!kept.contains(entry.name)) (void)context.files.remove_all(directory + "/" + entry.name);
  }

  void begin_stop() {
    stopping = true;
    for (auto& [uid, runner] : runners) {
      auto pod = context.api.list({core("pods")});
      std::chrono::seconds grace{30};
      for (const ObjectPtr& one : pod.objects)
        if (op::kube::uid_of(*one) == uid)
          grace = std::chrono::seconds(
              op::kube::int_at(*one, {"spec", "terminationGracePeriodSeconds"}, 30));
      runner->stop(grace);
    }
    std::lock_guard lock(mutex);
    drained = runners.empty();
    wake.notify_all();
  }

  AddressBook addresses;
  base::ThreadLoop loop;
  base::WorkerPool workers;
  NodeContext context;
  std::map<std::string, std::unique_ptr<PodRunner>> runners;  // by the pod's UID
  std::atomic<bool> marked = false;
  bool stopping = false;
  std::mutex mutex;
  std::condition_variable wake;
  bool drained = false;
};

base::Result<std::unique_ptr<Node>> Node::start(Api& api, base::FileSystem& files,
                                                const base::Clock& clock, base::Logger log,
                                                NodeOptions options) {
  for (const char* part : {"/pods", "/volumes", "/logs"})
    LH_TRY(files.create_directories(options.directory + part));
  LH_ASSIGN(AddressBook book,
            AddressBook::open(files, options.directory + "/addresses.json", options.addresses));
  auto impl = std::make_unique<Impl>(api, files, clock, log, std::move(options), std::move(book));
  api.listen([raw = impl.get()](const Change& change) {
    if (concerns_node(change.key.resource)) raw->mark();
  });
  // Pods of an earlier life count as not ready from here on.
  impl->mark();
  std::promise<void> adopted;
  impl->loop.post([&] { adopted.set_value(); });
  adopted.get_future().wait();
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

void Node::stop() {
  impl_->loop.post([raw = impl_.get()] { raw->begin_stop(); });
  std::unique_lock lock(impl_->mutex);
  impl_->wake.wait(lock, [&] { return impl_->drained; });
}

Node::~Node() {
  impl_->context.api.listen(nullptr);
  impl_->workers.stop();
  // The kernel ends the processes with the loop's thread, so they go first.
  std::promise<void> cleared;
  impl_->loop.post([&] {
    impl_->stopping = true;
    impl_->runners.clear();
    cleared.set_value();
  });
  cleared.get_future().wait();
  impl_->loop.stop();
}

}  // namespace longhaul::local
