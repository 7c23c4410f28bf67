#include "operator/reconcile/topic_pass.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "operator/api/config_check.h"
#include "operator/api/kafka_cluster.h"
#include "operator/model/anchor.h"
#include "operator/model/desired.h"
#include "operator/model/names.h"

namespace longhaul::op::reconcile {
namespace {

using kube::Json;
using namespace std::chrono_literals;

constexpr auto kTopicComes = 1s;
constexpr auto kClusterComes = 30s;

/// The region a KafkaTopic means: named, or the cluster's only one. Null if there is none.
const Json* region_of(const Json& cluster, const std::string& name) {
  const Json& regions = kube::at_path(cluster, {"spec", "regions"});
  if (!regions.is_array()) return nullptr;
  if (name.empty()) return regions.size() == 1 ? &regions[0] : nullptr;
  for (const Json& region : regions)
    if (kube::string_at(region, {"name"}) == name) return &region;
  return nullptr;
}

std::optional<model::Anchor> sealed_anchor(const Caches& caches, const std::string& name_space,
                                           const std::string& cluster, const std::string& region) {
  kube::ObjectPtr map =
      caches.get(kube::kConfigMap, {name_space, model::anchor_name(cluster, region)});
  if (!map || !model::is_of_region(*map, cluster, region)) return std::nullopt;
  auto anchor = model::read_anchor(*map);
  if (!anchor || anchor->birth != model::Birth::kSealed) return std::nullopt;
  return *anchor;
}

}  // namespace

TopicPass::TopicPass(Dependencies& dependencies, kube::ObjectPtr object)
    : d_(dependencies), object_(std::move(object)) {}

Verdict TopicPass::run() {
  struct Step {
    const char* name;
    StepResult (TopicPass::*run)();
  };
  static constexpr Step kSteps[] = {
      {"validate", &TopicPass::validate},     {"cluster", &TopicPass::cluster},
      {"owner", &TopicPass::owner},           {"finalizer", &TopicPass::finalizer},
      {"topic", &TopicPass::topic},           {"config", &TopicPass::config},
      {"partitions", &TopicPass::partitions}, {"replicas", &TopicPass::replicas},
  };
  Verdict verdict;
  verdict.good = "the topic is as it should be";
  for (const Step& step : kSteps) {
    verdict.result = (this->*step.run)();
    if (verdict.result && verdict.result->is_done()) continue;
    verdict.step = step.name;
    break;
  }
  return verdict;
}

Verdict TopicPass::run_deletion() {
  Verdict verdict;
  verdict.step = "delete";
  verdict.result = done();
  if (!kube::has_finalizer(*object_, kTopicFinalizer)) return verdict;
  StepResult valid = validate();
  bool was_ours = !kube::string_at(*object_, {"status", "topicId"}).empty();
  // What never passed validation, or always stood behind another, never had a topic.
  bool never_had_one = !was_ours && (!valid || !valid->is_done() || older_twin());
  verdict.result = never_had_one || cluster_is_gone() ? let_go() : remove_topic();
  return verdict;
}

StepResult TopicPass::validate() {
  api::FieldErrors errors;
  topic_ = api::read_kafka_topic(*object_, errors);
  if (errors.empty()) errors = api::validate(topic_);
  if (!errors.empty()) return blocked("Invalid", api::join(errors));
  std::string before = kube::string_at(*object_, {"status", "topicName"}, topic_.topic_name);
  if (before != topic_.topic_name)
    return blocked("Invalid", "spec.topicName: a topic cannot be renamed (it was " + before +
                                  "); create another KafkaTopic");
  return done();
}

StepResult TopicPass::cluster() {
  kube::ObjectPtr object = d_.caches.get(kube::kKafkaCluster, {topic_.name_space, topic_.cluster});
  if (!object)
    return blocked("NoCluster", "spec.cluster: there is no KafkaCluster " + topic_.cluster +
                                    " in namespace " + topic_.name_space);
  const Json* region = region_of(*object, topic_.region);
  if (!region)
    return blocked("NoRegion", topic_.region.empty()
                                   ? "spec.region: must be given, the cluster has several"
                                   : "spec.region: the cluster has no region " + topic_.region);
  std::string region_name = kube::string_at(*region, {"name"});
  cluster_is_ready_ = kube::string_at(kube::condition_of(*object, "Ready"), {"status"}) == "True";
  auto anchor = sealed_anchor(d_.caches, topic_.name_space, topic_.cluster, region_name);
  std::vector<BrokerPod> pods;
  if (anchor)
    for (const model::AnchorNode& node : anchor->nodes)
      pods.push_back(
          broker_pod(d_.caches, topic_.name_space, topic_.cluster, region_name, node.id));
  brokers_ = ready_addresses(pods);
  if (brokers_.empty())
    return requeue_after(kClusterComes, "WaitingForCluster",
                         "no broker of KafkaCluster " + topic_.cluster + " is ready");
  return done();
}

kube::ObjectPtr TopicPass::older_twin() const {
  auto age = [](const Json& object) {
    return std::tuple(kube::string_at(object, {"metadata", "creationTimestamp"}),
                      kube::name_of(object));
  };
  for (const kube::ObjectPtr& other : d_.caches.list(kube::kKafkaTopic, topic_.name_space, "")) {
    std::string name = kube::name_of(*other);
    if (name == topic_.name || kube::is_deleting(*other)) continue;
    if (kube::string_at(*other, {"spec", "cluster"}) == topic_.cluster &&
        kube::string_at(*other, {"spec", "region"}) == topic_.region &&
        kube::string_at(*other, {"spec", "topicName"}, name) == topic_.topic_name &&
        age(*other) < age(*object_))
      return other;
  }
  return nullptr;
}

StepResult TopicPass::owner() {
  if (kube::ObjectPtr twin = older_twin())
    return blocked("Duplicate", "spec.topicName: KafkaTopic " + kube::name_of(*twin) +
                                    " already stands for topic " + topic_.topic_name);
  return done();
}

StepResult TopicPass::finalizer() {
  if (kube::has_finalizer(*object_, kTopicFinalizer)) return done();
  LH_TRY(d_.writer.set_finalizer(kube::kKafkaTopic, *object_, kTopicFinalizer, true));
  return done();
}

StepResult TopicPass::topic() {
  LH_ASSIGN(state_, d_.kafka.describe_topic(brokers_, topic_.topic_name));
  if (state_) return done();
  NewTopic wanted{topic_.topic_name, static_cast<int32_t>(topic_.partitions),
                  static_cast<int16_t>(topic_.replicas), topic_.config};
  auto created = d_.kafka.create_topic(brokers_, wanted);
  // More replicas than brokers, for one: those that are still to come may make it right.
  if (!created && created.error().code == base::Errc::kInvalidArgument && !cluster_is_ready_)
    return requeue_after(kClusterComes, "WaitingForCluster", created.error().message);
  if (!created && created.error().code == base::Errc::kInvalidArgument)
    return blocked("Refused", created.error().message);
  if (!created && created.error().code != base::Errc::kAlreadyExists)
    return tl::unexpected<base::Error>(created.error());
  LH_ASSIGN(state_, d_.kafka.describe_topic(brokers_, topic_.topic_name));
  if (!state_)
    return requeue_after(kTopicComes, "Creating", "the topic was created and is not visible yet");
  return done();
}

StepResult TopicPass::config() {
  if (std::string wrong = api::check_minimum(topic_, state_->replicas); !wrong.empty())
    return blocked("Invalid", std::string(api::kMinimumPath) + ": " + wrong);
  LH_ASSIGN(auto live, d_.kafka.topic_config(brokers_, topic_.topic_name));
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
  for (const auto& [name, value] : topic_.config) {
    auto found = live.find(name);
    if (found == live.end() || !api::same_topic_value(name, value, found->second))
      set.emplace(name, value);
  }
  for (const auto& [name, value] : live)
    if (!topic_.config.contains(name)) unset.push_back(name);
  if (set.empty() && unset.empty()) return done();
  auto altered = d_.kafka.alter_topic_config(brokers_, topic_.topic_name, set, unset);
  if (!altered && altered.error().code == base::Errc::kInvalidArgument)
    return blocked("Refused", altered.error().message);
  LH_TRY(altered);
  return done();
}

StepResult TopicPass::partitions() {
  if (topic_.partitions == -1 || topic_.partitions == state_->partitions) return done();
  if (topic_.partitions < state_->partitions)
    return blocked("PartitionsCannotShrink",
                   fmt::format("spec.partitions: is {}, and the topic has {}; Kafka cannot take "
                               "partitions away, delete and create the topic instead",
                               topic_.partitions, state_->partitions));
  auto grown =
      d_.kafka.grow_topic(brokers_, topic_.topic_name, static_cast<int32_t>(topic_.partitions));
  if (!grown && grown.error().code == base::Errc::kInvalidArgument)
    return blocked("Refused", grown.error().message);
  LH_TRY(grown);
  state_->partitions = static_cast<int32_t>(topic_.partitions);
  return done();
}

StepResult TopicPass::replicas() {
  if (topic_.replicas == -1 || topic_.replicas == state_->replicas) return done();
  return blocked("NotImplemented",
                 fmt::format("spec.replicas: is {}, and the topic has {}; changing it is not "
                             "implemented in this version",
                             topic_.replicas, state_->replicas));
}

bool TopicPass::cluster_is_gone() const {
  kube::ObjectPtr object = d_.caches.get(kube::kKafkaCluster, {topic_.name_space, topic_.cluster});
  if (!object || kube::is_deleting(*object)) return true;
  const Json* region = region_of(*object, topic_.region);
  return !region || !sealed_anchor(d_.caches, topic_.name_space, topic_.cluster,
                                   kube::string_at(*region, {"name"}));
}

StepResult TopicPass::let_go() {
  LH_TRY(d_.writer.set_finalizer(kube::kKafkaTopic, *object_, kTopicFinalizer, false));
  return done();
}

StepResult TopicPass::remove_topic() {
  StepResult reachable = cluster();
  if (!reachable || !reachable->is_done()) return reachable;
  LH_ASSIGN(state_, d_.kafka.describe_topic(brokers_, topic_.topic_name));
  std::string ours = kube::string_at(*object_, {"status", "topicId"});
  // A topic that was made anew under this name since is not ours to delete.
  if (state_ && (ours.empty() || ours == state_->id.to_string())) {
    auto removed = d_.kafka.delete_topic(brokers_, state_->id);
    if (!removed && removed.error().code != base::Errc::kNotFound)
      return tl::unexpected<base::Error>(removed.error());
  }
  return let_go();
}

Json TopicPass::status(const Verdict& verdict) const {
  Json status{{"observedGeneration", kube::generation_of(*object_)}};
  if (state_) {
    status["topicName"] = topic_.topic_name;
    status["topicId"] = state_->id.to_string();
    status["partitions"] = state_->partitions;
    status["replicas"] = state_->replicas;
  } else {
    for (const char* field : {"topicName", "topicId", "partitions", "replicas"})
      if (const Json& old = kube::at_path(*object_, {"status", field}); !old.is_null())
        status[field] = old;
  }
  status["conditions"] = conditions_after(*object_, verdict, kube::format_time(d_.clock.wall_ms()));
  return status;
}

}  // namespace longhaul::op::reconcile
