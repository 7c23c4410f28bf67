// Envelope: requests that another broker forwards.
#include "protocol/messages/envelope.h"

#include "protocol/messages/alter_partition.h"
#include "protocol/messages/default_principal_data.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

class Envelope : public NodeFixture {
 protected:
  void SetUp() override {
    start();
    connection_->listener = "CONTROLLER";
    connection_->controller_listener = true;
  }

  static base::Bytes principal(const std::string& name) {
    protocol::DefaultPrincipalData data;
    data.type = "User";
    data.name = name;
    protocol::Encoder encoder;
    encoder.extend(sizeof(int16_t));  // the version
    EXPECT_TRUE(data.encode(encoder, 0));
    return encoder.take();
  }
  template <class Request>
  static protocol::EnvelopeRequest wrap(const Request& request, int16_t version) {
    protocol::Encoder encoder;
    EXPECT_TRUE(protocol::encode_request(encoder, request, version, 5, "a client"));
    base::Bytes frame = encoder.take();
    protocol::EnvelopeRequest envelope;
    envelope.request_data.assign(frame.begin() + 4, frame.end());
    envelope.request_principal = principal("somebody");
    envelope.client_host_address = {127, 0, 0, 9};
    return envelope;
  }
  static protocol::CreateTopicsRequest creation(const std::string& name) {
    protocol::CreateTopicsRequest request;
    request.topics.push_back({.name = name, .num_partitions = 1, .replication_factor = 1});
    request.timeout_ms = 10'000;
    return request;
  }
  ErrorCode error(const protocol::EnvelopeRequest& envelope) {
    auto response = ask<protocol::EnvelopeResponse>(envelope, 0);
    EXPECT_EQ(response.response_data.has_value(), response.error_code == ErrorCode::kNone);
    return response.error_code;
  }
};

TEST_F(Envelope, TheAnswerIsThatOfTheRequestInside) {
  const auto& api = *protocol::find_api(protocol::ApiKey::kCreateTopics);
  for (int16_t version = api.min_version; version <= api.max_stable_version(); ++version) {
    std::string name = "t" + std::to_string(version);
    auto envelope = wrap(creation(name), version);
    // An address of the other kind.
    if (version == api.min_version) envelope.client_host_address.assign(16, 1);
    auto response = ask<protocol::EnvelopeResponse>(envelope, 0);
    ASSERT_EQ(response.error_code, ErrorCode::kNone);
    ASSERT_TRUE(response.response_data);
    EXPECT_EQ(*protocol::peek_correlation_id(*response.response_data), 5);
    auto body = protocol::parse_response(*response.response_data, api, version);
    ASSERT_TRUE(body);
    auto inside = protocol::CreateTopicsResponse::decode(*body, version);
    ASSERT_TRUE(inside);
    EXPECT_EQ(inside->topics.at(0).name, name);
    EXPECT_EQ(inside->topics.at(0).error_code, ErrorCode::kNone);
  }
  // What is refused inside is so inside.
  EXPECT_EQ(error(wrap(creation("not a name"), 7)), ErrorCode::kNone);
}

TEST_F(Envelope, WhatIsNoRequestToForward) {
  auto envelope = wrap(protocol::AlterPartitionRequest(), 3);
  EXPECT_EQ(error(envelope), ErrorCode::kInvalidRequest) << "brokers ask that for themselves";
  EXPECT_EQ(error(wrap(wrap(creation("t"), 7), 0)), ErrorCode::kInvalidRequest);
  envelope = wrap(creation("t"), 7);
  envelope.request_data[3] = 99;
  EXPECT_EQ(error(envelope), ErrorCode::kUnsupportedVersion);
  envelope.request_data[0] = 0x70;
  EXPECT_EQ(error(envelope), ErrorCode::kUnsupportedVersion) << "no such API";
  envelope = wrap(creation("t"), 7);
  envelope.request_data.resize(envelope.request_data.size() - 7);
  EXPECT_EQ(error(envelope), ErrorCode::kUnsupportedVersion) << "cut off";
  envelope.request_data.clear();
  EXPECT_EQ(error(envelope), ErrorCode::kUnsupportedVersion);
}

TEST_F(Envelope, WhoAsksMustBeReadable) {
  auto envelope = wrap(creation("t"), 7);
  envelope.client_host_address = {1, 2, 3};
  EXPECT_EQ(error(envelope), ErrorCode::kInvalidRequest);
  envelope = wrap(creation("t"), 7);
  envelope.request_principal.reset();
  EXPECT_EQ(error(envelope), ErrorCode::kPrincipalDeserializationFailure);
  for (base::Bytes bytes :
       {base::Bytes{}, base::Bytes{0}, base::Bytes{0, 0}, base::Bytes{0, 1, 2, 'U', 2, 'a', 0, 0},
        base::Bytes{0, 0, 2, 'U', 2, 'a', 0, 0, 0}, base::Bytes{0, 0, 2, 'U', 90, 'a', 0, 0},
        principal(std::string(32'767, 'x'))}) {
    envelope.request_principal = std::move(bytes);
    EXPECT_EQ(error(envelope), ErrorCode::kPrincipalDeserializationFailure);
  }
  envelope.request_principal = base::Bytes{0, 0, 2, 'U', 2, 'a', 0, 0};
  EXPECT_EQ(error(envelope), ErrorCode::kNone);
}

TEST_F(Envelope, OnlyControllersTakeThem) {
  connection_->listener = "PLAINTEXT";
  connection_->controller_listener = false;
  uint64_t sequence = send(wrap(creation("t"), 7), 0);
  run();
  EXPECT_NE(closed(sequence), "");
}

}  // namespace
}  // namespace longhaul::broker::handlers
