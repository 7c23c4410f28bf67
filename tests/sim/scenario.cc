#include "tests/sim/scenario.h"

#include <algorithm>

#include "base/crc32c.h"
#include "tests/sim/setup.h"

namespace longhaul::sim {

using base::CrashMode;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Time kPatience = seconds(60);
constexpr int kMostDeathsInARow = 4;

CrashMode choose_mode(base::Random& random) {
  static constexpr CrashMode kModes[] = {CrashMode::kKeepAll, CrashMode::kKeepAll,
                                         CrashMode::kLoseUnsynced, CrashMode::kTorn};
  return kModes[random.below(4)];
}

void add_files(base::MemoryFileSystem& disk, const std::string& path, uint64_t& digest) {
  auto entries = disk.list(path);
  for (size_t i = 0; entries && i < entries->size(); ++i) {
    std::string inner = path + "/" + (*entries)[i].name;
    auto content = base::read_file(disk, inner, UINT32_MAX);
    std::string line = inner + " " + (content ? describe(*content) : "");
    digest = (digest * 31) ^ base::crc32c(base::as_bytes(line));
    if ((*entries)[i].is_directory) add_files(disk, inner, digest);
  }
}

}  // namespace

Scenario::Scenario(uint64_t seed, Trace::Keep keep)
    : world_(seed, keep),
      connection_(choose_connection(world_.random())),
      properties_(choose_properties(world_.random())),
      host_(world_, "n1", choose_speed(world_.random())) {
  base::Random& random = world_.random();
  admin_ = std::make_unique<Admin>(world_, host_, "admin", connection_, topics_);
  auto producers = static_cast<uint32_t>(1 + random.below(4));
  for (uint32_t i = 0; i < producers; ++i) {
    others_.push_back(std::make_unique<Producer>(world_, host_, fmt::format("producer.{}", i),
                                                 connection_, i, choose_producer(random), topics_,
                                                 history_));
  }
  for (uint64_t i = 0, count = random.below(3); i < count; ++i) {
    others_.push_back(std::make_unique<Consumer>(world_, host_, fmt::format("consumer.{}", i),
                                                 connection_, topics_, history_));
  }
  for (uint64_t i = 0, count = random.below(3); i < count; ++i) {
    committers_.push_back(std::make_unique<Committer>(world_, host_, fmt::format("group.{}", i),
                                                      connection_, random.below(2) == 0, topics_));
  }
}

bool Scenario::start() {
  auto started = host_.start(properties_);
  if (!started) {
    world_.findings.add("it does not start: {}", started.error().message);
    return false;
  }
  bool settled = world_.simulation.run_until_true(
      [&] { return host_.is_serving() || !host_.is_running(); }, kPatience);
  if (!settled) world_.findings.add("it does not come to serve");
  return host_.is_serving();
}

bool Scenario::create_topics() {
  admin_->connect();
  admin_->rest();
  for (const NewTopic& topic : choose_topics(world_.random())) admin_->create(topic);
  world_.simulation.run_until_true([&] { return !admin_->is_busy(); }, kPatience);
  return world_.findings.empty() && admin_->is_connected();
}

void Scenario::connect_actors() {
  admin_->connect();
  for (auto& committer : committers_) committer->connect();
  for (auto& actor : others_) actor->connect();
}

void Scenario::work_for(Time span) {
  Time until = world_.simulation.now() + span;
  while (host_.is_running() && world_.findings.empty() && world_.simulation.step(until)) {
  }
}

void Scenario::rest() {
  std::vector<Actor*> actors{admin_.get()};
  for (auto& committer : committers_) actors.push_back(committer.get());
  for (auto& actor : others_) actors.push_back(actor.get());
  for (Actor* actor : actors) actor->rest();
  bool rested = world_.simulation.run_until_true(
      [&] {
        return std::none_of(actors.begin(), actors.end(),
                            [](const Actor* actor) { return actor->is_busy(); });
      },
      kPatience);
  if (!rested) world_.findings.add("actors do not come to rest");
}

void Scenario::crash(CrashMode mode) {
  host_.crash(mode);
  note_end();
}

bool Scenario::stop() {
  host_.stop();
  if (!world_.simulation.run_until_true([&] { return !host_.is_running(); }, kPatience)) {
    world_.findings.add("it does not stop");
    return false;
  }
  note_end();
  return true;
}

/// Of a process: what may be gone now.
void Scenario::note_end() {
  rest();
  if (host_.last_end() == Host::End::kFailed && !host_.was_ailing()) {
    world_.findings.add("the process failed: {}", host_.failure());
  }
  bool lossy = host_.last_end() == Host::End::kDied && host_.last_mode() != CrashMode::kKeepAll;
  if (lossy) loss_ = Loss::kUnsynced;
  if (host_.last_end() == Host::End::kOrderly && loss_ == Loss::kNothing) {
    history_.all_is_durable();
  }
}

bool Scenario::audit() {
  return auditor_.audit(committers_, loss_, newest_ms_) && world_.findings.empty();
}

void Scenario::recover() {
  for (int deaths = 0; world_.findings.empty(); ++deaths) {
    if (deaths < kMostDeathsInARow && world_.simulation.chance(25)) {
      host_.crash_after(world_.random().below(120), choose_mode(world_.random()));
    }
    ++restarts_;
    if (start() && audit()) {
      host_.call_off_crash();
      loss_ = Loss::kNothing;
      return;
    }
    if (!host_.is_running()) note_end();
  }
}

/// Ends the process in one of the ways in which processes end.
void Scenario::crash_somehow() {
  base::Random& random = world_.random();
  CrashMode mode = choose_mode(random);
  switch (random.below(4)) {
    case 0:
      static_cast<void>(stop());
      return;
    case 1:  // in the middle of stopping
      host_.crash_after(random.below(60), mode);
      static_cast<void>(stop());
      return;
    case 2:  // in the middle of work
      host_.crash_after(random.below(300), mode);
      work_for(seconds(5));
      if (host_.is_running()) return crash(mode);
      return note_end();
    default:
      return crash(mode);
  }
}

void Scenario::jump_clock() {
  newest_ms_ = std::max(newest_ms_, host_.clock().wall_ms());
  int64_t by = static_cast<int64_t>(world_.random().below(20'000)) - 10'000;
  world_.trace.line(host_.name(), "has its clock set by {} ms", by);
  host_.clock().jump(milliseconds(by));
}

/// Who has no room refuses, and goes on when there is some.
void Scenario::work_with_a_full_disk() {
  host_.fill_disk(world_.random().below(30'000));
  work_for(milliseconds(world_.random().below(1500)));
  host_.empty_disk();
  work_for(seconds(6));
  host_.heal();
}

/// The machine goes down with such a disk: what it still has in memory is not to be trusted.
void Scenario::work_with_a_bad_disk() {
  using enum base::DiskOperation;
  static constexpr base::DiskOperation kBad[] = {kOpen, kWrite, kSync, kRename, kSyncDirectory};
  host_.fail_disk(kBad[world_.random().below(5)], world_.random().below(200));
  work_for(milliseconds(world_.random().below(3000)));
  crash(world_.simulation.chance(50) ? CrashMode::kLoseUnsynced : CrashMode::kTorn);
}

void Scenario::round() {
  connect_actors();
  work_for(milliseconds(200 + world_.random().below(4000)));
  if (world_.simulation.chance(30)) jump_clock();
  if (world_.simulation.chance(15)) work_with_a_full_disk();
  work_for(milliseconds(world_.random().below(1000)));
  world_.simulation.chance(15) ? work_with_a_bad_disk() : crash_somehow();
  if (world_.simulation.chance(30)) jump_clock();
  if (world_.findings.empty()) recover();
}

void Scenario::run() {
  if (!start() || !create_topics()) return;
  for (uint64_t i = 2 + world_.random().below(4); i > 0 && world_.findings.empty(); --i) round();
  if (!world_.findings.empty()) return;
  connect_actors();
  work_for(milliseconds(500));
  rest();
  audit();
  static_cast<void>(stop());
}

uint64_t Scenario::disk_digest() {
  uint64_t digest = 0;
  add_files(host_.disk(), "", digest);
  return digest;
}

}  // namespace longhaul::sim
