// Envelope (KIP-590): a client's request that another broker forwards, as Apache Kafka's do. Ours
// ask the active controller themselves (broker/metadata/controller_client.h), since there is no
// client yet whose name would matter; what comes in an envelope goes the same way from here on.
#include "protocol/messages/envelope.h"

#include <arpa/inet.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/handlers/dispatcher.h"
#include "broker/handlers/handlers.h"
#include "broker/metadata/leader_requests.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/default_principal_data.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/remove_raft_voter.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ApiKey;
using protocol::EnvelopeRequest;
using protocol::EnvelopeResponse;
using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;

/// Longer than any name of a certificate; it is kept for as long as the request is.
constexpr size_t kMaxPrincipal = 32'767;

/// An API that may be forwarded. Whoever forwards looks for another controller if the envelope's
/// own error says so, not what is in it.
struct Forwardable {
  ApiKey key;
  bool (*is_elsewhere)(base::ByteView frame, int16_t version);
};

template <class Response>
bool is_elsewhere(base::ByteView frame, int16_t version) {
  auto body = protocol::parse_response(frame, *protocol::find_api(Response::kApiKey), version);
  if (!body) return false;
  auto response = Response::decode(*body, version);
  return response && metadata::error_in(*response) == ErrorCode::kNotController;
}

template <class Response>
constexpr Forwardable forwardable() {
  return {Response::kApiKey, is_elsewhere<Response>};
}

/// Kafka's, without what is not served here.
constexpr Forwardable kForwardable[] = {
    forwardable<protocol::CreateTopicsResponse>(),
    forwardable<protocol::DeleteTopicsResponse>(),
    forwardable<protocol::AlterConfigsResponse>(),
    forwardable<protocol::CreatePartitionsResponse>(),
    forwardable<protocol::ElectLeadersResponse>(),
    forwardable<protocol::IncrementalAlterConfigsResponse>(),
    forwardable<protocol::AlterPartitionReassignmentsResponse>(),
    forwardable<protocol::ListPartitionReassignmentsResponse>(),
    forwardable<protocol::DescribeQuorumResponse>(),
    forwardable<protocol::UpdateFeaturesResponse>(),
    forwardable<protocol::UnregisterBrokerResponse>(),
    forwardable<protocol::AllocateProducerIdsResponse>(),
    forwardable<protocol::AddRaftVoterResponse>(),
    forwardable<protocol::RemoveRaftVoterResponse>(),
};

void respond(Call& call, ErrorCode error) {
  EnvelopeResponse response;
  response.error_code = error;
  call.respond(response);
}

/// Puts the answer into an envelope of its own.
class EnvelopeAnswer final : public net::ReplySink {
 public:
  EnvelopeAnswer(Call call, const Forwardable& api, int16_t version)
      : call_(std::move(call)), api_(api), version_(version) {}

  void deliver(uint64_t, net::Outcome outcome) override {
    // What would close a client's connection: it could not be read.
    if (outcome.kind != net::Outcome::Kind::kResponse)
      return respond(call_, ErrorCode::kUnsupportedVersion);
    base::ByteView frame = base::ByteView(outcome.response.head).subspan(sizeof(int32_t));
    if (api_.is_elsewhere(frame, version_)) return respond(call_, ErrorCode::kNotController);
    EnvelopeResponse response;
    response.response_data.emplace(frame.begin(), frame.end());
    call_.respond(response);
  }

 private:
  Call call_;
  const Forwardable& api_;
  int16_t version_;
};

/// As DefaultKafkaPrincipalBuilder writes it: a version, then the data in it.
KafkaResult<std::string> principal_of(const EnvelopeRequest& envelope) {
  auto refused = kafka_fail(ErrorCode::kPrincipalDeserializationFailure);
  if (!envelope.request_principal || envelope.request_principal->size() > kMaxPrincipal)
    return refused;
  base::Reader reader(*envelope.request_principal);
  int16_t version = reader.int16();
  if (!reader.ok() || version != protocol::DefaultPrincipalData::kMaxVersion) return refused;
  auto data = protocol::DefaultPrincipalData::decode(reader, version);
  if (!data || reader.remaining() > 0) return refused;
  return data->type + ":" + data->name;
}

KafkaResult<std::string> address_of(const EnvelopeRequest& envelope) {
  const base::Bytes& bytes = envelope.client_host_address;
  constexpr size_t kV4 = sizeof(in_addr), kV6 = sizeof(in6_addr);
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.size() != kV4 && bytes.size() != kV6) return kafka_fail(ErrorCode::kInvalidRequest);
  inet_ntop(bytes.size() == kV4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return std::string(text);
}

/// The request inside, as if its client had asked here.
KafkaResult<net::Request> unwrap(const Call& call, const EnvelopeRequest& envelope) {
  auto principal = principal_of(envelope);
  if (!principal) return tl::unexpected(principal.error());
  auto address = address_of(envelope);
  if (!address) return tl::unexpected(address.error());
  auto client = std::make_shared<net::ConnectionInfo>();
  client->id = call.request().connection()->id;
  client->listener = call.request().connection()->listener;
  client->controller_listener = true;
  client->client_host = std::move(*address);
  client->principal = std::move(*principal);
  auto request = net::Request::parse(net::FrameBuffer::copy_of(envelope.request_data),
                                     std::move(client), call.loop(), call.request().received_at());
  if (!request) return kafka_fail(ErrorCode::kUnsupportedVersion);
  return *std::move(request);
}

template <class Table>
auto find_in(const Table& table, ApiKey key) {
  auto found = std::find_if(std::begin(table), std::end(table),
                            [key](const auto& each) { return each.key == key; });
  return found == std::end(table) ? nullptr : &*found;
}

}  // namespace

void handle_envelope(Services& services, Call call) {
  auto envelope = call.decode<EnvelopeRequest>();
  if (!envelope) return;
  auto request = unwrap(call, *envelope);
  if (!request) return respond(call, request.error().code);
  const Forwardable* api = find_in(kForwardable, request->api_key());
  if (api == nullptr) return respond(call, ErrorCode::kInvalidRequest);
  int16_t version = request->api_version();
  if (version < request->api().min_version || version > request->api().max_stable_version())
    return respond(call, ErrorCode::kUnsupportedVersion);
  call.release_frame();
  auto answer = std::make_shared<EnvelopeAnswer>(std::move(call), *api, version);
  const ApiHandler* handler = find_in(api_handlers(), api->key);
  handler->handle(services, Call(*std::move(request), net::Reply(std::move(answer), 0)));
}

}  // namespace longhaul::broker::handlers
