#include "tests/sim/nemesis.h"

#include <algorithm>
#include <utility>

namespace longhaul::sim {

using base::CrashMode;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Time kTick = milliseconds(50);
constexpr Time kEndPatience = seconds(60);
constexpr Time kLookAtRot = milliseconds(300);
constexpr const char* kMended = "bit flip mended from a replica";
constexpr int64_t kFaultPause = 1200;  // ms at most

}  // namespace

const std::vector<Nemesis::Kind>& Nemesis::table() {
  static const std::vector<Kind> kTable{
      {"process killed", Cost::kUnclean, &Nemesis::kill},
      {"power lost", Cost::kPageCache, &Nemesis::cut_power},
      {"power lost with torn writes", Cost::kPageCache, &Nemesis::tear},
      {"process killed at a change to its disk", Cost::kUnclean, &Nemesis::die_at_a_write},
      {"power lost at a change to its disk", Cost::kPageCache, &Nemesis::lose_power_at_a_write},
      {"orderly restart", Cost::kNothing, &Nemesis::restart},
      {"connection broken", Cost::kNothing, &Nemesis::lose},
      {"delay", Cost::kNothing, &Nemesis::delay},
      {"one-way partition", Cost::kNothing, &Nemesis::cut_one_way},
      {"isolation", Cost::kNothing, &Nemesis::isolate},
      {"slow disk", Cost::kNothing, &Nemesis::slow_disk},
      {"full disk", Cost::kUnclean, &Nemesis::fill_disk},
      {"EIO on write", Cost::kPageCache, &Nemesis::fail_write},
      {"EIO on fsync", Cost::kPageCache, &Nemesis::fail_sync},
      {"bit flip in a cold segment", Cost::kPageCache, &Nemesis::flip_bit},
      {"clock jump of an hour", Cost::kNothing, &Nemesis::jump_clock},
      {"pause", Cost::kNothing, &Nemesis::pause},
  };
  return kTable;
}

std::vector<std::string> Nemesis::kinds() {
  std::vector<std::string> names{"lost messages", "duplicated requests",
                                 "reordered across connections"};
  for (const Kind& kind : table()) names.emplace_back(kind.name);
  return names;
}

void Nemesis::count(const char* name) {
  ++count_;
  ++world().counts[name];
}

Time Nemesis::some(int64_t most_ms) {
  return milliseconds(1 + world().random().below(static_cast<uint64_t>(most_ms)));
}

void Nemesis::later(Time delay, base::Task task) {
  agenda_.emplace(world().simulation.now() + delay, std::move(task));
}

void Nemesis::run_for(Time span) {
  region_.disturb();
  next_fault_ = world().simulation.now() + some(kFaultPause);
  run_until(world().simulation.now() + span);
}

void Nemesis::run_until(Time until) {
  Simulation& simulation = world().simulation;
  while (simulation.now() < until && world().findings.empty()) {
    simulation.run_for(kTick);
    tick();
    if (simulation.now() < next_fault_) continue;
    break_something();
    next_fault_ = simulation.now() + some(kFaultPause);
  }
}

void Nemesis::tick() {
  Time now = world().simulation.now();
  while (!agenda_.empty() && agenda_.begin()->first <= now) {
    base::Task task = std::move(agenda_.extract(agenda_.begin()).mapped());
    task();
  }
  revive();
  end_doubts();
}

/// Who has caught up with the others is as good as before.
void Nemesis::end_doubts() {
  for (auto& [id, doubt] : doubts_) {
    bool serves = region_.host(id).is_serving();
    if (!serves) doubt.serves = Time(-1);
    if (serves && doubt.serves < Time(0)) doubt.serves = world().simulation.now();
  }
  std::erase_if(doubts_, [this](const auto& each) {
    const auto& [id, doubt] = each;
    return doubt.serves >= Time(0) && doubt.lasting == 0 && observer_.is_in_sync(id, doubt.serves);
  });
}

bool Nemesis::may_cost(const Host& host, Cost cost) const {
  if (cost == Cost::kNothing) return true;
  return std::none_of(doubts_.begin(), doubts_.end(), [&](const auto& each) {
    const auto& [id, doubt] = each;
    bool another = id != host.id();
    return another && (cost == Cost::kPageCache || doubt.cost == Cost::kPageCache);
  });
}

void Nemesis::doubt(const Host& host, Cost cost) {
  if (cost == Cost::kNothing) return;
  Doubt& doubt = doubts_[host.id()];
  doubt.cost = std::max(doubt.cost, cost);
  doubt.serves = Time(-1);
}

void Nemesis::note_end(Host& host) {
  if (host.last_end() == Host::End::kFailed && !host.was_ailing()) {
    world().findings.add("the process of {} failed: {}", host.name(), host.failure());
  }
  down_until_[host.id()] = world().simulation.now() + some(3000);
}

void Nemesis::revive() {
  for (const auto& host : region_.hosts()) {
    if (host->is_running()) {
      seen_running_.insert(host->id());
      continue;
    }
    if (seen_running_.erase(host->id()) > 0) note_end(*host);
    if (world().simulation.now() < down_until_[host->id()]) continue;
    if (may_cost(*host, Cost::kUnclean) && world().simulation.chance(10)) {
      doubt(*host, Cost::kUnclean);
      host->crash_after(world().random().below(120), CrashMode::kKeepAll);
    }
    seen_running_.insert(host->id());
    auto started = region_.start(*host);
    if (!started) {
      world().findings.add("{} does not start: {}", host->name(), started.error().message);
    }
  }
}

void Nemesis::break_something() {
  const Kind& kind = table()[world().random().below(table().size())];
  Host& host = region_.any_host();
  if (!host.is_running() || !may_cost(host, kind.cost)) return;
  doubt(host, kind.cost);
  (this->*kind.begin)(host);
}

bool Nemesis::crash(Host& host, CrashMode mode) {
  host.crash(mode);
  return true;
}

bool Nemesis::kill(Host& host) {
  count("process killed");
  return crash(host, CrashMode::kKeepAll);
}

bool Nemesis::cut_power(Host& host) {
  count("power lost");
  return crash(host, CrashMode::kLoseUnsynced);
}

bool Nemesis::tear(Host& host) {
  count("power lost with torn writes");
  return crash(host, CrashMode::kTorn);
}

bool Nemesis::crash_soon(Host& host, CrashMode mode, const char* name) {
  ++doubts_[host.id()].lasting;
  later(seconds(3), [this, &host] {
    host.call_off_crash();
    --doubts_[host.id()].lasting;
  });
  host.crash_after(world().random().below(300), mode, [this, name] { count(name); });
  return true;
}

bool Nemesis::die_at_a_write(Host& host) {
  return crash_soon(host, CrashMode::kKeepAll, "process killed at a change to its disk");
}

bool Nemesis::lose_power_at_a_write(Host& host) {
  return crash_soon(host, CrashMode::kLoseUnsynced, "power lost at a change to its disk");
}

bool Nemesis::restart(Host& host) {
  if (!host.is_serving()) return false;
  count("orderly restart");
  host.stop();
  return true;
}

bool Nemesis::lose(Host&) {
  if (!region_.network().lose()) return false;
  count("connection broken");
  return true;
}

bool Nemesis::delay(Host& host) {
  Host& other = region_.any_host();
  if (&other == &host) return false;
  count("delay");
  region_.network().delay(host.name(), other.name(), some(500));
  later(some(4000),
        [this, &host, &other] { region_.network().delay(host.name(), other.name(), Time(0)); });
  return true;
}

bool Nemesis::cut_one_way(Host& host) {
  Host& other = region_.any_host();
  if (&other == &host) return false;
  count("one-way partition");
  region_.network().cut(host.name(), other.name());
  later(some(6000), [this, &host, &other] { region_.network().mend(host.name(), other.name()); });
  return true;
}

bool Nemesis::isolate(Host& host) {
  count("isolation");
  bool deaf = world().simulation.chance(70);
  bool dumb = !deaf || world().simulation.chance(70);
  for (const auto& other : region_.hosts()) {
    if (other.get() == &host) continue;
    if (deaf) region_.network().cut(other->name(), host.name());
    if (dumb) region_.network().cut(host.name(), other->name());
  }
  later(some(6000), [this, &host] {
    for (const auto& other : region_.hosts()) {
      region_.network().mend(other->name(), host.name());
      region_.network().mend(host.name(), other->name());
    }
  });
  return true;
}

bool Nemesis::slow_disk(Host& host) {
  count("slow disk");
  host.slow_down(1 << (2 + world().random().below(6)));
  later(some(4000), [&host] { host.slow_down(1); });
  return true;
}

bool Nemesis::fill_disk(Host& host) {
  host.fill_disk(world().random().below(30'000), [this] { count("full disk"); });
  ++doubts_[host.id()].lasting;
  later(some(4000), [this, &host] {
    host.empty_disk();
    --doubts_[host.id()].lasting;
  });
  return true;
}

/// The machine goes down with such a disk: what it still has in memory is not to be trusted.
bool Nemesis::fail(Host& host, base::DiskOperation operation, const char* name) {
  ++doubts_[host.id()].lasting;
  uint64_t most = operation == base::DiskOperation::kSync ? 5 : 100;  // there are fewer
  host.fail_disk(operation, world().random().below(most), [this, name] { count(name); });
  later(some(3000), [this, &host] {
    crash(host, world().simulation.chance(50) ? CrashMode::kLoseUnsynced : CrashMode::kTorn);
    --doubts_[host.id()].lasting;
  });
  return true;
}

bool Nemesis::fail_write(Host& host) {
  return fail(host, base::DiskOperation::kWrite, "EIO on write");
}

bool Nemesis::fail_sync(Host& host) {
  return fail(host, base::DiskOperation::kSync, "EIO on fsync");
}

bool Nemesis::flip_bit(Host& host) {
  auto rot = Rot::choose(host, world().random());
  if (!rot) return false;
  count("bit flip in a cold segment");
  ++doubts_[host.id()].lasting;
  world().trace.line(host.name(), "has a flipped bit in {} at {}", rot->path, rot->at);
  host.rot_begins();
  await_mending(host, *rot, world().simulation.now() + some(15'000));
  return true;
}

/// The scrubber gets it from a replica, unless the time is over before that.
void Nemesis::await_mending(Host& host, const Rot& rot, Time until) {
  bool is_mended = rot.is_mended(host);
  if (!is_mended && !ending_ && world().simulation.now() < until) {
    return later(kLookAtRot, [this, &host, rot, until] { await_mending(host, rot, until); });
  }
  if (is_mended) ++world().counts[kMended];
  rot.undo(host);
  host.rot_ends();
  --doubts_[host.id()].lasting;
}

bool Nemesis::jump_clock(Host& host) {
  count("clock jump of an hour");
  auto& offset = clock_offsets_[host.id()];
  milliseconds by = offset != milliseconds(0)       ? -offset
                    : world().simulation.chance(50) ? milliseconds(hours(1))
                                                    : milliseconds(hours(-1));
  offset += by;
  region_.jump_clock(host, by);
  return true;
}

bool Nemesis::pause(Host& host) {
  count("pause");
  host.pause(some(6000));
  return true;
}

bool Nemesis::end() {
  ending_ = true;
  while (!agenda_.empty()) {
    base::Task task = std::move(agenda_.extract(agenda_.begin()).mapped());
    task();
  }
  region_.network().mend_all();
  for (const auto& host : region_.hosts()) {
    host->call_off_crash();
    host->heal();
  }
  ending_ = false;
  next_fault_ = Time::max();
  Time until = world().simulation.now() + kEndPatience;
  auto serves = [](const auto& host) { return host->is_serving(); };
  while (world().simulation.now() < until && world().findings.empty()) {
    if (std::all_of(region_.hosts().begin(), region_.hosts().end(), serves)) break;
    world().simulation.run_for(kTick);
    tick();
  }
  for (const auto& host : region_.hosts()) {
    host->call_off_crash();
    if (!host->is_serving()) world().findings.add("{} does not come to serve", host->name());
  }
  region_.calm();
  return world().findings.empty();
}

}  // namespace longhaul::sim
