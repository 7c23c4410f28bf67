// Requests of other replicas, from any thread to raft on its loop, and answers back.
#include <algorithm>
#include <utility>

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

template <class Request>
void note_leader(const Request&, const std::string&, QuorumDriver&) {}
void note_leader(const protocol::BeginQuorumEpochRequest& request, const std::string& listener,
                 QuorumDriver& driver) {
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

const raft::Standing& standing_in(const raft::Response& response) {
  return std::visit([](const auto& it) -> const raft::Standing& { return it.standing; }, response);
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

template <class Response>
Response refused(const protocol::KafkaError& error) {
  Response wire;
  wire.error_code = error.code;
  if constexpr (requires { wire.error_message; }) {
    wire.error_message = error.message;
  }
  return wire;
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

template <class Response, class Request>
void MetadataNode::serve(Request request, QuorumCall call, QuorumServer::Done<Response> done) {
  params_.loop->post([self = shared_from_this(), request = std::move(request),
                      call = std::move(call), done = std::move(done)]() mutable {
    auto known = raft::from_wire(request, self->params_.settings.cluster_id);
    if (!known) return done(refused<Response>(known.error()));
    note_leader(request, call.listener, *self->driver_);
    auto answered = [node = self.get(), call = std::move(call),
                     done = std::move(done)](QuorumAnswer answer) mutable {
      Response wire;
      write(answer, node->endpoint_of(standing_in(answer.response), call.listener), wire);
      fit(wire, call.version);
      done(wire);
    };
    self->driver_->receive(*known, most_bytes(request), std::move(answered));
  });
}

/// What only the leader can answer: if that is this node, by `here`; else it is asked for a client.
template <class Response, class Request>
void MetadataNode::serve_leader(Request request, QuorumCall call, QuorumServer::Done<Response> done,
                                Serve<Response, Request> here) {
  struct Asked {
    Request request;
    QuorumCall call;
    QuorumServer::Done<Response> done;
  };
  auto asked = std::make_shared<Asked>(Asked{std::move(request), std::move(call), std::move(done)});
  asked->call.for_client = false;
  LeaderRequests::Pending pending;
  pending.deadline = asked->call.deadline;
  pending.here = [weak = weak_from_this(), asked, here] {
    auto self = weak.lock();
    if (self) (self.get()->*here)(std::move(asked->request), asked->call, std::move(asked->done));
  };
  pending.there = [asked](client::Channel& channel, base::Callback<void(base::Task)> settled) {
    ask_leader<Response>(
        channel, asked->request, [asked](const Response& response) { asked->done(response); },
        std::move(settled));
  };
  pending.refuse = [asked](const protocol::KafkaError& error) {
    asked->done(refused<Response>(error));
  };
  params_.loop->post([self = shared_from_this(), pending = std::move(pending)]() mutable {
    self->leader_requests_->submit(std::move(pending));
  });
}

void MetadataNode::vote(protocol::VoteRequest request, QuorumCall call,
                        QuorumServer::Done<protocol::VoteResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::begin_quorum_epoch(protocol::BeginQuorumEpochRequest request, QuorumCall call,
                                      QuorumServer::Done<protocol::BeginQuorumEpochResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::end_quorum_epoch(protocol::EndQuorumEpochRequest request, QuorumCall call,
                                    QuorumServer::Done<protocol::EndQuorumEpochResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::fetch(protocol::FetchRequest request, QuorumCall call,
                         QuorumServer::Done<protocol::FetchResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::fetch_snapshot(protocol::FetchSnapshotRequest request, QuorumCall call,
                                  QuorumServer::Done<protocol::FetchSnapshotResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::update_voter(protocol::UpdateRaftVoterRequest request, QuorumCall call,
                                QuorumServer::Done<protocol::UpdateRaftVoterResponse> done) {
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::add_voter(protocol::AddRaftVoterRequest request, QuorumCall call,
                             QuorumServer::Done<protocol::AddRaftVoterResponse> done) {
  if (call.for_client)
    return serve_leader(std::move(request), std::move(call), std::move(done),
                        &MetadataNode::add_voter);
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::remove_voter(protocol::RemoveRaftVoterRequest request, QuorumCall call,
                                QuorumServer::Done<protocol::RemoveRaftVoterResponse> done) {
  if (call.for_client)
    return serve_leader(std::move(request), std::move(call), std::move(done),
                        &MetadataNode::remove_voter);
  serve(std::move(request), std::move(call), std::move(done));
}

void MetadataNode::describe_quorum(protocol::DescribeQuorumRequest request, QuorumCall call,
                                   QuorumServer::Done<protocol::DescribeQuorumResponse> done) {
  QuorumServer::Done<protocol::DescribeQuorumResponse> fitted =
      [version = call.version,
       done = std::move(done)](protocol::DescribeQuorumResponse response) mutable {
        fit(response, version);
        done(response);
      };
  if (call.for_client) {
    return serve_leader(std::move(request), std::move(call), std::move(fitted),
                        &MetadataNode::describe_quorum);
  }
  params_.loop->post([self = shared_from_this(), request = std::move(request),
                      fitted = std::move(fitted)]() mutable {
    const base::Clock& clock = *self->params_.clock;
    fitted(raft::describe_quorum(request, self->raft(), clock.monotonic(), clock.wall_ms()));
  });
}

}  // namespace longhaul::broker::metadata
