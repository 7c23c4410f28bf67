#include "local/node/node_context.h"

#include <fmt/core.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "operator/kube/object.h"

namespace longhaul::local {

std::string NodeContext::now() const { return op::kube::format_time(clock.wall_ms()); }

void NodeContext::event(const Json& object, const std::string& type, const std::string& reason,
                        const std::string& message) {
  auto kind = api.kind("", "v1", "events");
  if (!kind) return;
  std::string name_space = op::kube::namespace_of(object), name = op::kube::name_of(object);
  size_t hash = std::hash<std::string>{}(op::kube::uid_of(object) + reason + message);
  Target target{*kind, name_space, fmt::format("{}.{:016x}", name, hash)};
  WriteOptions options{.manager = "kubelet"};
  if (auto old = api.get(target)) {
    Json patch{{"count", op::kube::int_at(**old, {"count"}, 1) + 1}, {"lastTimestamp", now()}};
    (void)api.patch(target, PatchType::kMerge, patch, options);
    return;
  }
  Json event{{"metadata", {{"name", target.name}}},
             {"involvedObject",
              {{"apiVersion", op::kube::api_version_of(object)},
               {"kind", op::kube::kind_of(object)},
               {"name", name},
               {"namespace", name_space},
               {"uid", op::kube::uid_of(object)}}},
             {"type", type},
             {"reason", reason},
             {"message", message.substr(0, 1000)},
             {"source", {{"component", "kubelet"}, {"host", this->options.name}}},
             {"count", 1},
             {"firstTimestamp", now()},
             {"lastTimestamp", now()}};
  if (auto made = api.create(target, std::move(event), options); !made)
    log.debug("no event about {}: {}", name, made.error().message);
}

}  // namespace longhaul::local
