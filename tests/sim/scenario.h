// One run of the simulation: a broker under work, crashes, and audits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/admin.h"
#include "tests/sim/auditor.h"
#include "tests/sim/consumer.h"
#include "tests/sim/producer.h"

namespace longhaul::sim {

/// Everything that is chosen comes from the seed: the broker's options, topics, clients, speeds,
/// when it crashes and how. It ends at the first finding.
class Scenario {
 public:
  Scenario(uint64_t seed, Trace::Keep keep);

  void run();

  World& world() { return world_; }
  Host& host() { return host_; }
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
  const std::string properties_;
  Host host_;
  History history_{world_.findings};
  Topics topics_{world_.findings, history_};
  Auditor auditor_{world_, host_, topics_, history_};
  std::unique_ptr<Admin> admin_;
  std::vector<std::unique_ptr<Committer>> committers_;
  std::vector<std::unique_ptr<Actor>> others_;
  Loss loss_ = Loss::kNothing;  // since the last audit
  int64_t newest_ms_ = 0;
  size_t restarts_ = 0;
};

}  // namespace longhaul::sim
