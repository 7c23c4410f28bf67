// A machine with a disk, on which one broker process runs at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/memory_file_system.h"
#include "broker/app/node.h"
#include "broker/raft/types.h"
#include "tests/sim/pipe.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Region;

inline constexpr uint16_t kClientPort = 9092;
inline constexpr uint16_t kControllerPort = 9093;

/// How slow it is: typical times, see Simulation::some_delay.
struct Speed {
  Time loop{20};      // from a post to its turn
  Time worker{1000};  // of what may block, fsync above all
  Time network{200};  // one way to another machine
};

/// The disk and the clock outlive processes. A process ends in order, or it dies: in between two
/// events, or in the middle of one, at a change to the disk.
class Host {
 public:
  /// How the last process ended.
  enum class End { kOrderly, kDied, kFailed };

  /// Node `id` of its cluster; its name is "n" and that.
  Host(Region& region, int32_t id, Speed speed);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  int32_t id() const { return id_; }
  const std::string& name() const { return name_; }
  /// The node that runs, or null.
  broker::app::Node* node();
  base::MemoryFileSystem& disk() { return disk_; }
  Clock& clock() { return clock_; }

  /// Formats the disk for a quorum of these controllers, with `kafka-storage format`'s means.
  base::Result<void> format(const std::string& properties, const std::string& cluster_id,
                            const std::vector<broker::raft::Voter>& controllers);
  /// Starts a process with this server.properties. It recovers its logs at once and joins its
  /// cluster in events to come; it may also die in the midst of it. Not from within an event.
  base::Result<void> start(const std::string& properties);
  bool is_running() const { return process_ != nullptr; }
  /// Requests are answered.
  bool is_serving() const;
  /// It serves, and nothing was done to its disk: it has no reason to refuse anything.
  bool is_well() const { return is_serving() && !is_ailing_; }
  /// Ends the process in order, in events to come.
  void stop();
  /// Ends it now, if there is one, and what was not synced fares as `mode` says.
  void crash(base::CrashMode mode);
  /// The same in the middle of something: after so many more changes to the disk. A process that
  /// starts before that inherits it.
  /// `done` is called as that happens.
  void crash_after(uint64_t changes, base::CrashMode mode, std::function<void()> done = {});
  void call_off_crash();
  End last_end() const { return last_end_; }
  /// With kDied: how.
  base::CrashMode last_mode() const { return last_mode_; }
  /// With kFailed: why it could not go on.
  const std::string& failure() const { return failure_; }
  /// All threads of the process stand still for so long (SIGSTOP).
  void pause(Time span);
  /// What may block takes so many times as long from now on, until the process ends or it heals.
  void slow_down(int64_t factor);

  /// Something had been done to the disk of the last process.
  bool was_ailing() const { return was_ailing_; }

  /// So many bytes more, and the disk is full; `done` is called when that refuses something.
  void fill_disk(uint64_t spare, std::function<void()> done = {});
  /// There is room again.
  void empty_disk();
  /// One operation of this kind fails, after so many that do not, with `done` called. Until the
  /// process ends, the host is not well.
  void fail_disk(base::DiskOperation operation, uint64_t after, base::Task done = {});
  /// Whatever was done to the disk is over, and should have no consequence any more.
  void heal();

  /// One bit more on its disk is not what was written, until `rot_ends`.
  void rot_begins() { ++rotten_places_; }
  void rot_ends();
  /// Whether there was such a bit at that time or since: what was read may not be what was written.
  bool is_rotten_since(Time time) const { return rotten_places_ > 0 || sound_since_ >= time; }

  /// The server's end of a new connection; false if nobody listens on that port.
  bool accept(const std::shared_ptr<Link>& link, const std::string& client, uint16_t port);

 private:
  struct Process;
  struct ChosenCrash {
    uint64_t changes;
    base::CrashMode mode;
    std::function<void()> done;
  };
  base::Result<void> launch(const std::string& properties);
  void arm();
  void dies();
  void has_no_room();
  void bury(base::CrashMode mode);
  void fail(const base::Error& error);
  void drain();
  void stop_node();
  void ended(base::Result<void> outcome);
  void heal_process();

  Region& region_;
  World& world_;
  const int32_t id_;
  const std::string name_;
  const Speed speed_;
  base::MemoryFileSystem disk_;
  Clock clock_;
  std::optional<ChosenCrash> chosen_crash_;
  std::function<void()> full_;
  std::unique_ptr<Process> process_;
  uint64_t connections_ = 0;
  bool is_ailing_ = false;
  int rotten_places_ = 0;
  Time sound_since_{-1};
  End last_end_ = End::kOrderly;
  base::CrashMode last_mode_ = base::CrashMode::kKeepAll;
  std::string failure_;
  bool failed_ailing_ = false;  // something had been done to its disk then
  bool was_ailing_ = false;
};

}  // namespace longhaul::sim
