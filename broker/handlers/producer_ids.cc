#include "broker/handlers/producer_ids.h"

#include <chrono>

#include "broker/handlers/handlers.h"
#include "protocol/messages/init_producer_id.h"

namespace longhaul::broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr std::chrono::seconds kBlockTimeout{10};

}  // namespace

void ProducerIds::next(Done done) {
  {
    std::unique_lock lock(shared_->mutex);
    if (shared_->next < shared_->end) {
      int64_t id = shared_->next++;
      lock.unlock();
      return done(id);
    }
    shared_->waiting.push_back(std::move(done));
    if (shared_->waiting.size() > 1) return;  // the block is asked for already
  }
  protocol::AllocateProducerIdsRequest request;
  const Params& params = shared_->params;
  request.broker_id = params.broker_id;
  request.broker_epoch = params.broker_epoch();
  params.controller.ask(&metadata::allocate_producer_ids, request,
                        {&params.executor, params.clock.monotonic() + kBlockTimeout},
                        [shared = shared_](const protocol::AllocateProducerIdsResponse& response) {
                          take_block(*shared, response);
                        });
}

void ProducerIds::take_block(Shared& shared,
                             const protocol::AllocateProducerIdsResponse& response) {
  std::vector<std::pair<Done, protocol::KafkaResult<int64_t>>> answers;
  {
    std::lock_guard lock(shared.mutex);
    if (response.error_code == ErrorCode::kNone) {
      shared.next = response.producer_id_start;
      shared.end = response.producer_id_start + response.producer_id_len;
    }
    for (Done& done : shared.waiting) {
      if (shared.next < shared.end) {
        answers.emplace_back(std::move(done), shared.next++);
        continue;
      }
      // Retriable, so that a producer asks again.
      answers.emplace_back(std::move(done),
                           protocol::kafka_fail(ErrorCode::kCoordinatorLoadInProgress,
                                                "no producer IDs could be had"));
    }
    shared.waiting.clear();
  }
  for (auto& [done, answer] : answers) done(std::move(answer));
}

void handle_init_producer_id(Services& services, Call call) {
  auto request = call.decode<protocol::InitProducerIdRequest>();
  if (!request) return;
  protocol::InitProducerIdResponse refused;
  refused.producer_epoch = -1;
  if (request->transactional_id) {
    refused.error_code = request->transactional_id->empty() ? ErrorCode::kInvalidRequest
                                                            : ErrorCode::kUnsupportedVersion;
    return call.respond(refused);
  }
  services.producer_ids.next(
      [call = std::move(call), refused](protocol::KafkaResult<int64_t> id) mutable {
        if (!id) {
          refused.error_code = id.error().code;
          return call.respond(refused);
        }
        protocol::InitProducerIdResponse response;
        response.producer_id = *id;
        response.producer_epoch = 0;
        call.respond(response);
      });
}

}  // namespace longhaul::broker::handlers
