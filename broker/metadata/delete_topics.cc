// DeleteTopics, by name or by ID (KIP-516).
#include <map>
#include <set>

#include "broker/metadata/controller.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using State = protocol::DeleteTopicsRequest::DeleteTopicState;

/// Versions before 6 carry only names; here both forms are one.
std::vector<State> named_topics(const protocol::DeleteTopicsRequest& request) {
  std::vector<State> topics = request.topics;
  for (const std::string& name : request.topic_names) {
    State state;
    state.name = name;
    topics.push_back(std::move(state));
  }
  return topics;
}

KafkaResult<const Topic*> find(const ControllerInput& input, const State& state, bool repeated) {
  if (state.name && !state.topic_id.is_zero())
    return kafka_fail(ErrorCode::kInvalidRequest, "a topic is named or given by its ID, not both");
  if (!state.name && state.topic_id.is_zero())
    return kafka_fail(ErrorCode::kInvalidRequest, "a topic has neither a name nor an ID");
  if (repeated)
    return kafka_fail(ErrorCode::kInvalidRequest, "the topic is in the request more than once");
  const Topic* topic =
      state.name ? input.image.topic(*state.name) : input.image.topic(state.topic_id);
  if (topic == nullptr)
    return kafka_fail(
        state.name ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kUnknownTopicId,
        state.name ? "there is no topic of this name" : "there is no topic with this ID");
  if (!input.settings.delete_topics)
    return kafka_fail(ErrorCode::kTopicDeletionDisabled,
                      "topics cannot be deleted here: delete.topic.enable is false");
  return topic;
}

}  // namespace

Decision<protocol::DeleteTopicsResponse> delete_topics(
    const ControllerInput& input, const protocol::DeleteTopicsRequest& request) {
  Decision<protocol::DeleteTopicsResponse> decision;
  std::vector<State> topics = named_topics(request);
  // A topic named by both its name and its ID is named twice.
  std::map<base::Uuid, int> times;
  for (const State& state : topics) {
    const Topic* topic =
        state.name ? input.image.topic(*state.name) : input.image.topic(state.topic_id);
    if (topic != nullptr) ++times[topic->id];
  }
  std::set<base::Uuid> told;
  for (State& state : topics) {
    const Topic* named =
        state.name ? input.image.topic(*state.name) : input.image.topic(state.topic_id);
    bool repeated = named != nullptr && times[named->id] > 1;
    if (repeated && !told.insert(named->id).second) continue;
    auto& answer = decision.response.responses.emplace_back();
    auto found = find(input, state, repeated);
    if (!found) {
      answer.name = state.name;
      answer.topic_id = state.topic_id;
      answer.error_code = found.error().code;
      answer.error_message = found.error().message;
      continue;
    }
    answer.name = (*found)->name;
    answer.topic_id = (*found)->id;
    protocol::RemoveTopicRecord record;
    record.topic_id = (*found)->id;
    decision.records.emplace_back(record);
  }
  return decision;
}

}  // namespace longhaul::broker::metadata
