#include "operator/reconcile/writer.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "operator/kube/difference.h"
#include "operator/model/desired.h"

namespace longhaul::op::reconcile {

using kube::Json;

Writer::Writer(kube::Transport& transport, const base::Clock& clock, base::Logger logger)
    : transport_(transport), clock_(clock), logger_(logger) {}

base::Result<bool> Writer::apply(const kube::ResourceType& type, Json desired, const Json* live) {
  desired["metadata"]["annotations"][model::kAppliedAnnotation] =
      model::stable_hash(desired.dump());
  std::string difference = live ? kube::first_difference(desired, *live) : "everything";
  if (difference.empty()) return false;
  logger_.info("apply {} {} ({})", type.kind, kube::name_of(desired), difference);
  LH_TRY(call(transport_, kube::apply(type, desired, model::kManager)));
  return true;
}

base::Result<bool> Writer::apply_status(const kube::ResourceType& type, const Json& live,
                                        const Json& status) {
  if (kube::at_path(live, {"status"}) == status) return false;
  Json object = kube::make_object(type, kube::namespace_of(live), kube::name_of(live));
  object["metadata"]["uid"] = kube::uid_of(live);  // not of an object that came after this one
  object["status"] = status;
  auto written = call(transport_, kube::apply_status(type, object, model::kManager));
  if (written) return true;
  // It was deleted, or replaced by another of its name: there is nothing left to report on.
  if (written.error().code == base::Errc::kNotFound) return false;
  return tl::unexpected<base::Error>(written.error());
}

base::Result<void> Writer::remove(const kube::ResourceType& type, const Json& live) {
  logger_.info("delete {} {}", type.kind, kube::name_of(live));
  auto answer = call(transport_, kube::remove(type, kube::namespace_of(live), kube::name_of(live),
                                              kube::uid_of(live)));
  if (answer || answer.error().code == base::Errc::kNotFound ||
      answer.error().code == base::Errc::kConflict)
    return {};
  return tl::unexpected<base::Error>(answer.error());
}

base::Result<void> Writer::set_finalizer(const kube::ResourceType& type, const Json& live,
                                         const std::string& finalizer, bool present) {
  Json names = Json::array();
  for (const std::string& name : kube::finalizers_of(live))
    if (name != finalizer) names.push_back(name);
  if (present) names.push_back(finalizer);
  Json patch;
  patch["metadata"] = {{"finalizers", std::move(names)},
                       {"resourceVersion", kube::resource_version_of(live)}};
  auto answer = call(transport_,
                     kube::merge_patch(type, kube::namespace_of(live), kube::name_of(live), patch));
  if (answer || (!present && answer.error().code == base::Errc::kNotFound)) return {};
  return tl::unexpected<base::Error>(answer.error());
}

void Writer::event(const Json& about, bool warning, const std::string& reason,
                   const std::string& message) {
  int64_t now = clock_.wall_ms();
  std::string time = kube::format_time(now);
  std::string name = fmt::format(
      "{}.{}", kube::name_of(about),
      model::stable_hash(fmt::format("{}{}{}{}", kube::uid_of(about), reason, message, now)));
  Json event = kube::make_object(kube::kEvent, kube::namespace_of(about), name);
  event["type"] = warning ? "Warning" : "Normal";
  event["reason"] = reason;
  event["message"] = message.substr(0, 1000);
  event["involvedObject"] = {{"apiVersion", kube::api_version_of(about)},
                             {"kind", kube::kind_of(about)},
                             {"namespace", kube::namespace_of(about)},
                             {"name", kube::name_of(about)},
                             {"uid", kube::uid_of(about)}};
  event["source"]["component"] = model::kManager;
  event["reportingComponent"] = model::kManager;
  event["firstTimestamp"] = time;
  event["lastTimestamp"] = time;
  event["count"] = 1;
  auto made = call(transport_, kube::create(kube::kEvent, event));
  if (!made) logger_.warn("event {}: {}", reason, made.error().message);
}

}  // namespace longhaul::op::reconcile
