#include "tests/broker/replication/replica_set.h"

#include <fmt/format.h>

#include "protocol/frame.h"
#include "protocol/messages/list_offsets.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::replication {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

const base::Uuid kTopic = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
constexpr sim::Time kLatency{300};
constexpr const char* kNames[] = {"", "broker 1", "broker 2", "broker 3"};
constexpr int64_t kFirstTimestamp = 1'700'000'000'000;

std::shared_ptr<partition::TopicSettings> settings(bool on_disk) {
  auto settings = std::make_shared<partition::TopicSettings>();
  settings->min_insync_replicas = 2;
  settings->on_disk = on_disk;
  settings->follower_throttled = partition::ThrottledReplicas({"*"});
  settings->log.segment_bytes = 2000;  // so that cuts and recovery cross segments
  return settings;
}

FetchResponse::PartitionData read(partition::Partition& partition,
                                  const FetchRequest::FetchPartition& wanted,
                                  const FetchRequest::ReplicaState& replica, base::Bytes& kept) {
  FetchResponse::PartitionData data;
  data.partition_index = wanted.partition;
  data.records = protocol::Records{};
  auto result =
      partition.fetch({.offset = wanted.fetch_offset,
                       .max_bytes = 300,
                       .at_least_one_batch = true,
                       .current_leader_epoch = wanted.current_leader_epoch,
                       .last_fetched_epoch = wanted.last_fetched_epoch,
                       .isolation = partition::Isolation::kLogEnd,
                       .follower = partition::Follower{replica.replica_id, replica.replica_epoch,
                                                       wanted.log_start_offset}});
  if (!result) {
    data.error_code = result.error().code;
    return data;
  }
  data.high_watermark = result->high_watermark;
  data.log_start_offset = result->log_start_offset;
  if (result->diverging) {
    data.diverging_epoch = {result->diverging->epoch, result->diverging->end_offset};
    return data;
  }
  auto bytes = base::read_slice(result->slice);
  EXPECT_TRUE(bytes);
  if (bytes) kept = std::move(*bytes);
  data.records->bytes = kept;
  return data;
}

ListOffsetsResponse offsets(partition::Partition& partition, const ListOffsetsRequest& request) {
  const auto& wanted = request.topics.at(0).partitions.at(0);
  ListOffsetsResponse response;
  auto& answer = response.topics.emplace_back().partitions.emplace_back();
  answer.error_code = partition.check_leader(wanted.current_leader_epoch);
  const log::Log& log = *partition.log();
  answer.offset = wanted.timestamp == -1 ? log.log_end_offset() : log.log_start_offset();
  return response;
}

}  // namespace

/// What one broker sends to another, and what comes back. A lost message ends the connection, as
/// TCP does when it gives up.
class Wire final : public client::Channel, public std::enable_shared_from_this<Wire> {
 public:
  Wire(ReplicaSet& set, const void* owner, int32_t from, int32_t to)
      : set_(set), owner_(owner), from_(from), to_(to) {}

  void send(client::RawRequest request, Answer answer) override {
    int16_t version = request.api->max_stable_version();
    protocol::Encoder encoder;
    EXPECT_TRUE(request.encode(encoder, version, 1));
    auto bytes = std::make_shared<base::Bytes>(encoder.take());
    auto owed = std::make_shared<Answer>(std::move(answer));
    if (set_.is_cut(from_, to_) || !set_.is_up(to_)) return give_up(owed);
    later([self = shared_from_this(), bytes, owed] { self->arrived(*bytes, owed); });
  }
  bool is_open() const override { return true; }
  void close() override {}

 private:
  void later(base::Task task) {
    set_.simulation.after(set_.simulation.some_delay(kLatency), owner_, std::move(task));
  }
  void give_up(const std::shared_ptr<Answer>& owed) {
    ++set_.counts["lost messages"];
    set_.simulation.after(100ms, owner_, [self = shared_from_this(), owed] {
      (*owed)(base::fail(base::Errc::kUnavailable, "lost"));
    });
  }
  void arrived(const base::Bytes& bytes, const std::shared_ptr<Answer>& owed) {
    Replica* target = set_.replica(to_);
    if (!target) return give_up(owed);
    auto frame = protocol::parse_request(base::ByteView(bytes).subspan(4));
    ASSERT_TRUE(frame);
    if (frame->api->key == protocol::ApiKey::kFetch) {
      auto request = FetchRequest::decode(frame->body, frame->version);
      ASSERT_TRUE(request);
      fetch(*target, *request, frame->version, owed);
    } else {
      auto request = ListOffsetsRequest::decode(frame->body, frame->version);
      ASSERT_TRUE(request);
      reply(offsets(target->partition(), *request), frame->version, owed);
    }
  }
  // Every request is answered as if it were a full one: the session is tested elsewhere.
  void fetch(Replica& target, const FetchRequest& request, int16_t version,
             const std::shared_ptr<Answer>& owed) {
    if (request.session_epoch != 0) {
      FetchResponse response;
      response.error_code = ErrorCode::kFetchSessionIdNotFound;
      return reply(response, version, owed);
    }
    FetchResponse response;
    base::Bytes kept;
    const auto& topic = request.topics.at(0);
    response.responses.push_back({.topic_id = topic.topic_id});
    response.responses[0].partitions.push_back(
        read(target.partition(), topic.partitions.at(0), request.replica_state, kept));
    reply(response, version, owed);
  }
  template <class Response>
  void reply(const Response& response, int16_t version, const std::shared_ptr<Answer>& owed) {
    protocol::Encoder encoder;
    ASSERT_TRUE(response.encode(encoder, version));
    auto body = std::make_shared<const base::Bytes>(encoder.take());
    if (set_.is_cut(from_, to_) || set_.simulation.chance(1)) return give_up(owed);
    later([self = shared_from_this(), body, version, owed] {
      (*owed)(client::RawReply{body, *body, version});
    });
  }

  ReplicaSet& set_;
  const void* owner_;  // whose end is the end of all that is on its way
  const int32_t from_, to_;
};

Replica::Replica(ReplicaSet& set, int32_t broker_id, int64_t broker_epoch,
                 base::MemoryFileSystem& files)
    : id(broker_id),
      epoch(broker_epoch),
      set_(set),
      loop_(set.simulation, sim::Time(20)),
      workers_(set.simulation, sim::Time(200)),
      surroundings_{broker_id, set.clock, *this, proposals_, ReplicaSet::kMaxLag, workers_} {
  log::Log::Params params{&files, &set.clock, base::Logger(set.lines, "log")};
  params.path = "/data/t-0";
  params.id = {"t", 0};
  params.topic_id = kTopic;
  params.config = std::make_shared<log::LogConfig>();
  params.write_checkpoints = [] { return base::Result<void>(); };
  auto opened = log::Log::open(std::move(params));
  EXPECT_TRUE(opened) << opened.error().message;
  partition_ =
      std::make_shared<partition::Partition>(surroundings_, *opened, settings(set.on_disk));
  proposals_.updater = &updater_;
  updater_ = partition::IsrUpdater::create(
      {.loop = &loop_,
       .broker_id = id,
       .broker_epoch = [this] { return epoch; },
       .send =
           [this](const protocol::AlterPartitionRequest& request,
                  partition::IsrUpdater::Answer answer) {
             sim::Time there = set_.simulation.some_delay(kLatency);
             set_.simulation.after(there, &loop_, [this, request, answer] {
               auto response = set_.alter(request);
               sim::Time back = set_.simulation.some_delay(kLatency);
               if (set_.simulation.chance(5)) {  // decided, but we do not hear of it
                 response = {};
                 response.error_code = ErrorCode::kRequestTimedOut;
               }
               set_.simulation.after(back, &loop_, [answer, response] { answer(response); });
             });
           },
       .find = [this](const log::TopicPartition&) { return partition_; }});
  fetchers_ = std::make_unique<FetcherManager>(FetcherManager::Params{
      .loops = {&loop_},
      .workers = &workers_,
      .clock = &set.clock,
      .logger = base::Logger(set.lines, kNames[id]),
      .broker_id = id,
      .broker_epoch = [this] { return epoch; },
      .channel = [this](int32_t leader,
                        size_t) { return std::make_shared<Wire>(set_, &loop_, id, leader); },
      .settings = {.backoff = 50ms},
      .quota = &set.quota});
}

Replica::~Replica() {
  updater_->stop();
  fetchers_->stop([] {});
  set_.simulation.cancel_all(&loop_);
  workers_.stop();
  loop_.stop();
  partition_->stop();
}

std::optional<int64_t> Replica::epoch_of(int32_t broker_id) const {
  auto found = set_.live_.find(broker_id);
  return found == set_.live_.end() ? std::nullopt : std::optional<int64_t>(found->second);
}

void Replica::take_up(const metadata::Partition& state) {
  if (state.partition_epoch <= partition_epoch_) return;  // came in another order
  partition_epoch_ = state.partition_epoch;
  int32_t before = partition_->leader_epoch();
  partition_->apply(state);
  if (state.leader_epoch == before) return;
  if (state.leader >= 0 && state.leader != id) {
    fetchers_->follow({{partition_, state.leader, state.leader_epoch}});
  } else {
    fetchers_->unfollow(*partition_);
  }
}

ReplicaSet::ReplicaSet(uint64_t seed, bool is_on_disk) : simulation(seed), on_disk(is_on_disk) {
  for (int32_t id = 1; id <= kBrokers; ++id) {
    disks_[id] = std::make_unique<base::MemoryFileSystem>();
    EXPECT_TRUE(disks_[id]->create_directories("/data"));
    EXPECT_TRUE(disks_[id]->sync_directory("/"));
    state_.replicas.push_back(id);
    state_.isr.push_back(id);
  }
  state_.leader = 1;
  for (int32_t id = 1; id <= kBrokers; ++id) start(id);
}

ReplicaSet::~ReplicaSet() { replicas_.clear(); }

Replica* ReplicaSet::replica(int32_t id) {
  auto found = replicas_.find(id);
  return found == replicas_.end() ? nullptr : found->second.get();
}

bool ReplicaSet::is_in_sync(int32_t id) const {
  return std::find(state_.isr.begin(), state_.isr.end(), id) != state_.isr.end();
}

bool ReplicaSet::is_cut(int32_t a, int32_t b) const {
  auto found = cut_until_.find(std::minmax(a, b));
  return found != cut_until_.end() && found->second > simulation.now();
}

void ReplicaSet::cut(int32_t a, int32_t b, sim::Time span) {
  ++counts["cuts"];
  cut_until_[std::minmax(a, b)] = simulation.now() + span;
}

void ReplicaSet::start(int32_t id) {
  if (is_up(id)) return;
  int64_t epoch = ++last_epoch_;
  replicas_[id] = std::make_shared<Replica>(*this, id, epoch, *disks_[id]);
  // Registered: an earlier run of it is over, whatever was noticed of that.
  fence(id);
  simulation.after(simulation.some_delay(10ms), &controller_, [this, id, epoch] {
    Replica* replica = this->replica(id);
    if (!replica || replica->epoch != epoch) return;
    live_[id] = epoch;
    elect_and_publish();
  });
}

void ReplicaSet::crash(int32_t id, base::CrashMode mode) {
  ++counts[mode == base::CrashMode::kKeepAll ? "kills" : "power failures"];
  replicas_.erase(id);
  disks_[id]->crash(mode, simulation.random());
  if (mode != base::CrashMode::kKeepAll) return fence(id);  // before anybody may elect it again
  simulation.after(simulation.some_delay(100ms), &controller_, [this, id] {
    if (!is_up(id)) fence(id);
  });
}

void ReplicaSet::fence(int32_t id) {
  if (live_.erase(id) > 0) ++counts["fencings"];
  if (state_.isr.size() > 1) std::erase(state_.isr, id);
  elect_and_publish();
}

void ReplicaSet::prefer(int32_t id) {
  if (!live_.contains(id) || !is_in_sync(id) || state_.leader == id) return;
  ++counts["moves of the lead"];
  ++state_.leader_epoch;
  state_.leader = id;
  elect_and_publish();
}

// Clean elections only: of live members of the ISR.
void ReplicaSet::elect_and_publish() {
  bool stays = live_.contains(state_.leader) && is_in_sync(state_.leader);
  if (!stays) {
    int32_t next = -1;
    for (int32_t id : state_.isr) {
      if (live_.contains(id)) next = id;
    }
    if (next != state_.leader || next >= 0) ++state_.leader_epoch;
    if (next >= 0) ++counts["elections"];
    state_.leader = next;
  }
  ++state_.partition_epoch;
  for (const auto& [id, replica] : replicas_) {
    std::weak_ptr<Replica> weak = replica;
    simulation.after(simulation.some_delay(2ms), &controller_, [weak, state = state_] {
      if (auto alive = weak.lock()) alive->take_up(state);
    });
  }
}

ReplicaSet::AlterPartitionResponse ReplicaSet::alter(const AlterPartitionRequest& request) {
  AlterPartitionResponse response;
  auto from = live_.find(request.broker_id);
  if (from == live_.end() || from->second != request.broker_epoch) {
    response.error_code = ErrorCode::kStaleBrokerEpoch;
    return response;
  }
  const auto& wanted = request.topics.at(0).partitions.at(0);
  response.topics.push_back({.topic_id = request.topics[0].topic_id, .partitions = {{}}});
  auto& answer = response.topics[0].partitions[0];
  if (wanted.leader_epoch != state_.leader_epoch) {
    answer.error_code = ErrorCode::kFencedLeaderEpoch;
  } else if (wanted.partition_epoch != state_.partition_epoch) {
    answer.error_code = ErrorCode::kInvalidUpdateVersion;
  }
  std::vector<int32_t> isr;
  for (const auto& member : wanted.new_isr_with_epochs) {
    auto live = live_.find(member.broker_id);
    bool fits = live != live_.end() && live->second == member.broker_epoch;
    if (!fits && answer.error_code == ErrorCode::kNone) {
      answer.error_code = ErrorCode::kIneligibleReplica;
    }
    isr.push_back(member.broker_id);
  }
  if (answer.error_code != ErrorCode::kNone) {
    ++counts["refused changes"];
    return response;
  }
  ++counts[isr.size() > state_.isr.size() ? "expansions" : "shrinkings"];
  state_.isr = isr;
  elect_and_publish();
  answer.leader_id = state_.leader;
  answer.leader_epoch = state_.leader_epoch;
  answer.partition_epoch = state_.partition_epoch;
  answer.isr = isr;
  return response;
}

void ReplicaSet::produce() {
  for (const auto& [id, replica] : replicas_) replica->partition().shrink_isr();
  // Whoever thinks that it leads is asked: clients do not know better either.
  std::vector<Replica*> leaders;
  for (const auto& [id, replica] : replicas_) {
    if (replica->partition().is_leader()) leaders.push_back(replica.get());
  }
  if (leaders.empty()) return;
  Replica* leader = leaders[simulation.random().below(leaders.size())];
  int64_t value = ++next_value_;
  base::Bytes batch = log::make_batch({.timestamp = kFirstTimestamp + value, .value_size = 30});
  records::Codecs codecs;
  auto written =
      leader->partition().append(batch, {.acks_all = true, .now_ms = clock.wall_ms()}, codecs);
  if (!written) return;
  int64_t offset = written->base_offset;
  leader->partition().await_commit(*written, [this, offset, value](ErrorCode code) {
    if (code != ErrorCode::kNone) return;
    bool first = acknowledged_.emplace(offset, value).second;
    EXPECT_TRUE(first) << "offset " << offset << " was acknowledged twice";
  });
}

std::map<int64_t, int64_t> ReplicaSet::content(Replica& replica) {
  std::map<int64_t, int64_t> content;
  int64_t from = replica.log().log_start_offset();
  for (;;) {
    auto read = replica.log().read({from, 1 << 20, replica.log().log_end_offset(), true});
    EXPECT_TRUE(read);
    if (!read || read->slice.empty()) return content;
    auto bytes = base::read_slice(read->slice);
    EXPECT_TRUE(bytes);
    for (const auto& header : log::headers_of(*bytes)) {
      content[header.base_offset] = header.max_timestamp - kFirstTimestamp;
      from = header.next_offset();
    }
  }
}

bool ReplicaSet::has_settled() {
  if (replicas_.size() != kBrokers || state_.isr.size() != kBrokers || state_.leader < 0) {
    return false;
  }
  int64_t end = replicas_[state_.leader]->log().log_end_offset();
  for (const auto& [id, replica] : replicas_) {
    if (replica->log().log_end_offset() != end || replica->log().high_watermark() != end) {
      return false;
    }
  }
  return true;
}

std::string ReplicaSet::describe() {
  std::string text =
      fmt::format("leader {} of epoch {}, partition epoch {}, ISR {}\n", state_.leader,
                  state_.leader_epoch, state_.partition_epoch, fmt::join(state_.isr, " "));
  for (const auto& [id, replica] : replicas_) {
    text += fmt::format("broker {}: leads {}, epoch {}, high watermark {}, end {}\n", id,
                        replica->partition().is_leader(), replica->partition().leader_epoch(),
                        replica->log().high_watermark(), replica->log().log_end_offset());
  }
  for (const std::string& line : lines.last) text += line + "\n";
  return text;
}

void ReplicaSet::check() {
  std::map<int64_t, int64_t> first = content(*replicas_[1]);
  for (const auto& [id, replica] : replicas_) {
    EXPECT_EQ(content(*replica), first) << "broker " << id << " has another log";
  }
  for (const auto& [offset, value] : acknowledged_) {
    auto found = first.find(offset);
    ASSERT_TRUE(found != first.end()) << "offset " << offset << " was acknowledged and is lost";
    EXPECT_EQ(found->second, value) << "another record stands at offset " << offset;
  }
}

}  // namespace longhaul::broker::replication
