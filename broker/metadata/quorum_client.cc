#include "broker/metadata/quorum_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "broker/metadata/features.h"
#include "broker/metadata/log_batch.h"
#include "protocol/messages/api_versions.h"
#include "records/batch.h"

namespace longhaul::broker::metadata {
namespace {

using ReplyDone = base::Callback<void(base::Result<QuorumReply>)>;

template <class Wire>
std::optional<LeaderAddress> leader_in(const Wire& wire, const raft::Standing& standing) {
  if (!standing.leader) return std::nullopt;
  LeaderAddress leader{standing.epoch, *standing.leader, {}};
  if constexpr (requires { wire.node_endpoints; }) {
    for (const auto& node : wire.node_endpoints) {
      if (node.node_id == leader.id)
        leader.endpoint = {node.host, static_cast<uint16_t>(node.port)};
    }
  } else {
    leader.endpoint = {wire.current_leader.host, static_cast<uint16_t>(wire.current_leader.port)};
  }
  if (leader.endpoint.host.empty()) return std::nullopt;
  return leader;
}

/// The records of a fetch, which its own translation leaves out.
base::Result<void> add_batches(const protocol::FetchResponse& wire, raft::FetchResponse& response) {
  if (response.standing.error != raft::ErrorCode::kNone || wire.responses.empty()) return {};
  const auto& records = wire.responses[0].partitions[0].records;
  if (!records) return {};
  LH_ASSIGN(response.batches, fetched_batches(records->bytes));
  return {};
}
template <class Wire, class Response>
base::Result<void> add_batches(const Wire&, const Response&) {
  return {};
}

template <class Wire>
base::Result<QuorumReply> read_reply(const Wire& wire) {
  auto read = [&] {
    auto response = raft::from_wire(wire);
    if constexpr (requires { response.error(); }) {
      return response;
    } else {
      return base::Result<decltype(response)>(std::move(response));
    }
  }();
  if (!read) return tl::unexpected(std::move(read).error());
  LH_TRY(add_batches(wire, *read));
  auto leader = leader_in(wire, read->standing);
  return QuorumReply{std::move(*read), std::move(leader)};
}

template <class WireResponse, class WireRequest>
void ask_for(client::Channel& channel, WireRequest request, ReplyDone done) {
  client::call<WireResponse>(
      channel, std::move(request),
      [done = std::move(done)](base::Result<client::Reply<WireResponse>> reply) mutable {
        if (!reply) return done(tl::unexpected(std::move(reply).error()));
        done(read_reply(reply->message));
      });
}

struct Asking {
  client::Channel& channel;
  const raft::Sender& sender;
  ReplyDone done;

  void operator()(const raft::VoteRequest& it) {
    ask_for<protocol::VoteResponse>(channel, to_wire(it, sender), std::move(done));
  }
  void operator()(const raft::BeginQuorumEpochRequest& it) {
    ask_for<protocol::BeginQuorumEpochResponse>(channel, to_wire(it, sender), std::move(done));
  }
  void operator()(const raft::EndQuorumEpochRequest& it) {
    ask_for<protocol::EndQuorumEpochResponse>(channel, to_wire(it, sender), std::move(done));
  }
  void operator()(const raft::FetchRequest& it) {
    ask_for<protocol::FetchResponse>(channel, to_wire(it, sender), std::move(done));
  }
  void operator()(const raft::FetchSnapshotRequest& it) {
    ask_for<protocol::FetchSnapshotResponse>(channel, to_wire(it, sender), std::move(done));
  }
  void operator()(const raft::UpdateVoterRequest& it) {
    ask_for<protocol::UpdateRaftVoterResponse>(channel, to_wire(it, sender), std::move(done));
  }
  template <class Other>
  void operator()(const Other&) {
    LH_ASSERT(false, "voters are added and removed by people, not by replicas");
  }
};

}  // namespace

void ask(client::Channel& channel, const raft::Request& request, const raft::Sender& sender,
         ReplyDone done) {
  std::visit(Asking{channel, sender, std::move(done)}, request);
}

void ask_kraft_versions(client::Channel& channel,
                        base::Callback<void(base::Result<FeatureRange>)> done) {
  protocol::ApiVersionsRequest request;
  request.client_software_name = "longhaul";
  request.client_software_version = "0.1.0";
  using Reply = base::Result<client::Reply<protocol::ApiVersionsResponse>>;
  client::call<protocol::ApiVersionsResponse>(
      channel, std::move(request), [done = std::move(done)](Reply reply) mutable {
        if (!reply) return done(tl::unexpected(std::move(reply).error()));
        if (reply->message.error_code != protocol::ErrorCode::kNone)
          return done(base::fail(base::Errc::kUnavailable, name(reply->message.error_code)));
        FeatureRange range;
        for (const auto& feature : reply->message.supported_features) {
          if (feature.name == kKraftVersion) range = {feature.min_version, feature.max_version};
        }
        done(range);
      });
}

base::Result<std::vector<raft::Batch>> fetched_batches(base::ByteView bytes) {
  std::vector<raft::Batch> batches;
  records::BatchWalker walker(bytes);
  while (const records::BatchView* view = walker.next()) {
    const records::BatchHeader& header = view->header;
    if (!records::crc_matches(view->bytes))
      return base::fail(
          base::Errc::kCorrupt,
          fmt::format("the batch at offset {} came with a bad checksum", header.base_offset));
    raft::Batch batch{header.base_offset,
                      header.next_offset(),
                      header.partition_leader_epoch,
                      std::make_shared<base::Bytes>(view->bytes.begin(), view->bytes.end()),
                      {}};
    if (header.is_control()) {
      LH_ASSIGN(auto entries, decode_batch(*view));
      for (const LogEntry& entry : entries) {
        if (const auto* voters = std::get_if<raft::VoterSet>(&entry.what))
          batch.voters = {entry.offset, *voters};
      }
    }
    batches.push_back(std::move(batch));
  }
  if (walker.error()) return tl::unexpected(*walker.error());
  return batches;
}

void AddressBook::note(LeaderAddress leader) {
  if (leader.epoch >= leader_.epoch) leader_ = std::move(leader);
}

std::optional<client::Endpoint> AddressBook::find(int32_t id, int32_t epoch,
                                                  const raft::VoterSet& voters) const {
  if (leader_.id == id && leader_.epoch == epoch) return leader_.endpoint;
  const raft::Voter* voter = voters.find(id);
  if (voter == nullptr) return std::nullopt;
  auto endpoint = endpoint_at(voter->endpoints, listener_);
  if (!endpoint) return std::nullopt;
  return client::Endpoint{endpoint->host, endpoint->port};
}

std::optional<client::Endpoint> AddressBook::next_bootstrap() {
  if (bootstrap_.empty()) return std::nullopt;
  return bootstrap_[next_++ % bootstrap_.size()];
}

std::optional<raft::Endpoint> endpoint_at(const std::vector<raft::Endpoint>& endpoints,
                                          const std::string& listener) {
  if (endpoints.empty()) return std::nullopt;
  auto named = std::find_if(endpoints.begin(), endpoints.end(),
                            [&](const auto& each) { return each.name == listener; });
  return named == endpoints.end() ? endpoints.front() : *named;
}

}  // namespace longhaul::broker::metadata
