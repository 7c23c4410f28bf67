// Whoever breaks things in a region.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/observer.h"
#include "tests/sim/rot.h"

namespace longhaul::sim {

/// Faults come one after the other, of each kind, and last for a while; machines that went down are
/// started again. What loses a page cache, or looks like it, befalls a machine only while all
/// others are in sync, or stopped in order; and none of them dies before that one is in sync again.
/// That is all Kafka promises (KIP-966): a controller cannot tell a process that died from a
/// machine that did. So nothing acknowledged may be lost. Each fault that took effect is counted in
/// World::counts.
class Nemesis {
 public:
  Nemesis(Region& region, const Observer& observer) : region_(region), observer_(observer) {}

  /// Lets the simulation run for so long, and breaks things meanwhile.
  void run_for(Time span);
  /// All that was broken is whole; all machines serve in the end. False if they do not.
  bool end();
  /// Faults so far.
  uint64_t count() const { return count_; }
  /// All kinds, by the names under which they are counted.
  static std::vector<std::string> kinds();

 private:
  /// What a machine comes out of it with.
  enum class Cost { kNothing, kUnclean, kPageCache };
  struct Kind {
    const char* name;
    Cost cost;
    bool (Nemesis::*begin)(Host&);
  };
  static const std::vector<Kind>& table();

  // What they do; false if that cannot be done now.
  bool kill(Host& host);
  bool cut_power(Host& host);
  bool tear(Host& host);
  bool die_at_a_write(Host& host);
  bool lose_power_at_a_write(Host& host);
  bool restart(Host& host);
  bool lose(Host& host);
  bool delay(Host& host);
  bool cut_one_way(Host& host);
  bool isolate(Host& host);
  bool slow_disk(Host& host);
  bool fill_disk(Host& host);
  bool fail_write(Host& host);
  bool fail_sync(Host& host);
  bool flip_bit(Host& host);
  bool jump_clock(Host& host);
  bool pause(Host& host);

  bool crash(Host& host, base::CrashMode mode);
  bool crash_soon(Host& host, base::CrashMode mode, const char* name);
  bool fail(Host& host, base::DiskOperation operation, const char* name);
  void count(const char* name);
  void await_mending(Host& host, const Rot& rot, Time until);
  void run_until(Time until);
  void break_something();
  void tick();
  void revive();
  void note_end(Host& host);
  void end_doubts();
  bool may_cost(const Host& host, Cost cost) const;
  void doubt(const Host& host, Cost cost);
  /// Not within an event.
  void later(Time delay, base::Task task);
  Time some(int64_t most_ms);
  World& world() const { return region_.world(); }

  Region& region_;
  const Observer& observer_;
  std::multimap<Time, base::Task> agenda_;
  std::set<int32_t> seen_running_;
  std::map<int32_t, Time> down_until_;
  std::map<int32_t, std::chrono::milliseconds> clock_offsets_;
  /// Of who may not have what it should, until it is in sync again.
  struct Doubt {
    Cost cost = Cost::kNothing;
    int lasting = 0;  // faults that are not over
    Time serves{-1};  // since then
  };
  std::map<int32_t, Doubt> doubts_;
  Time next_fault_{0};
  bool ending_ = false;
  uint64_t count_ = 0;
};

}  // namespace longhaul::sim
