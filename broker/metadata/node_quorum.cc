// Requests of other replicas, from any thread to raft on its loop, and answers back.
#include <fmt/core.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "broker/metadata/features.h"
#include "broker/metadata/node.h"
#include "broker/raft/describe_quorum.h"
#include "broker/raft/wire.h"
#include "broker/raft/wire_partition.h"

namespace longhaul::broker::metadata {
namespace {

using QuorumAnswer = QuorumDriver::Answer;

/// The most that any request gets of records or of a snapshot.
constexpr int32_t kMostBytes = 8 << 20;

template <class Request>
size_t most_bytes(const Request& request) {
  if constexpr (requires { request.max_bytes; }) {
    return static_cast<size_t>(std::clamp(request.max_bytes, 1, kMostBytes));
  } else {
    return kMostBytes;
  }
}

/// Only a leader knows for sure where it listens.
std::optional<LeaderAddress> leader_told_by(const protocol::BeginQuorumEpochRequest& request,
                                            const std::string& listener) {
  const auto* partition = raft::metadata_partition(request.topics);
  auto endpoint = endpoint_at(raft::endpoints_of(request.leader_endpoints), listener);
  if (partition == nullptr || !endpoint) return std::nullopt;
  return LeaderAddress{
      partition->leader_epoch, partition->leader_id, {endpoint->host, endpoint->port}};
}

template <class Known, class Request>
void note_leader(const Known&, const Request&, const std::string&, QuorumDriver&) {}
/// Before it is followed, which begins with a fetch from there.
void note_leader(const raft::BeginQuorumEpochRequest& known,
                 const protocol::BeginQuorumEpochRequest& request, const std::string& listener,
                 QuorumDriver& driver) {
  if (driver.raft().judge(known) != raft::ErrorCode::kNone) return;
  if (auto leader = leader_told_by(request, listener)) driver.note_leader(std::move(*leader));
}

void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::VoteResponse& wire) {
  wire = to_wire(std::get<raft::VoteResponse>(answer.response), leader);
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::BeginQuorumEpochResponse& wire) {
  wire = begin_response(std::get<raft::QuorumEpochResponse>(answer.response), leader);
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::EndQuorumEpochResponse& wire) {
  wire = end_response(std::get<raft::QuorumEpochResponse>(answer.response), leader);
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::FetchResponse& wire) {
  wire = to_wire(std::get<raft::FetchResponse>(answer.response), leader);
  wire.responses[0].partitions[0].records = protocol::Records{answer.records};
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::FetchSnapshotResponse& wire) {
  wire = to_wire(std::get<raft::FetchSnapshotResponse>(answer.response), leader);
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint& leader,
           protocol::UpdateRaftVoterResponse& wire) {
  wire = update_voter_response(std::get<raft::VoterChangeResponse>(answer.response), leader);
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint&,
           protocol::AddRaftVoterResponse& wire) {
  wire = add_voter_response(std::get<raft::VoterChangeResponse>(answer.response));
}
void write(const QuorumAnswer& answer, const raft::LeaderEndpoint&,
           protocol::RemoveRaftVoterResponse& wire) {
  wire = remove_voter_response(std::get<raft::VoterChangeResponse>(answer.response));
}

/// Older versions have no place for where the leader listens.
template <class Response>
void fit(Response& wire, int16_t version) {
  constexpr int16_t kFirst = Response::kApiKey == protocol::ApiKey::kFetch ? 16 : 1;
  if constexpr (requires { wire.node_endpoints; }) {
    if (version < kFirst) wire.node_endpoints.clear();
  }
}

/// Versions 0 and 1 know no directory IDs and no endpoints.
void fit(protocol::DescribeQuorumResponse& wire, int16_t version) {
  if (version >= 2) return;
  wire.nodes.clear();
  for (auto& topic : wire.topics) {
    for (auto& partition : topic.partitions) {
      for (auto& voter : partition.current_voters) voter.replica_directory_id = {};
      for (auto& observer : partition.observers) observer.replica_directory_id = {};
    }
  }
}

template <class Request, size_t kPlace = 0>
constexpr size_t place_of() {
  using Here = std::variant_alternative_t<kPlace, QuorumRequest>;
  if constexpr (std::is_same_v<Request, Here>)
    return kPlace;
  else
    return place_of<Request, kPlace + 1>();
}
template <class Request>
using ResponseTo = std::variant_alternative_t<place_of<Request>(), QuorumResponse>;

template <class Response>
Response refused(const protocol::KafkaError& error) {
  Response wire;
  wire.error_code = error.code;
  if constexpr (requires { wire.error_message; }) {
    wire.error_message = error.message;
  }
  return wire;
}

/// What only the leader can answer: on a client's behalf it is asked.
template <class Request>
constexpr bool kForLeader = std::is_same_v<Request, protocol::AddRaftVoterRequest> ||
                            std::is_same_v<Request, protocol::RemoveRaftVoterRequest> ||
                            std::is_same_v<Request, protocol::DescribeQuorumRequest>;

/// Why this one cannot be a voter.
std::optional<protocol::KafkaError> problem_of(const raft::Voter& voter,
                                               const base::Result<FeatureRange>& kraft) {
  if (!kraft)
    return protocol::KafkaError{protocol::ErrorCode::kRequestTimedOut,
                                fmt::format("node {} does not say what it supports: {}",
                                            voter.key.id, kraft.error().message)};
  if (kraft->min <= kKraftVersionLevel && kraft->max >= kKraftVersionLevel) return std::nullopt;
  return protocol::KafkaError{
      protocol::ErrorCode::kInvalidRequest,
      fmt::format("node {} supports {} {} to {}, and not {}", voter.key.id, kKraftVersion,
                  kraft->min, kraft->max, kKraftVersionLevel)};
}

}  // namespace

raft::LeaderEndpoint MetadataNode::endpoint_of(const raft::Standing& standing,
                                               const std::string& listener) const {
  if (!standing.leader) return std::nullopt;
  const raft::Raft& raft = driver_->raft();
  if (*standing.leader == raft.self().id) return endpoint_at(raft.self_endpoints(), listener);
  const raft::Voter* voter = raft.voters().latest().find(*standing.leader);
  return voter == nullptr ? std::nullopt : endpoint_at(voter->endpoints, listener);
}

void MetadataNode::serve(QuorumRequest request, QuorumCall call, QuorumServer::Done done) {
  params_.loop->post([self = shared_from_this(), request = std::move(request),
                      call = std::move(call), done = std::move(done)]() mutable {
    auto serve_typed = [&]<class Request>(Request& typed) {
      if constexpr (kForLeader<Request>) {
        if (call.for_client)
          return self->serve_by_leader(std::move(typed), std::move(call), std::move(done));
      }
      self->serve_here(typed, std::move(call), std::move(done));
    };
    std::visit(serve_typed, request);
  });
}

template <class Request>
void MetadataNode::serve_here(const Request& request, QuorumCall call, QuorumServer::Done done) {
  using Response = ResponseTo<Request>;
  auto known = raft::from_wire(request, params_.settings.cluster_id);
  if (!known) return done(refused<Response>(known.error()));
  note_leader(*known, request, call.listener, *driver_);
  hand_to_raft<Response>(*known, most_bytes(request), std::move(call), std::move(done));
}

template <class Response>
void MetadataNode::hand_to_raft(const raft::Request& request, size_t max_bytes, QuorumCall call,
                                QuorumServer::Done done) {
  auto answered = [this, call = std::move(call),
                   done = std::move(done)](QuorumAnswer answer) mutable {
    Response wire;
    write(answer, endpoint_of(raft::standing_in(answer.response), call.listener), wire);
    fit(wire, call.version);
    done(std::move(wire));
  };
  driver_->receive(request, max_bytes, std::move(answered));
}

/// First it is asked what it can do, as in Kafka (KIP-853): a majority that needs one that nobody
/// reaches, or that does not understand what the others write, would be none.
void MetadataNode::serve_here(const protocol::AddRaftVoterRequest& request, QuorumCall call,
                              QuorumServer::Done done) {
  using Response = protocol::AddRaftVoterResponse;
  auto known = raft::from_wire(request, params_.settings.cluster_id);
  if (!known) return done(refused<Response>(known.error()));
  auto at = endpoint_at(known->voter.endpoints, params_.network.listener);
  bool is_refused =
      !raft().is_leader() || !at || raft().voters().latest().find(known->voter.key.id) != nullptr;
  if (is_refused || !params_.network.connect)
    return hand_to_raft<Response>(*known, kMostBytes, std::move(call), std::move(done));
  struct Adding {
    raft::AddVoterRequest request;
    QuorumCall call;
    QuorumServer::Done done;  // empty once there was an answer
  };
  auto adding =
      std::make_shared<Adding>(Adding{std::move(*known), std::move(call), std::move(done)});
  auto asked = [weak = weak_from_this(), adding](base::Result<FeatureRange> kraft) {
    auto self = weak.lock();
    if (self == nullptr || !adding->done) return;
    auto answer = std::exchange(adding->done, {});
    auto problem = problem_of(adding->request.voter, kraft);
    if (problem) return answer(refused<Response>(*problem));
    adding->request.voter.min_kraft_version = kraft->min;
    adding->request.voter.max_kraft_version = kraft->max;
    self->hand_to_raft<Response>(adding->request, kMostBytes, std::move(adding->call),
                                 std::move(answer));
  };
  ask_kraft_versions(*params_.network.connect({at->host, at->port}),
                     [loop = params_.loop, asked](base::Result<FeatureRange> kraft) {
                       loop->post([asked, kraft = std::move(kraft)] { asked(kraft); });
                     });
  params_.loop->after(params_.network.timeouts.request, [asked] {
    asked(base::fail(base::Errc::kTimedOut, "there was no answer in time"));
  });
}

void MetadataNode::serve_here(const protocol::DescribeQuorumRequest& request, QuorumCall call,
                              QuorumServer::Done done) {
  const base::Clock& clock = *params_.clock;
  auto wire = raft::describe_quorum(request, raft(), clock.monotonic(), clock.wall_ms());
  fit(wire, call.version);
  done(std::move(wire));
}

template <class Request>
void MetadataNode::serve_by_leader(Request request, QuorumCall call, QuorumServer::Done done) {
  using Response = ResponseTo<Request>;
  struct Asked {
    Request request;
    QuorumCall call;
    QuorumServer::Done done;
  };
  auto asked = std::make_shared<Asked>(Asked{std::move(request), std::move(call), std::move(done)});
  LeaderRequests::Pending pending;
  pending.deadline = asked->call.deadline;
  pending.here = [weak = weak_from_this(), asked] {
    auto self = weak.lock();
    if (self) self->serve_here(asked->request, std::move(asked->call), std::move(asked->done));
  };
  pending.there = [asked](client::Channel& channel, base::Callback<void(base::Task)> settled) {
    auto taken = [asked](Response wire) {
      fit(wire, asked->call.version);
      asked->done(std::move(wire));
    };
    ask_leader<Response>(channel, asked->request, std::move(taken), std::move(settled));
  };
  pending.refuse = [asked](const protocol::KafkaError& error) {
    asked->done(refused<Response>(error));
  };
  leader_requests_->submit(std::move(pending));
}

}  // namespace longhaul::broker::metadata
