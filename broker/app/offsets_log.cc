#include "broker/app/offsets_log.h"

#include "broker/handlers/auto_create.h"
#include "records/builder.h"

namespace longhaul::broker::app {
namespace {

using protocol::ErrorCode;

constexpr uint64_t kChunkBytes = 1 << 20;

protocol::KafkaResult<groups::LogChunk> read_chunk(const partition::ReplicaManager& replicas,
                                                   int32_t index, int64_t offset) {
  auto partition = replicas.find(handlers::kOffsetsTopic, index);
  if (!partition) return protocol::kafka_fail(ErrorCode::kNotLeaderOrFollower);
  int64_t from = std::max(offset, partition->log()->log_start_offset());
  // Up to the end: a new leader learns only from its followers' fetches that what the one before it
  // acknowledged is committed.
  auto fetched = partition->fetch({.offset = from,
                                   .max_bytes = kChunkBytes,
                                   .at_least_one_batch = true,
                                   .isolation = partition::Isolation::kLogEnd});
  if (!fetched) return tl::unexpected(std::move(fetched.error()));
  groups::LogChunk chunk;
  chunk.next_offset = from;
  chunk.at_end = fetched->slice.empty();
  if (chunk.at_end) return chunk;
  auto bytes = base::read_slice(fetched->slice);
  if (!bytes) return protocol::kafka_fail(ErrorCode::kKafkaStorageError, bytes.error().message);
  chunk.batches = std::move(*bytes);
  records::BatchWalker walker(chunk.batches);
  while (const records::BatchView* batch = walker.next()) {
    chunk.next_offset = batch->header.next_offset();
  }
  chunk.batches.resize(walker.position());
  if (chunk.next_offset > from) return chunk;
  return protocol::kafka_fail(ErrorCode::kCorruptMessage,
                              "no whole batch at offset " + std::to_string(from));
}

}  // namespace

void OffsetsLog::append(int32_t index, std::vector<groups::KeyValue> records,
                        base::Callback<void(ErrorCode)> done) {
  auto refuse = [&](ErrorCode why) {
    params_.loop.post([done = std::move(done), why]() mutable { done(why); });
  };
  auto partition = params_.replicas.find(handlers::kOffsetsTopic, index);
  if (!partition) return refuse(ErrorCode::kNotLeaderOrFollower);
  int64_t now = params_.clock.wall_ms();
  records::BatchBuilder builder({.codec = params_.codec});
  for (const groups::KeyValue& record : records) {
    std::optional<base::ByteView> value;
    if (record.value) value = *record.value;
    builder.append(now, base::ByteView(record.key), value);
  }
  base::Bytes batch = builder.build(codecs_);
  auto appended = partition->append(
      batch, {.acks_all = true, .origin = log::AppendOrigin::kCoordinator, .now_ms = now}, codecs_);
  if (!appended) return refuse(appended.error().code);
  auto held = std::make_shared<base::Callback<void(ErrorCode)>>(std::move(done));
  partition->await_commit(*appended, [&loop = params_.loop, held](ErrorCode outcome) {
    loop.post([held, outcome] { (*held)(outcome); });
  });
}

void OffsetsLog::read(int32_t index, int64_t offset,
                      base::Callback<void(protocol::KafkaResult<groups::LogChunk>)> done) {
  params_.workers.post([this, index, offset, done = std::move(done)]() mutable {
    auto chunk = read_chunk(params_.replicas, index, offset);
    params_.loop.post(
        [done = std::move(done), chunk = std::move(chunk)]() mutable { done(std::move(chunk)); });
  });
}

}  // namespace longhaul::broker::app
