// The simulated network: frames go from node to node, are lost, or break their connection.
#include "tests/broker/metadata/cluster_sim_channel.h"
#include "broker/metadata/features.h"
#include "protocol/frame.h"
#include "protocol/messages/api_versions.h"

namespace longhaul::broker::metadata {
namespace {

using client::RawReply;
using client::RawRequest;
using protocol::ApiKey;

using Respond = std::function<void(base::Bytes frame)>;

template <class Response>
void respond(const Respond& reply, const Response& response, const protocol::RequestFrame& frame) {
  protocol::Encoder encoder;
  auto encoded = protocol::encode_response(encoder, response, frame.version, frame.correlation_id);
  ASSERT_TRUE(encoded) << encoded.error().message;
  reply(encoder.take());
}

template <class Request>
void serve_quorum(MetadataNode& node, const protocol::RequestFrame& frame, const Respond& reply) {
  auto request = Request::decode(frame.body, frame.version);
  ASSERT_TRUE(request) << request.error().message;
  QuorumCall call;
  call.version = frame.version;
  call.listener = "CONTROLLER";
  node.serve(std::move(*request), std::move(call),
             [reply, envelope = frame](const QuorumResponse& response) {
               std::visit([&](const auto& typed) { respond(reply, typed, envelope); }, response);
             });
}

void serve(MetadataNode& node, sim::Loop& loop, base::Clock::Monotonic deadline,
           const protocol::RequestFrame& frame, const Respond& reply) {
  switch (frame.api->key) {
    case ApiKey::kVote:
      return serve_quorum<protocol::VoteRequest>(node, frame, reply);
    case ApiKey::kBeginQuorumEpoch:
      return serve_quorum<protocol::BeginQuorumEpochRequest>(node, frame, reply);
    case ApiKey::kEndQuorumEpoch:
      return serve_quorum<protocol::EndQuorumEpochRequest>(node, frame, reply);
    case ApiKey::kFetch:
      return serve_quorum<protocol::FetchRequest>(node, frame, reply);
    case ApiKey::kFetchSnapshot:
      return serve_quorum<protocol::FetchSnapshotRequest>(node, frame, reply);
    case ApiKey::kUpdateRaftVoter:
      return serve_quorum<protocol::UpdateRaftVoterRequest>(node, frame, reply);
    case ApiKey::kAddRaftVoter:
      return serve_quorum<protocol::AddRaftVoterRequest>(node, frame, reply);
    case ApiKey::kRemoveRaftVoter:
      return serve_quorum<protocol::RemoveRaftVoterRequest>(node, frame, reply);
    case ApiKey::kApiVersions: {
      protocol::ApiVersionsResponse response;
      for (const auto& [name, range] : supported_features())
        response.supported_features.push_back({name, range.min, range.max});
      return respond(reply, response, frame);
    }
    case ApiKey::kBrokerRegistration: {
      auto request = protocol::BrokerRegistrationRequest::decode(frame.body, frame.version);
      ASSERT_TRUE(request) << request.error().message;
      return node.ask(
          &register_broker, std::move(*request), {&loop, deadline, /*only_here=*/true},
          [reply, envelope = frame](const auto& response) { respond(reply, response, envelope); });
    }
    default:
      FAIL() << "nobody serves " << frame.api->name;
  }
}

}  // namespace

void SimChannel::send(RawRequest raw, Answer answer) {
  auto held = std::make_shared<Answer>(std::move(answer));
  auto api = raw.api;
  int16_t version = raw.max_version;
  protocol::Encoder encoder;
  auto encoded = raw.encode(encoder, version, 7);
  ASSERT_TRUE(encoded) << api->name << ": " << encoded.error().message;
  auto frame = std::make_shared<base::Bytes>(encoder.take());
  Respond respond = [sim = &sim_, from = from_, to = to_, life = life_, held, api,
                     version](base::Bytes bytes) {
    if (sim->is_lost(to, from)) return;
    auto shared = std::make_shared<const base::Bytes>(std::move(bytes));
    SimChannel::later(*sim, from, life, [held, api, version, shared] {
      if (!*held) return;
      auto body = protocol::parse_response(base::ByteView(*shared).subspan(4), *api, version);
      ASSERT_TRUE(body) << body.error().message;
      std::exchange(*held, {})(RawReply{shared, *body, version});
    });
  };
  // A connection that nothing comes from is given up at last.
  sim_.simulation.after(std::chrono::seconds(4), &sim_,
                        [sim = &sim_, from = from_, life = life_, held] {
                          if (!*held || sim->nodes_.at(from).life != life) return;
                          std::exchange(*held, {})(base::fail(base::Errc::kTimedOut, "lost"));
                        });
  std::erase_if(sim_.exchanges_, [](const auto& entry) { return !*entry.second.answer; });
  sim_.exchanges_.emplace(to_, ClusterSim::Exchange{from_, life_, held});
  if (sim_.is_lost(from_, to_)) return;
  if (!sim_.is_up(to_)) {
    return later(sim_, from_, life_, [held] {
      if (*held) std::exchange(*held, {})(base::fail(base::Errc::kUnavailable, "refused"));
    });
  }
  int there = sim_.nodes_.at(to_).life;
  SimChannel::later(sim_, to_, there, [sim = &sim_, to = to_, frame, respond] {
    auto& node = sim->nodes_.at(to);
    auto parsed = protocol::parse_request(base::ByteView(*frame).subspan(4));
    ASSERT_TRUE(parsed) << parsed.error().message;
    serve(*node.node, *node.loop, sim->clock_.monotonic() + std::chrono::seconds(3), *parsed,
          respond);
  });
}

void SimChannel::later(ClusterSim& sim, int at, int life, std::function<void()> what) {
  sim.simulation.after(sim.simulation.some_delay(sim.faults.delay), &sim,
                       [&sim, at, life, what = std::move(what)] {
                         auto& node = sim.nodes_.at(at);
                         if (node.life == life && node.node && !node.stopping) what();
                       });
}

}  // namespace longhaul::broker::metadata
