// One run of the simulation: a region under work, faults, and audits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/admin.h"
#include "tests/sim/auditor.h"
#include "tests/sim/consumer.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/observer.h"
#include "tests/sim/producer.h"
#include "tests/sim/region.h"
#include "tests/sim/replicas.h"

namespace longhaul::sim {

/// Everything that is chosen comes from the seed: the brokers' options, topics, clients, speeds,
/// what befalls them and when. It ends at the first finding. A node that is alone is audited after
/// each of its ends, which may cost what was not synced; several go through faults of all kinds at
/// once, and are audited when those are over: nothing acknowledged is lost then.
class Scenario {
 public:
  Scenario(uint64_t seed, Trace::Keep keep, const RegionShape& shape);

  void run();

  World& world() { return world_; }
  /// The first one, or the one that is alone.
  Host& host() { return region_.host(1); }
  /// That took effect, where there are several nodes.
  uint64_t faults() const { return nemesis_.count(); }
  const History& history() const { return history_; }
  size_t restarts() const { return restarts_; }
  /// Names, sizes and contents of all files.
  uint64_t disk_digest();

  // The steps of `run`, for tests with a plan of their own. They return false when there is
  // nothing to go on with.
  bool start();
  bool create_topics();
  void connect_actors();
  void work_for(Time span);
  /// Lets actors finish what they have begun.
  void rest();
  void crash(base::CrashMode mode);
  bool stop();
  /// Reads everything back, once it serves.
  bool audit();

 private:
  void run_alone();
  void run_region();
  /// Faults for so long; then they end, everything recovers, and is audited.
  bool trouble(Time span);
  /// Everything that there should be is there again, and goes on.
  bool settle();
  bool finish();
  /// Replicas are where they should be, and have the same end.
  bool level();
  std::vector<Actor*> actors();
  void crash_somehow();
  /// Starts until it stays up, perhaps through more crashes, and audits.
  void recover();
  void round();
  void jump_clock();
  void work_with_a_full_disk();
  void work_with_a_bad_disk();
  void note_end();

  World world_;
  const ConnectionOptions connection_;
  Region region_;
  History history_{world_.findings, [this] { return region_.newest_ms(); }};
  Topics topics_{world_.findings, history_};
  Auditor auditor_{region_, topics_, history_};
  Observer observer_{region_, connection_};
  Nemesis nemesis_{region_, observer_};
  Replicas replicas_{region_};
  std::unique_ptr<Admin> admin_;
  std::vector<std::unique_ptr<Committer>> committers_;
  std::vector<std::unique_ptr<Actor>> others_;
  Loss loss_ = Loss::kNothing;  // since the last audit
  size_t restarts_ = 0;
};

}  // namespace longhaul::sim
