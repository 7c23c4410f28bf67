#include "client/topic_client.h"

#include <algorithm>
#include <thread>

#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"
#include "records/builder.h"
#include "records/record.h"

namespace longhaul::client {
namespace {

using base::Errc;
using base::Result;
using protocol::ErrorCode;
using std::chrono::steady_clock;

/// Fetch and Produce by topic name: what every broker since 2.1 speaks.
constexpr int16_t kLastProduceByName = 12;
constexpr int16_t kLastFetchByName = 12;
constexpr auto kBetweenAttempts = std::chrono::milliseconds(50);
constexpr const char* kMayBeWritten = "the batch may or may not have been written";
constexpr size_t kLargestBatch = 256u << 20;  // plain bytes

/// The broker gave up after the batch was in its log.
bool may_be_written(ErrorCode code) {
  return code == ErrorCode::kRequestTimedOut || code == ErrorCode::kNotEnoughReplicasAfterAppend;
}

std::optional<base::ByteView> view(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return base::as_bytes(*text);
}
std::optional<std::string> text(const std::optional<base::ByteView>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(base::as_text(*bytes));
}

Message to_message(const records::Record& record) {
  Message out{record.offset, record.timestamp, text(record.key), text(record.value), {}};
  records::HeaderReader headers(record);
  while (auto header = headers.next())
    out.headers.push_back({std::string(header->key), text(header->value)});
  return out;
}

Result<void> read_batches(base::ByteView bytes, records::Codecs& codecs, int64_t from,
                          Fetched& out) {
  records::BatchWalker walker(bytes);
  base::Bytes scratch;
  while (const records::BatchView* batch = walker.next()) {
    out.next_offset = std::max(out.next_offset, batch->header.next_offset());
    if (batch->header.is_control()) continue;
    if (!records::crc_matches(batch->bytes))
      return base::fail(Errc::kCorrupt, "a batch with a wrong CRC at offset " +
                                            std::to_string(batch->header.base_offset));
    LH_ASSIGN(base::ByteView plain, records::plain_payload(codecs, batch->header, batch->payload(),
                                                           kLargestBatch, scratch));
    records::RecordReader reader(batch->header, plain);
    while (const records::Record* record = reader.next())
      if (record->offset >= from) out.messages.push_back(to_message(*record));
    if (reader.error()) return tl::unexpected<base::Error>(*reader.error());
  }
  if (walker.error()) return tl::unexpected<base::Error>(*walker.error());
  return {};
}

}  // namespace

uint32_t murmur2(std::string_view bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  auto size = static_cast<uint32_t>(bytes.size());
  uint32_t hash = 0x9747b28cu ^ size;
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    hash = (hash * kMultiplier) ^ (k * kMultiplier);
  }
  size_t rest = bytes.size() - i;
  if (rest > 2) hash ^= byte(i + 2) << 16;
  if (rest > 1) hash ^= byte(i + 1) << 8;
  if (rest > 0) hash = (hash ^ byte(i)) * kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ (hash >> 15);
}

TopicClient::TopicClient(Pool& pool, std::vector<Endpoint> bootstrap, std::string topic,
                         std::chrono::milliseconds patience)
    : pool_(pool),
      bootstrap_(std::move(bootstrap)),
      topic_(std::move(topic)),
      patience_(patience) {}

int32_t TopicClient::partition_for(std::string_view key, int32_t partitions) {
  return static_cast<int32_t>((murmur2(key) & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

Result<void> TopicClient::refresh() {
  protocol::MetadataRequest request;
  protocol::MetadataRequest::MetadataRequestTopic wanted;
  wanted.name = topic_;
  request.topics->push_back(std::move(wanted));
  request.allow_auto_topic_creation = false;
  base::Error last{Errc::kUnavailable, "there is no broker to ask"};
  for (const Endpoint& endpoint : bootstrap_) {
    auto reply = call_and_wait<protocol::MetadataResponse>(*pool_.to(endpoint), request);
    if (!reply) {
      last = reply.error();
      continue;
    }
    std::map<int32_t, Endpoint> brokers;
    for (const auto& broker : reply->message.brokers)
      brokers[broker.node_id] = {broker.host, static_cast<uint16_t>(broker.port)};
    leaders_.clear();
    for (const auto& topic : reply->message.topics) {
      if (topic.name != topic_) continue;
      if (topic.error_code != ErrorCode::kNone &&
          topic.error_code != ErrorCode::kLeaderNotAvailable)
        return tl::unexpected<base::Error>(broker_error(topic.error_code, topic_, std::nullopt));
      topic_id_ = topic.topic_id;
      partitions_ = static_cast<int32_t>(topic.partitions.size());
      for (const auto& partition : topic.partitions)
        if (auto broker = brokers.find(partition.leader_id); broker != brokers.end())
          leaders_[partition.partition_index] = {broker->second, partition.leader_epoch};
    }
    return {};
  }
  return tl::unexpected<base::Error>(std::move(last));
}

Result<int32_t> TopicClient::partitions() {
  if (partitions_ == 0) LH_TRY(refresh());
  return partitions_;
}

Result<TopicClient::Leader> TopicClient::leader(int32_t partition) {
  if (leaders_.empty()) LH_TRY(refresh());
  auto found = leaders_.find(partition);
  if (found != leaders_.end()) return found->second;
  if (partition < 0 || partition >= partitions_)
    return base::fail(Errc::kInvalidArgument,
                      topic_ + ": there is no partition " + std::to_string(partition));
  return base::fail(Errc::kUnavailable, topic_ + "-" + std::to_string(partition) + ": no leader");
}

template <class T, class Attempt>
Result<T> TopicClient::with_leader(int32_t partition, Attempt attempt) {
  auto end = steady_clock::now() + patience_;
  while (true) {
    Result<Leader> found = leader(partition);
    bool retry = !found && found.error().code == Errc::kUnavailable;
    Result<T> result = tl::unexpected<base::Error>(found ? base::Error{} : found.error());
    if (found) result = attempt(*found, retry);
    if (!retry || steady_clock::now() >= end) return result;
    leaders_.clear();
    std::this_thread::sleep_for(kBetweenAttempts);
  }
}

Result<int64_t> TopicClient::produce(int32_t partition, const std::vector<Message>& messages,
                                     records::Codec codec) {
  records::BatchOptions options;
  options.codec = codec;
  records::BatchBuilder builder(options);
  for (const Message& message : messages) {
    std::vector<records::RecordHeader> headers;
    for (const MessageHeader& header : message.headers)
      headers.push_back({header.name, view(header.value)});
    builder.append(message.timestamp, view(message.key), view(message.value), headers);
  }
  if (builder.count() == 0) return base::fail(Errc::kInvalidArgument, "nothing to write");
  auto batch = std::make_shared<base::Bytes>(builder.build(codecs_));
  return with_leader<int64_t>(partition, [&](const Leader& to, bool& retry) -> Result<int64_t> {
    protocol::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = static_cast<int32_t>(patience_.count());
    request.topic_data.push_back({topic_, topic_id_, {{partition, protocol::Records{*batch, 0}}}});
    auto reply = call_and_wait<protocol::ProduceResponse>(*pool_.to(to.endpoint),
                                                          std::move(request), kLastProduceByName);
    if (!reply) {
      leaders_.clear();
      return base::fail_in(kMayBeWritten, reply.error());
    }
    if (reply->message.responses.empty() || reply->message.responses[0].partition_responses.empty())
      return base::fail(Errc::kCorrupt, topic_ + ": the broker's answer leaves it out");
    const auto& answer = reply->message.responses[0].partition_responses[0];
    if (answer.error_code == ErrorCode::kNone) return answer.base_offset;
    base::Error error = broker_error(answer.error_code, topic_ + "-" + std::to_string(partition),
                                     answer.error_message);
    if (may_be_written(answer.error_code)) return base::fail_in(kMayBeWritten, error);
    retry = protocol::is_retriable(answer.error_code);
    return tl::unexpected<base::Error>(std::move(error));
  });
}

Result<Fetched> TopicClient::fetch(int32_t partition, int64_t offset,
                                   std::chrono::milliseconds wait, int32_t max_bytes) {
  return with_leader<Fetched>(partition, [&](const Leader& from, bool& retry) -> Result<Fetched> {
    protocol::FetchRequest request;
    request.max_wait_ms = static_cast<int32_t>(wait.count());
    request.min_bytes = 1;
    request.max_bytes = max_bytes;
    protocol::FetchRequest::FetchPartition wanted;
    wanted.partition = partition;
    wanted.current_leader_epoch = from.epoch;
    wanted.fetch_offset = offset;
    wanted.partition_max_bytes = max_bytes;
    request.topics.push_back({topic_, topic_id_, {wanted}});
    auto reply = call_and_wait<protocol::FetchResponse>(*pool_.to(from.endpoint),
                                                        std::move(request), kLastFetchByName);
    if (!reply) {
      retry = reply.error().code == Errc::kUnavailable;  // reading twice does no harm
      return tl::unexpected<base::Error>(reply.error());
    }
    std::string what = topic_ + "-" + std::to_string(partition);
    if (reply->message.error_code != ErrorCode::kNone)
      return tl::unexpected<base::Error>(
          broker_error(reply->message.error_code, what, std::nullopt));
    Fetched out{{}, offset, 0};
    for (const auto& topic : reply->message.responses)
      for (const auto& answer : topic.partitions) {
        retry = protocol::is_retriable(answer.error_code);
        if (answer.error_code == ErrorCode::kOffsetOutOfRange)
          return base::fail(Errc::kInvalidArgument,
                            what + ": there is no offset " + std::to_string(offset));
        if (answer.error_code != ErrorCode::kNone)
          return tl::unexpected<base::Error>(broker_error(answer.error_code, what, std::nullopt));
        out.high_watermark = answer.high_watermark;
        if (answer.records) LH_TRY(read_batches(answer.records->bytes, codecs_, offset, out));
      }
    return out;
  });
}

Result<int64_t> TopicClient::offset_for(int32_t partition, int64_t timestamp) {
  return with_leader<int64_t>(partition, [&](const Leader& at, bool& retry) -> Result<int64_t> {
    protocol::ListOffsetsRequest request;
    request.replica_id = -1;
    request.topics.push_back({topic_, {{partition, at.epoch, timestamp}}});
    auto reply =
        call_and_wait<protocol::ListOffsetsResponse>(*pool_.to(at.endpoint), std::move(request));
    if (!reply) {
      retry = reply.error().code == Errc::kUnavailable;
      return tl::unexpected<base::Error>(reply.error());
    }
    if (reply->message.topics.empty() || reply->message.topics[0].partitions.empty())
      return base::fail(Errc::kCorrupt, topic_ + ": the broker's answer leaves it out");
    const auto& answer = reply->message.topics[0].partitions[0];
    retry = protocol::is_retriable(answer.error_code);
    if (answer.error_code == ErrorCode::kNone) return answer.offset;
    return tl::unexpected<base::Error>(
        broker_error(answer.error_code, topic_ + "-" + std::to_string(partition), std::nullopt));
  });
}

}  // namespace longhaul::client
