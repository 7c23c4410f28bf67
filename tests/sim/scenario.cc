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
constexpr Time kRegionTime = seconds(60);
constexpr uint64_t kFewestFaults = 20;
constexpr Time kLook = milliseconds(100);
constexpr Time kLatest = seconds(10);  // what was given up on has come by then, or never does

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

Scenario::Scenario(uint64_t seed, Trace::Keep keep, const RegionShape& shape)
    : world_(seed, keep),
      connection_(choose_connection(world_.random(), shape)),
      region_(world_, shape) {
  base::Random& random = world_.random();
  if (!region_.is_alone()) history_.allow_reordering();
  admin_ = std::make_unique<Admin>(region_, "admin", connection_, topics_, history_);
  auto producers = static_cast<uint32_t>(1 + random.below(4));
  for (uint32_t i = 0; i < producers; ++i) {
    others_.push_back(
        std::make_unique<Producer>(region_, fmt::format("producer.{}", i), connection_, i,
                                   choose_producer(random, shape, i == 0), topics_, history_));
  }
  for (uint64_t i = 0, count = random.below(3); i < count; ++i) {
    others_.push_back(std::make_unique<Consumer>(region_, fmt::format("consumer.{}", i),
                                                 connection_, topics_, history_));
  }
  for (uint64_t i = 0, count = random.below(3); i < count; ++i) {
    committers_.push_back(std::make_unique<Committer>(region_, fmt::format("group.{}", i),
                                                      connection_, random.below(2) == 0, topics_));
  }
}

bool Scenario::start() {
  for (const auto& host : region_.hosts()) {
    auto started = region_.start(*host);
    if (started) continue;
    world_.findings.add("{} does not start: {}", host->name(), started.error().message);
    return false;
  }
  auto all = [this](auto is) {
    return std::all_of(region_.hosts().begin(), region_.hosts().end(), is);
  };
  bool settled = world_.simulation.run_until_true(
      [&] {
        return all([](const auto& host) { return host->is_serving() || !host->is_running(); });
      },
      kPatience);
  if (!settled) world_.findings.add("it does not come to serve");
  return all([](const auto& host) { return host->is_serving(); });
}

bool Scenario::create_topics() {
  admin_->connect();
  admin_->rest();
  for (const NewTopic& topic : choose_topics(world_.random())) admin_->create(topic);
  world_.simulation.run_until_true([&] { return !admin_->is_busy(); }, kPatience);
  return world_.findings.empty() && topics_.partitions().size() >= 3;
}

std::vector<Actor*> Scenario::actors() {
  std::vector<Actor*> all{admin_.get()};
  for (auto& committer : committers_) all.push_back(committer.get());
  for (auto& actor : others_) all.push_back(actor.get());
  return all;
}

void Scenario::connect_actors() {
  for (Actor* actor : actors()) actor->connect();
}

void Scenario::work_for(Time span) {
  Time until = world_.simulation.now() + span;
  while (host().is_running() && world_.findings.empty() && world_.simulation.step(until)) {
  }
}

void Scenario::rest() {
  std::vector<Actor*> all = actors();
  for (Actor* actor : all) actor->rest();
  bool rested = world_.simulation.run_until_true(
      [&] {
        return std::none_of(all.begin(), all.end(),
                            [](const Actor* actor) { return actor->is_busy(); });
      },
      kPatience);
  if (!rested) world_.findings.add("actors do not come to rest");
}

void Scenario::crash(CrashMode mode) {
  host().crash(mode);
  note_end();
}

bool Scenario::stop() {
  host().stop();
  if (!world_.simulation.run_until_true([&] { return !host().is_running(); }, kPatience)) {
    world_.findings.add("it does not stop");
    return false;
  }
  note_end();
  return true;
}

/// Of a process: what may be gone now.
void Scenario::note_end() {
  rest();
  if (host().last_end() == Host::End::kFailed && !host().was_ailing()) {
    world_.findings.add("the process failed: {}", host().failure());
  }
  bool lossy = host().last_end() == Host::End::kDied && host().last_mode() != CrashMode::kKeepAll;
  if (lossy) loss_ = Loss::kUnsynced;
  if (host().last_end() == Host::End::kOrderly && loss_ == Loss::kNothing) {
    history_.all_is_durable();
  }
}

bool Scenario::audit() { return auditor_.audit(committers_, loss_) && world_.findings.empty(); }

void Scenario::recover() {
  for (int deaths = 0; world_.findings.empty(); ++deaths) {
    if (deaths < kMostDeathsInARow && world_.simulation.chance(25)) {
      host().crash_after(world_.random().below(120), choose_mode(world_.random()));
    }
    ++restarts_;
    if (start() && audit()) {
      host().call_off_crash();
      loss_ = Loss::kNothing;
      return;
    }
    if (!host().is_running()) note_end();
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
      host().crash_after(random.below(60), mode);
      static_cast<void>(stop());
      return;
    case 2:  // in the middle of work
      host().crash_after(random.below(300), mode);
      work_for(seconds(5));
      if (host().is_running()) return crash(mode);
      return note_end();
    default:
      return crash(mode);
  }
}

void Scenario::jump_clock() {
  int64_t by = static_cast<int64_t>(world_.random().below(20'000)) - 10'000;
  region_.jump_clock(host(), milliseconds(by));
}

/// Who has no room refuses, and goes on when there is some.
void Scenario::work_with_a_full_disk() {
  host().fill_disk(world_.random().below(30'000));
  work_for(milliseconds(world_.random().below(1500)));
  host().empty_disk();
  work_for(seconds(6));
  host().heal();
}

/// The machine goes down with such a disk: what it still has in memory is not to be trusted.
void Scenario::work_with_a_bad_disk() {
  using enum base::DiskOperation;
  static constexpr base::DiskOperation kBad[] = {kOpen, kWrite, kSync, kRename, kSyncDirectory};
  host().fail_disk(kBad[world_.random().below(5)], world_.random().below(200));
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

void Scenario::run_alone() {
  for (uint64_t i = 2 + world_.random().below(4); i > 0 && world_.findings.empty(); --i) round();
  if (!world_.findings.empty()) return;
  connect_actors();
  work_for(milliseconds(500));
  rest();
  audit();
  static_cast<void>(stop());
}

bool Scenario::settle() {
  Time since = world_.simulation.now();
  if (world_.simulation.run_until_true(
          [&] { return observer_.has_settled(since) || !world_.findings.empty(); }, kPatience)) {
    return true;
  }
  world_.findings.add("replicas do not come to be in sync again");
  return false;
}

/// What producers have begun comes to its end: there is progress again.
bool Scenario::finish() {
  std::vector<Actor*> all = actors();
  size_t before = history_.acknowledged_count();
  Time patience = kPatience;
  if (!world_.simulation.run_until_true([&] { return history_.acknowledged_count() > before; },
                                        patience)) {
    world_.findings.add("nothing is acknowledged any more");
  }
  for (Actor* actor : all) actor->finish();
  bool finished = world_.simulation.run_until_true(
      [&] {
        return std::all_of(all.begin(), all.end(),
                           [](const Actor* each) { return each->is_done(); });
      },
      kPatience);
  if (!finished) world_.findings.add("producers do not come to an end");
  rest();
  world_.simulation.run_for(kLatest);
  return level();
}

bool Scenario::level() {
  Time until = world_.simulation.now() + kPatience;
  auto amiss = replicas_.what_is_amiss();
  for (; amiss && world_.simulation.now() < until; amiss = replicas_.what_is_amiss())
    world_.simulation.run_for(kLook);
  if (amiss) world_.findings.add("replicas do not come to be as they should: {}", *amiss);
  return world_.findings.empty();
}

bool Scenario::trouble(Time span) {
  connect_actors();
  observer_.connect();
  nemesis_.run_for(span);
  if (!world_.findings.empty() || !nemesis_.end()) return false;
  history_.deletions_may_return();
  if (!settle() || !finish()) return false;
  ++restarts_;
  bool audited = audit();
  if (!audited && world_.findings.empty()) world_.findings.add("there is nobody to audit");
  observer_.rest();
  if (audited && level()) replicas_.check();
  return world_.findings.empty();
}

void Scenario::run_region() {
  Time until = world_.simulation.now() + kRegionTime;
  while (world_.simulation.now() < until || faults() < kFewestFaults) {
    if (!trouble(seconds(8 + world_.random().below(15)))) return;
  }
}

void Scenario::run() {
  auto formatted = region_.format();
  if (!formatted) return world_.findings.add("no format: {}", formatted.error().message);
  if (!start() || !create_topics()) return;
  region_.is_alone() ? run_alone() : run_region();
}

uint64_t Scenario::disk_digest() {
  uint64_t digest = 0;
  for (const auto& host : region_.hosts()) add_files(host->disk(), "", digest);
  return digest;
}

}  // namespace longhaul::sim
