#include "operator/api/kafka_topic.h"

#include <nlohmann/json.hpp>

#include "operator/api/config_check.h"
#include "operator/api/names.h"

namespace longhaul::op::api {
namespace {

constexpr int64_t kMostPartitions = 100000;
constexpr int64_t kMostReplicas = 32767;

}  // namespace

KafkaTopic read_kafka_topic(const Json& object, FieldErrors& errors) {
  static const Json kEmpty = Json::object();
  KafkaTopic topic;
  FieldReader root(object, "", errors);
  const Json* metadata = root.object("metadata");
  FieldReader names(metadata ? *metadata : kEmpty, "metadata", errors);
  topic.name = names.text("name");
  topic.name_space = names.text("namespace");
  topic.generation = names.integer("generation", 0);
  const Json* spec_object = root.object("spec");
  FieldReader spec(spec_object ? *spec_object : kEmpty, "spec", errors);
  topic.cluster = spec.text("cluster");
  topic.region = spec.text("region");
  topic.topic_name = spec.text("topicName", topic.name);
  topic.partitions = spec.integer("partitions", -1);
  topic.replicas = spec.integer("replicas", -1);
  topic.config = spec.scalars("config");
  spec.finish();
  return topic;
}

FieldErrors validate(const KafkaTopic& topic) {
  FieldErrors errors;
  if (topic.cluster.empty())
    errors.push_back({"spec.cluster", "must name a KafkaCluster in this namespace"});
  if (std::string wrong = check_topic_name(topic.topic_name); !wrong.empty())
    errors.push_back({"spec.topicName", wrong});
  if (topic.partitions != -1 && (topic.partitions < 1 || topic.partitions > kMostPartitions))
    errors.push_back({"spec.partitions", "must be 1 to 100000"});
  if (topic.replicas != -1 && (topic.replicas < 1 || topic.replicas > kMostReplicas))
    errors.push_back({"spec.replicas", "must be 1 to 32767"});
  for (FieldError& error : check_topic_config(topic.config, "spec.config"))
    errors.push_back(std::move(error));
  if (topic.replicas >= 1)
    if (std::string wrong = check_minimum(topic, topic.replicas); !wrong.empty())
      errors.push_back({kMinimumPath, std::move(wrong)});
  return errors;
}

std::string check_minimum(const KafkaTopic& topic, int64_t replicas) {
  std::optional<int64_t> minimum = number_option(topic.config, "min.insync.replicas");
  if (!minimum || *minimum <= replicas) return "";
  return "is " + std::to_string(*minimum) + ", and the topic has " + std::to_string(replicas) +
         (replicas == 1 ? " replica" : " replicas");
}

}  // namespace longhaul::op::api
