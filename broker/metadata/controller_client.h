// The way of the rest of the broker to the active controller.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/task.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/leader_requests.h"
#include "broker/metadata/refusals.h"

namespace longhaul::broker::metadata {

/// Where and until when an answer is wanted.
struct ReplyTo {
  /// The answer is posted here; must live until it has come.
  base::Executor* executor = nullptr;
  /// By then there is an answer: REQUEST_TIMED_OUT if it is not decided and committed. What was
  /// appended may still be committed later.
  base::Clock::Monotonic deadline{};
  /// Asked by another node or a controller's client: if this is not the active controller, the
  /// answer is NOT_CONTROLLER at once.
  bool only_here = false;
};

/// A request whose type was left behind, and its answer on the way. `answer` or `refuse` is called
/// once, on any thread.
class ControllerRequest {
 public:
  explicit ControllerRequest(ReplyTo reply_to) : reply_to(reply_to) {}
  virtual ~ControllerRequest() = default;

  /// On the active controller; keeps the response.
  virtual MetadataRecords decide(const ControllerInput& input) = 0;
  /// Asks the active controller on another node (LeaderRequests::Pending::there); then answers.
  virtual void ask(client::Channel& channel, base::Callback<void(base::Task)> settled) = 0;
  /// Hands the response over to the executor that wants it.
  virtual void answer() = 0;
  virtual void refuse(const protocol::KafkaError& error) = 0;

  const ReplyTo reply_to;
};
using ControllerRequestPtr = std::shared_ptr<ControllerRequest>;

/// Any thread. Each request is answered exactly once, unless the executor is stopped: once its
/// outcome is committed and all image listeners of the active controller's node have taken it up,
/// or with an error in its response. If another node is the active controller, it is asked; while
/// there is none, requests wait for one. What a controller did not answer before it was lost is
/// asked again, as in Kafka: it may have been done already.
class ControllerClient {
 public:
  virtual ~ControllerClient() = default;

  /// `decide` is the function of controller.h for the request.
  template <class Request, class Response>
  void ask(Decision<Response> (*decide)(const ControllerInput&, const Request&),
           std::type_identity_t<Request> request, ReplyTo reply_to,
           std::type_identity_t<base::Callback<void(Response)>> done);
  /// A connection on which a broker had sent heartbeats of this epoch is closed: if nobody listens
  /// at the broker's address any more, its process is gone, and it is fenced without waiting for
  /// its session to end.
  virtual void heartbeat_connection_closed(int32_t broker, int64_t epoch) = 0;

 private:
  template <class Request, class Response>
  class Typed;

  /// A heartbeat that came here; what it says of its broker does not wait for its turn.
  virtual void heard(int32_t broker, int64_t epoch, int64_t offset) = 0;
  virtual void submit(ControllerRequestPtr request) = 0;
};

template <class Request, class Response>
class ControllerClient::Typed final
    : public ControllerRequest,
      public std::enable_shared_from_this<Typed<Request, Response>> {
 public:
  using Decide = Decision<Response> (*)(const ControllerInput&, const Request&);

  Typed(Decide decide, Request request, ReplyTo reply_to, base::Callback<void(Response)> done)
      : ControllerRequest(reply_to),
        decide_(decide),
        request_(std::move(request)),
        done_(std::move(done)) {}

  MetadataRecords decide(const ControllerInput& input) override {
    Decision<Response> decision = decide_(input, request_);
    response_ = std::move(decision.response);
    return std::move(decision.records);
  }
  void ask(client::Channel& channel, base::Callback<void(base::Task)> settled) override {
    auto taken = [self = this->shared_from_this()](Response response) {
      self->response_ = std::move(response);
      self->answer();
    };
    ask_leader<Response>(channel, request_, std::move(taken), std::move(settled));
  }
  void answer() override {
    reply_to.executor->post(
        [self = this->shared_from_this()] { self->done_(std::move(self->response_)); });
  }
  void refuse(const protocol::KafkaError& error) override {
    response_ = metadata::refuse(request_, error);
    answer();
  }

 private:
  const Decide decide_;
  const Request request_;
  Response response_;
  base::Callback<void(Response)> done_;
};

template <class Request, class Response>
void ControllerClient::ask(Decision<Response> (*decide)(const ControllerInput&, const Request&),
                           std::type_identity_t<Request> request, ReplyTo reply_to,
                           std::type_identity_t<base::Callback<void(Response)>> done) {
  if constexpr (std::is_same_v<Request, protocol::BrokerHeartbeatRequest>)
    heard(request.broker_id, request.broker_epoch, request.current_metadata_offset);
  submit(std::make_shared<Typed<Request, Response>>(decide, std::move(request), reply_to,
                                                    std::move(done)));
}

}  // namespace longhaul::broker::metadata
