// All logs of a node, over its log directories.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log.h"
#include "broker/log/meta_properties.h"
#include "protocol/error_code.h"

namespace longhaul::broker::log {

/// One of log.dirs as it is now.
struct LogDirStatus {
  std::string path;
  base::Uuid directory_id;
  /// Why it is offline; empty while it is online.
  std::string failure;
  base::Space space;
};

/// A log, or the copy of one that is on its way to another directory (KIP-113).
struct HeldLog {
  std::shared_ptr<Log> log;
  std::string directory;
  base::Uuid directory_id;
  bool is_future = false;
};

/// What whoever wants a log knows of it.
enum class Presence {
  kNew,      ///< there has never been one
  kUnknown,  ///< it may lie in a directory that is offline
};

/// Thread-safe. Has no threads and no timers: whoever owns it calls the periodic functions, on a
/// thread that may block. Deletes, checkpoints and recovery do I/O; get() does not.
class LogManager {
 public:
  struct Params {
    base::FileSystem* files = nullptr;
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;
    base::Logger logger;
    /// log.dirs, in the order in which ties are broken. At least one.
    std::vector<std::string> directories;
    /// The settings of a topic as they are when its log is loaded or created. From any thread.
    std::function<std::shared_ptr<const LogConfig>(const std::string& topic)> config_of;
    int64_t producer_expiration_ms = 86'400'000;
    /// Asked now and then while logs are loaded, from any thread; true ends that soon.
    std::function<bool()> cancelled;
    /// Called once for each directory that a disk error takes offline, from any thread, perhaps
    /// with the lock of a log held: post what there is to do.
    std::function<void(const std::string& directory, const base::Error&)> on_directory_failure;
  };

  /// What loading found.
  struct Loaded {
    size_t logs = 0;
    size_t unclean_directories = 0;
    int64_t took_ms = 0;
    /// Not everything is there: nothing may be done but to destroy the manager.
    bool cancelled = false;
    /// Likewise, for want of room, memory or descriptors, which says nothing against the disks.
    std::optional<base::Error> shortage = {};
  };

  /// Takes the .lock of each directory, which must exist; kConflict if another process has it. A
  /// directory that cannot be used is offline from the start; an error if all are, or for a
  /// shortage.
  static base::Result<std::unique_ptr<LogManager>> open(Params params);
  ~LogManager();

  /// Opens every log there is, each in a task of `workers`. `done` runs on the last of them; until
  /// then only the destructor may be called, and that only when the tasks are over. A log
  /// that cannot be opened takes its directory offline, unless there is only a shortage: then
  /// loading ends.
  void load(base::Executor& workers, base::Callback<void(Loaded)> done);
  /// The same, on this thread.
  Loaded load();

  /// Null if there is none, or its directory is offline.
  std::shared_ptr<Log> get(std::string_view topic, int32_t partition) const;
  /// The log of this partition, created in the online directory with the fewest logs if absent.
  /// kConflict if there is one of another topic ID (of a topic that was deleted): `remove` it
  /// first. kIo if it lies in a directory that is offline, or may do so; kNoSpace or
  /// kUnavailable (is_shortage) if trying again later may help.
  base::Result<std::shared_ptr<Log>> get_or_create(const TopicPartition& id,
                                                   const base::Uuid& topic_id, Presence presence);
  /// Puts a log away under a name that ends in "-delete"; its files go after file.delete.delay.ms.
  base::Result<void> remove(const TopicPartition& id);
  /// Puts a log away under a name that ends in "-stray", where nobody touches it any more; that
  /// name. For logs that nothing is known about: they may be all that is left of something.
  base::Result<std::string> set_aside(const TopicPartition& id);
  /// A topic may have been deleted, and made anew in another directory, while a directory could not
  /// be read: of two logs of one partition the one that has less of a claim is put aside, or the
  /// one that is empty. If there is nothing to choose between them, the directory of one goes
  /// offline. To be called once after `load`. A claim of 0: nobody wants it.
  using Claim = std::function<int(const Log&, const base::Uuid& directory)>;
  void settle_twins(const Claim& claim_of);
  /// Every log, in the order of topic and partition.
  std::vector<std::shared_ptr<Log>> logs() const;
  /// With the copies that are on their way to another directory, each behind its log.
  std::vector<HeldLog> held() const;

  // Moves to another directory (KIP-113).
  /// INVALID_TOPIC_EXCEPTION if the name is too long for a copy's, LOG_DIR_NOT_FOUND if it is none
  /// of log.dirs, KAFKA_STORAGE_ERROR if it is offline.
  protocol::ErrorCode check_move(const TopicPartition& id, const std::string& directory) const;
  /// A log that is created for this partition, in this run, goes there if it can.
  void prefer(const TopicPartition& id, const std::string& directory);
  /// The copy of this log, if it is on its way.
  std::optional<HeldLog> future(const TopicPartition& id) const;
  /// An empty copy in this directory, in the place of any other. kNotFound: there is no such log.
  base::Result<HeldLog> create_future(const TopicPartition& id, const std::string& directory);
  /// Deletes the copy, or forgets it if its directory is offline; one is not needed.
  base::Result<void> remove_future(const TopicPartition& id);
  /// The copy becomes the log, and what that was until now is deleted. Nobody writes to either. The
  /// copy is durable as far as the log is. An error: it did not become it, and its directory is
  /// offline. If a disk fails later on, the copy is the log all the same.
  /// `still`: of hold_still.
  base::Result<void> promote_future(const TopicPartition& id,
                                    const std::unique_lock<std::mutex>& still);
  /// Until this is released no log is created, removed or promoted: to be had before those who
  /// append are made to wait for it.
  std::unique_lock<std::mutex> hold_still() { return std::unique_lock(create_mutex_); }

  /// New settings for the logs of a topic.
  void set_config(std::string_view topic, const std::shared_ptr<const LogConfig>& config);

  // To be called every now and then; intervals are Kafka's options.
  /// log.retention.check.interval.ms. Returns how many segments went.
  size_t delete_old_segments();
  /// log.flush.scheduler.interval.ms, and soon after segments were rolled.
  void flush_due();
  /// log.flush.offset.checkpoint.interval.ms, log.flush.start.offset.checkpoint.interval.ms.
  void write_checkpoints();
  /// replica.high.watermark.checkpoint.interval.ms.
  void write_high_watermarks();
  /// producer.id.expiration.check.interval.ms.
  void expire_producers();
  /// Removes what was deleted long enough ago. Every few seconds.
  void remove_deleted();
  /// Closes files that nobody used since the last call. Every minute or so.
  void close_idle_files();

  /// Orderly stop: flushes and closes all logs, writes checkpoints and the clean-shutdown marker.
  /// `broker_epoch` goes into the marker (-1: not known).
  base::Result<void> shutdown(int64_t broker_epoch);

  /// Takes a directory offline: its logs refuse writes and get() no longer finds them.
  void fail_directory(const std::string& directory, const base::Error& why);
  /// Asks each disk for its space, which may block.
  std::vector<LogDirStatus> directories() const;
  /// What this broker registers with (KIP-858): of those that are online.
  std::vector<base::Uuid> online_directory_ids() const { return directory_ids(/*online=*/true); }
  /// What its heartbeats say.
  std::vector<base::Uuid> offline_directory_ids() const { return directory_ids(/*online=*/false); }
  /// The directory that holds this log; empty if there is none.
  std::string directory_of(std::string_view topic, int32_t partition) const;
  /// The epoch in which the run before closed all directories in order, or -1: where one was not
  /// there, or failed, what the broker acknowledged may be lost with it (KIP-966).
  int64_t previous_broker_epoch() const { return previous_broker_epoch_; }

 private:
  struct Directory;
  struct Loading;
  struct Doomed {
    std::string path;
    int64_t due_ms = 0;
  };
  struct Entry {
    std::shared_ptr<Log> log;
    Directory* directory = nullptr;
  };
  using PartitionMap = std::map<int32_t, Entry>;

  explicit LogManager(Params params);

  // log_manager.cc
  base::Result<void> open_directory(Directory& directory);
  base::Result<OffsetCheckpoint> read_checkpoint(const Directory& directory, const char* name);
  /// With create_mutex_ held. kNotFound.
  base::Result<Entry> take_out(const TopicPartition& id);
  /// Gives the directory of a log that is not among the others another name, and returns that.
  base::Result<std::string> put_away(const Entry& entry, std::string_view kind);
  /// What take_out took, if it could not be put away and nothing is broken.
  void put_back(const Entry& entry, const base::Error& why);
  Log::Params log_params(Directory& directory, const TopicPartition& id);
  Directory* choose_directory(const TopicPartition& id);
  Directory* find_directory(const std::string& path) const;
  std::vector<base::Uuid> directory_ids(bool online) const;
  /// False if there is a log of this partition already.
  bool insert(const std::shared_ptr<Log>& log, Directory& directory);
  /// All that is open in an online directory, or in any: logs, copies, and twins.
  std::vector<std::shared_ptr<Log>> open_logs(const Directory* directory) const;
  base::Result<std::shared_ptr<Log>> create(const TopicPartition& id, const base::Uuid& topic_id);
  /// What is left on disk of a deleted log of this name is gone for good after this.
  base::Result<void> settle_deletion(const TopicPartition& id);

  // log_manager_move.cc
  /// With create_mutex_ held.
  base::Result<void> discard_future(const TopicPartition& id);
  base::Result<std::shared_ptr<Log>> open_future(Directory& directory, const Log& log);
  void doom(const Entry& entry, std::string away);

  // log_manager_load.cc
  std::shared_ptr<Loading> begin_loading(base::Callback<void(Loaded)> done);
  base::Result<void> list_logs(Directory& directory, Loading& loading);
  struct LoadJob;
  void load_log(const LoadJob& job, Loading& loading);
  void give_up(const Directory& directory, const base::Error& why, Loading& loading);
  void adopt(const LoadJob& job, std::shared_ptr<Log> log);
  void put_twin_aside(const Entry& twin, const Entry& chosen);
  void note_stale_entries(Directory& directory);
  void finish_loading(Loading& loading);

  // log_manager_periodic.cc
  /// What the directory's disk refused, but for want of room, takes it offline; passes `done` on.
  base::Result<void> check(Directory& directory, base::Result<void> done);
  base::Result<void> write_checkpoints(Directory& directory);
  base::Result<void> write_offsets(Directory& directory);
  base::Result<void> write_high_watermarks(Directory& directory);
  int64_t common_epoch() const;
  base::Result<void> close_directory(Directory& directory, int64_t broker_epoch);

  Params params_;
  std::vector<std::unique_ptr<Directory>> directories_;
  int64_t previous_broker_epoch_ = -1;

  std::mutex create_mutex_;   // one creation at a time; taken before mutex_
  mutable std::mutex mutex_;  // guards all below; no log's lock is taken under it
  std::map<std::string, PartitionMap, std::less<>> topics_;
  std::map<TopicPartition, Entry> futures_;
  std::map<TopicPartition, std::string> preferred_;  // directories, of logs that are not there yet
  std::vector<Doomed> doomed_;
  std::vector<Entry> twins_;  // of logs that another directory has too, until they are settled
};

}  // namespace longhaul::broker::log
