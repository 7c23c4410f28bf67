// Requests of the quorum to other nodes, over connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/metadata/image.h"
#include "broker/raft/messages.h"
#include "broker/raft/wire.h"
#include "client/channel.h"
#include "client/endpoint.h"

namespace longhaul::broker::metadata {

/// Where the leader of an epoch listens, as somebody told.
struct LeaderAddress {
  int32_t epoch = -1;
  int32_t id = -1;
  client::Endpoint endpoint;
};

/// What another node answered.
struct QuorumReply {
  raft::Response response;
  std::optional<LeaderAddress> leader;
};

/// Asks by Kafka's RPC for `request`. `done` runs once, on the channel's thread. Batches that were
/// fetched have their checksum checked; what is wrong with an answer is an error like that of a
/// connection.
void ask(client::Channel& channel, const raft::Request& request, const raft::Sender& sender,
         base::Callback<void(base::Result<QuorumReply>)> done);

/// The range of kraft.version that a node supports, by ApiVersions: 0 to 0 if it does not say.
/// `done` as above.
void ask_kraft_versions(client::Channel& channel,
                        base::Callback<void(base::Result<FeatureRange>)> done);

/// Whole batches at the beginning of `bytes`. kCorrupt.
base::Result<std::vector<raft::Batch>> fetched_batches(base::ByteView bytes);

/// Who listens where: for a voter its VotersRecord says it, or its own word as a leader.
class AddressBook {
 public:
  /// `bootstrap` may know the leader; `listener` is the name of the endpoints to use.
  AddressBook(std::vector<client::Endpoint> bootstrap, std::string listener)
      : bootstrap_(std::move(bootstrap)), listener_(std::move(listener)) {}

  void note(LeaderAddress leader);
  std::optional<client::Endpoint> find(int32_t id, int32_t epoch,
                                       const raft::VoterSet& voters) const;
  /// One after the other.
  std::optional<client::Endpoint> next_bootstrap();

 private:
  std::vector<client::Endpoint> bootstrap_;
  std::string listener_;
  size_t next_ = 0;
  LeaderAddress leader_;
};

/// Of a voter's endpoints the one with this name, else the first.
std::optional<raft::Endpoint> endpoint_at(const std::vector<raft::Endpoint>& endpoints,
                                          const std::string& listener);

}  // namespace longhaul::broker::metadata
