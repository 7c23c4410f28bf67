#include "broker/metadata/node.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/log/log_result.h"
#include "broker/metadata/eligible_replicas.h"

namespace longhaul::broker::metadata {

using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds kActivateAgain{1};

}  // namespace

MetadataNode::MetadataNode(Params params)
    : params_(std::move(params)),
      loader_(params_.log->snapshot().image),
      published_(params_.log->snapshot().id.offset),
      snapshot_offset_(params_.log->snapshot().id.offset) {}

std::shared_ptr<MetadataNode> MetadataNode::create(Params params) {
  std::shared_ptr<MetadataNode> node(new MetadataNode(std::move(params)));
  node->wire();
  return node;
}

void MetadataNode::wire() {
  QuorumDriver::Params driver;
  driver.loop = params_.loop;
  driver.io = params_.io;
  driver.clock = params_.clock;
  driver.random = params_.random;
  driver.logger = params_.logger;
  driver.log = params_.log;
  driver.self = params_.self;
  driver.cluster_id = params_.settings.cluster_id;
  driver.network = params_.network;
  driver.on_role = [this](const raft::RoleChange& change) { role_changed(change); };
  driver.on_committed = [this](int64_t offset) { committed(offset); };
  driver.on_snapshot = [this](const Snapshot& snapshot) { snapshot_taken_over(snapshot); };
  driver.on_fatal = [this](const base::Error& error) { fatal(error); };
  driver_ = std::make_shared<QuorumDriver>(std::move(driver));

  ActiveController::Params controller;
  controller.loop = params_.loop;
  controller.clock = params_.clock;
  controller.random = params_.random;
  controller.driver = driver_.get();
  controller.settings = params_.settings;
  controller.configs = params_.configs;
  controller.logger = params_.logger;
  controller.upkeep = params_.upkeep;
  controller.reach = params_.reach;
  controller_ = std::make_unique<ActiveController>(std::move(controller));

  LeaderRequests::Params requests;
  requests.loop = params_.loop;
  requests.clock = params_.clock;
  requests.retry = params_.network.timeouts.retry;
  requests.is_leader = [this] { return driver_->raft().is_leader(); };
  requests.connect = [this]() -> std::shared_ptr<client::Channel> {
    auto leader = driver_->raft().leader();
    auto address = leader ? driver_->address_of(*leader) : std::nullopt;
    return address && params_.connect_controller ? params_.connect_controller(*address) : nullptr;
  };
  leader_requests_ = std::make_shared<LeaderRequests>(std::move(requests));
}

void MetadataNode::start(std::vector<raft::Endpoint> endpoints) {
  driver_->start(std::move(endpoints));
  arm_snapshot_timer();
}

void MetadataNode::stop(base::Task done) {
  stopping_ = true;
  params_.loop->cancel(snapshot_timer_);
  leader_requests_->stop();
  controller_->stop();
  auto held = std::make_shared<base::Task>(std::move(done));
  base::Task close = [self = shared_from_this(), held] {
    self->driver_->stop([self, held] {
      auto closed = self->params_.log->close();
      if (!closed) self->params_.logger.error("closing the log: {}", closed.error().message);
      (*held)();
    });
  };
  if (snapshotting_) {
    after_snapshot_ = std::move(close);
  } else {
    close();
  }
}

void MetadataNode::role_changed(const raft::RoleChange& change) {
  params_.logger.info("{} in epoch {}, leader {}", raft::role_name(change.role), change.epoch,
                      change.leader.value_or(-1));
  bool is_another = leader_id_.exchange(change.leader.value_or(-1)) != change.leader.value_or(-1);
  if (change.role != raft::Role::kLeader) controller_->deactivate();
  if (is_another) leader_requests_->leader_changed();
}

void MetadataNode::committed(int64_t high_watermark) {
  if (failed_ || stopping_) return;
  if (auto done = publish_up_to(high_watermark); !done) return fatal(done.error());
  controller_->committed(high_watermark);
  activate_if_ready();
  snapshot_if_due();
}

/// Everything before it is gone: the first image that follows is one change from the last one.
void MetadataNode::snapshot_taken_over(const Snapshot& snapshot) {
  if (failed_ || stopping_) return;
  loader_ = ImageLoader(snapshot.image);
  published_ = snapshot_offset_ = snapshot.id.offset;
  bytes_since_snapshot_ = 0;
  Shared<MetadataImage> before = images_.current();
  publish({before, snapshot.image, changes_between(*before, *snapshot.image)}, 0);
}

base::Result<void> MetadataNode::publish_up_to(int64_t high_watermark) {
  while (published_ < high_watermark) {
    const InFlight* oldest = controller_->oldest();
    if (oldest == nullptr || oldest->where.base_offset > published_) {
      LH_TRY(publish_from_log(oldest == nullptr
                                  ? high_watermark
                                  : std::min(high_watermark, oldest->where.base_offset)));
      continue;
    }
    if (oldest->where.next_offset > high_watermark) break;
    InFlight next = controller_->take_oldest();
    published_ = next.where.next_offset;
    loader_ = ImageLoader(next.step.after);
    publish(next.step, next.where.size_bytes);
  }
  return {};
}

base::Result<void> MetadataNode::publish_from_log(int64_t end) {
  size_t bytes = 0;
  while (published_ < end) {
    LH_ASSIGN(auto batches, params_.log->read(published_, end));
    if (batches.empty())
      return base::fail(base::Errc::kCorrupt, "the metadata log ends before its high watermark");
    for (const LogBatch& batch : batches) {
      LH_TRY(loader_.add(batch.entries, batch.epoch, batch.timestamp_ms));
      bytes += batch.size_bytes;
    }
    published_ = batches.back().next_offset;
  }
  LH_ASSIGN(auto step, loader_.step());
  if (step) {
    publish(*step, bytes);
  } else if (loader_.image()->provenance.offset > 0 && images_.current()->provenance.offset == 0) {
    publish({loader_.image(), loader_.image(), {}}, bytes);  // the snapshot alone
  }
  return {};
}

void MetadataNode::publish(const ImageStep& step, size_t bytes) {
  bytes_since_snapshot_ += bytes;
  if (images_.current()->provenance.offset == 0) {
    // What the snapshot held was never published: the first image is one change from nothing.
    images_.publish(std::make_shared<const MetadataImage>(), step.after, all_of(*step.after));
  } else {
    images_.publish(step.before, step.after, step.changes);
  }
}

void MetadataNode::activate_if_ready() {
  const raft::Raft& raft = driver_->raft();
  if (!raft.is_leader() || controller_->is_active() || published_ < raft.end_offset()) return;
  MetadataRecords first;
  // Another leader's transaction that it could not end (KIP-868).
  if (loader_.in_transaction()) first.emplace_back(protocol::AbortTransactionRecord{});
  Shared<MetadataImage> image = loader_.image();
  bool is_new = image->features.empty();
  if (is_new) {
    first.insert(first.end(), params_.bootstrap.begin(), params_.bootstrap.end());
    if (finalizes_eligible_replicas(params_.bootstrap))
      append_min_insync_records(*image, *params_.configs, first);
  }
  if (auto done = controller_->activate(std::move(image), first); !done)
    return not_activated(done.error());
  params_.logger.info("active controller in epoch {}{}", raft.epoch(),
                      is_new ? ", of a new cluster" : "");
}

/// Where only room is short somebody else takes the lead, or it is tried again.
void MetadataNode::not_activated(const base::Error& why) {
  if (!log::is_shortage(why) || params_.log->is_offline()) return fatal(why);
  controller_->deactivate();
  params_.loop->after(kActivateAgain, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self && !self->failed_ && !self->stopping_) self->activate_if_ready();
  });
}

void MetadataNode::snapshot_if_due() {
  if (bytes_since_snapshot_ >= static_cast<size_t>(params_.log_options.snapshot_after_bytes))
    write_snapshot(/*roll=*/true);
}

void MetadataNode::snapshot_now() { write_snapshot(/*roll=*/false); }

void MetadataNode::write_snapshot(bool roll) {
  Shared<MetadataImage> image = images_.current();
  if (snapshotting_ || stopping_ || image->provenance.offset <= snapshot_offset_) return;
  snapshotting_ = true;
  bytes_since_snapshot_ = 0;
  if (auto done = roll ? params_.log->roll() : base::Result<void>(); !done)
    params_.logger.warn("rolling the metadata log: {}", done.error().message);
  params_.io->post([weak = weak_from_this(), loop = params_.loop, log = params_.log, image,
                    voters = driver_->raft().voters().before(image->provenance.offset)] {
    loop->post([weak, id = image->provenance, result = log->write_snapshot(*image, voters)] {
      if (auto self = weak.lock()) self->snapshot_written(id, result);
    });
  });
}

void MetadataNode::snapshot_written(const raft::OffsetAndEpoch& id,
                                    const base::Result<void>& result) {
  snapshotting_ = false;
  if (result) snapshot_offset_ = std::max(snapshot_offset_, id.offset);
  base::Result<int64_t> start = 0;
  if (result && !stopping_) start = params_.log->clean();
  if (!result || !start) {
    params_.logger.error("snapshot of the metadata: {}",
                         result ? start.error().message : result.error().message);
  } else if (!stopping_) {
    driver_->snapshot_written(id, *start);
    params_.logger.info("snapshot of the metadata up to offset {}, log begins at {}", id.offset,
                        *start);
  }
  if (after_snapshot_) std::exchange(after_snapshot_, {})();
}

void MetadataNode::arm_snapshot_timer() {
  if (params_.log_options.snapshot_after_ms <= 0) return;
  snapshot_timer_ = params_.loop->after(milliseconds(params_.log_options.snapshot_after_ms),
                                        [weak = weak_from_this()] {
                                          auto self = weak.lock();
                                          if (self == nullptr) return;
                                          self->snapshot_now();
                                          self->arm_snapshot_timer();
                                        });
}

void MetadataNode::fatal(const base::Error& error) {
  if (std::exchange(failed_, true)) return;
  leader_requests_->stop();
  controller_->stop();
  params_.on_fatal(error);
}

}  // namespace longhaul::broker::metadata
