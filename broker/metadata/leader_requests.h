// Requests of this node, or of its clients, that only the quorum's leader can answer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/task.h"
#include "client/channel.h"
#include "protocol/error_code.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::metadata {

/// Keeps each request until some leader has taken it, this node or another, or its time is up.
/// Metadata loop only.
class LeaderRequests : public std::enable_shared_from_this<LeaderRequests> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    const base::Clock* clock = nullptr;
    base::Clock::Monotonic retry{std::chrono::milliseconds(20)};
    std::function<bool()> is_leader;  ///< this node
    /// To the leader, if that is another node whose address is known; else null.
    std::function<std::shared_ptr<client::Channel>()> connect;
  };

  /// One request whose type was left behind.
  struct Pending {
    base::Clock::Monotonic deadline{};
    /// This node leads: it decides.
    base::Task here;
    /// Asks the leader. `settled` is called on any thread, with what is to be done on the loop with
    /// its answer, or with nothing if it was no leader or did not answer.
    std::function<void(client::Channel&, base::Callback<void(base::Task)> settled)> there;
    /// With REQUEST_TIMED_OUT or, at the end, NOT_CONTROLLER.
    base::Callback<void(protocol::KafkaError)> refuse;
  };

  explicit LeaderRequests(Params params) : params_(std::move(params)) {}
  void submit(Pending pending);
  /// The leader is another one, or none: nobody waits for the old one's answers.
  void leader_changed();
  /// Refuses everything, now and from now on.
  void stop();

 private:
  struct Entry {
    Pending pending;
    base::TimerId timer = 0;
    int attempts = 0;
  };
  void attempt(uint64_t id);
  void try_later(uint64_t id, int attempt);
  void refuse(uint64_t id, protocol::ErrorCode code, const char* why);
  std::optional<Pending> take(uint64_t id);

  Params params_;
  std::map<uint64_t, Entry> pending_;
  uint64_t next_id_ = 1;
  bool stopped_ = false;
};

/// The error that a whole response, or the first of its parts, carries.
template <class Response>
protocol::ErrorCode error_in(const Response& response) {
  auto first = [](const auto& parts) {
    return parts.empty() ? protocol::ErrorCode::kNone : parts.front().error_code;
  };
  if constexpr (requires { response.error_code; }) {
    return response.error_code;
  } else if constexpr (requires { response.topics; }) {
    return first(response.topics);
  } else if constexpr (requires { response.responses; }) {
    return first(response.responses);
  } else {
    return first(response.results);
  }
}

/// `LeaderRequests::Pending::there` for a request of a generated type; `taken` gets a leader's
/// answer, on the loop.
template <class Response, class Request>
void ask_leader(client::Channel& channel, const Request& request,
                std::function<void(const Response&)> taken,
                base::Callback<void(base::Task)> settled) {
  client::call<Response>(
      channel, request,
      [taken = std::move(taken),
       settled = std::move(settled)](base::Result<client::Reply<Response>> reply) mutable {
        auto error = reply ? error_in(reply->message) : protocol::ErrorCode::kNotController;
        if (error == protocol::ErrorCode::kNotController ||
            error == protocol::ErrorCode::kNotLeaderOrFollower)
          return settled(base::Task());
        settled([taken = std::move(taken), reply = std::move(*reply)] { taken(reply.message); });
      });
}

}  // namespace longhaul::broker::metadata
