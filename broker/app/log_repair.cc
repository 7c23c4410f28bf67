#include "broker/app/log_repair.h"

#include <algorithm>

#include "records/batch.h"

namespace longhaul::broker::app {

using base::Errc;
using protocol::FetchRequest;

namespace {

/// Who has more of them has lost a disk, and the next look finds them again.
constexpr size_t kMostJobs = 1000;
constexpr int32_t kFetchBytes = 1 << 20;
constexpr size_t kMostBytes = 64u << 20;

}  // namespace

void LogRepair::repair(std::shared_ptr<log::Log> log, log::Damage damage) {
  params_.loop.post([self = shared_from_this(), log = std::move(log), damage = std::move(damage)] {
    if (self->stopped_ || self->jobs_.size() >= kMostJobs) return;
    self->jobs_.push_back({log, damage});
    if (self->jobs_.size() == 1) self->begin();
  });
}

void LogRepair::stop() {
  stopped_ = true;
  jobs_.clear();
}

void LogRepair::begin() {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  const auto& id = job.log->id();
  auto image = params_.image.load();
  const metadata::Partition* partition = image->partition(id.topic, id.partition);
  if (partition) job.peers = partition->isr;
  std::erase(job.peers, params_.broker_id);
  std::stable_partition(job.peers.begin(), job.peers.end(),
                        [&](int32_t peer) { return peer != partition->leader; });
  job.next = job.damage.offset;
  ask();
}

void LogRepair::ask() {
  Job& job = jobs_.front();
  const auto& id = job.log->id();
  if (job.peers.empty()) {
    params_.logger.error("{} stays damaged at offset {}: no in-sync replica could mend it",
                         id.to_string(), job.damage.offset);
    return done();
  }
  auto channel = params_.channel(job.peers.back());
  if (!channel) return next_peer("its address is not known");
  FetchRequest request;
  request.max_bytes = kFetchBytes;
  request.topics.push_back({.topic = id.topic, .topic_id = job.log->topic_id()});
  request.topics[0].partitions.push_back(
      {.partition = id.partition, .fetch_offset = job.next, .partition_max_bytes = kFetchBytes});
  client::call<FetchResponse>(
      *channel, std::move(request),
      [self = shared_from_this()](base::Result<client::Reply<FetchResponse>> reply) {
        auto kept = std::make_shared<decltype(reply)>(std::move(reply));
        self->params_.loop.post([self, kept] { self->answered(*kept); });
      });
}

void LogRepair::answered(const base::Result<client::Reply<FetchResponse>>& reply) {
  if (stopped_) return;
  if (!reply) return next_peer(reply.error().message);
  if (auto taken = take(reply->message); !taken) return next_peer(taken.error().message);
  Job& job = jobs_.front();
  params_.workers.post(
      [self = shared_from_this(), log = job.log, damage = job.damage, batches = job.batches] {
        auto fits = log->repair(damage, batches);
        self->params_.loop.post([self, fits] { self->tried(fits); });
      });
}

/// The whole batches of the answer join what there is.
base::Result<void> LogRepair::take(const FetchResponse& response) {
  Job& job = jobs_.front();
  if (response.responses.size() != 1 || response.responses[0].partitions.size() != 1)
    return base::fail(Errc::kCorrupt, "an answer without the partition");
  const auto& data = response.responses[0].partitions[0];
  if (data.error_code != protocol::ErrorCode::kNone)
    return base::fail(Errc::kUnavailable, std::string(protocol::name(data.error_code)));
  base::ByteView bytes = data.records ? data.records->bytes : base::ByteView{};
  records::BatchWalker walker(bytes);
  int64_t next = job.next;
  while (const records::BatchView* batch = walker.next()) next = batch->header.next_offset();
  if (walker.position() == 0 || next <= job.next)
    return base::fail(Errc::kCorrupt, "there is nothing at offset " + std::to_string(job.next));
  if (job.batches.size() + walker.position() > kMostBytes)
    return base::fail(Errc::kConflict, "where its batches and ours come together is too far away");
  job.batches.insert(job.batches.end(), bytes.begin(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(walker.position()));
  job.next = next;
  return {};
}

void LogRepair::tried(const base::Result<bool>& fits) {
  if (stopped_) return;
  if (!fits) return next_peer(fits.error().message);
  if (!*fits) return ask();
  const Job& job = jobs_.front();
  params_.logger.warn("{} is mended at offset {}, by {} bytes from broker {}",
                      job.log->id().to_string(), job.damage.offset, job.batches.size(),
                      job.peers.back());
  done();
}

void LogRepair::next_peer(const std::string& why) {
  Job& job = jobs_.front();
  params_.logger.warn("{}: broker {} cannot mend offset {}: {}", job.log->id().to_string(),
                      job.peers.back(), job.damage.offset, why);
  job.peers.pop_back();
  job.batches.clear();
  job.next = job.damage.offset;
  ask();
}

void LogRepair::done() {
  jobs_.pop_front();
  begin();
}

}  // namespace longhaul::broker::app
