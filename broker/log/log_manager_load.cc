// Opening all logs at the start.
#include <charconv>

#include "broker/log/clean_shutdown.h"
#include "broker/log/log_manager_directory.h"

namespace longhaul::broker::log {

namespace {

/// Kept by the raft room, which opens it itself.
constexpr std::string_view kMetadataTopic = "__cluster_metadata";

/// "topic-partition", or nothing.
std::optional<TopicPartition> parse_name(std::string_view name) {
  size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  std::string_view number = name.substr(dash + 1);
  int32_t partition = -1;
  auto parsed = std::from_chars(number.data(), number.data() + number.size(), partition);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || partition < 0) {
    return std::nullopt;
  }
  return TopicPartition{std::string(name.substr(0, dash)), partition};
}

}  // namespace

struct LogManager::Loading {
  struct Job {
    Directory* directory;
    TopicPartition id;
  };
  std::vector<Job> jobs;
  std::atomic<size_t> left{0};
  std::atomic<size_t> logs{0};
  std::atomic<bool> cancelled{false};
  base::Clock::Monotonic began{};
  base::Callback<void(Loaded)> done;
};

base::Result<void> LogManager::list_logs(Directory& directory, Loading& loading) {
  LH_ASSIGN(auto entries, params_.files->list(directory.path));
  size_t before = loading.jobs.size();
  for (const auto& entry : entries) {
    if (!entry.is_directory) continue;
    if (entry.name.ends_with(kDeleteSuffix) && entry.name.find('.') != std::string::npos) {
      std::lock_guard lock(mutex_);
      doomed_.push_back({directory.path + "/" + entry.name, params_.clock->wall_ms()});
      continue;
    }
    auto id = parse_name(entry.name);
    if (!id) {
      params_.logger.warn("{}/{} is no log; leaving it alone", directory.path, entry.name);
    } else if (id->topic != kMetadataTopic) {
      loading.jobs.push_back({&directory, std::move(*id)});
    }
  }
  if (loading.jobs.size() == before) directory.clean = true;  // nothing there that could be unclean
  return {};
}

std::shared_ptr<LogManager::Loading> LogManager::begin_loading(base::Callback<void(Loaded)> done) {
  auto loading = std::make_shared<Loading>();
  loading->began = params_.clock->monotonic();
  loading->done = std::move(done);
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    if (auto listed = list_logs(*directory, *loading); !listed) {
      fail_directory(directory->path, listed.error());
    }
  }
  loading->left = loading->jobs.size();
  return loading;
}

void LogManager::load_log(Directory& directory, const TopicPartition& id, Loading& loading) {
  if (!directory.online || loading.cancelled) return;
  if (params_.cancelled && params_.cancelled()) {
    loading.cancelled = true;
    return;
  }
  auto log = Log::open(log_params(directory, id));
  if (!log && log.error().code == base::Errc::kCancelled) {
    loading.cancelled = true;
    return;
  }
  if (!log) {
    fail_directory(directory.path, log.error());
    return;
  }
  if (!insert(*log, directory)) {
    std::lock_guard lock(mutex_);
    twins_.push_back({*log, &directory});
  }
  ++loading.logs;
}

void LogManager::settle_twins(const Claim& claim_of) {
  std::lock_guard creating(create_mutex_);
  auto claim = [&](const Log& log) {
    int wanted = claim_of(log);
    bool holds_something = log.log_end_offset() > log.log_start_offset();
    return wanted == 0 ? std::pair(0, false) : std::pair(wanted, holds_something);
  };
  for (Entry& twin : std::exchange(twins_, {})) {
    TopicPartition id = twin.log->id();
    std::shared_ptr<Log> first = get(id.topic, id.partition);
    if (!first) {
      insert(twin.log, *twin.directory);
    } else if (claim(*first).second && claim(*first) == claim(*twin.log)) {
      fail_directory(twin.directory->path,
                     {base::Errc::kConflict, id.to_string() + " is also in " +
                                                 directory_of(id.topic, id.partition) +
                                                 "; remove one of the two"});
    } else if (claim(*first) < claim(*twin.log)) {
      auto replaced = take_out(id);
      insert(twin.log, *twin.directory);
      if (replaced) put_twin_aside(*replaced);
    } else {
      put_twin_aside(twin);
    }
  }
}

void LogManager::put_twin_aside(const Entry& twin) {
  std::string path = twin.log->path();
  if (auto aside = put_away(twin, kStraySuffix); aside) {
    params_.logger.warn("{} is not the only one of its name: it is put aside as {}", path, *aside);
  }
}

void LogManager::note_stale_entries(Directory& directory) {
  std::lock_guard lock(mutex_);
  for (const auto* checkpoint :
       {&directory.recovery_points, &directory.log_starts, &directory.first_dirty}) {
    for (const auto& [key, offset] : *checkpoint) {
      auto topic = topics_.find(key.first);
      bool here = topic != topics_.end() && topic->second.contains(key.second) &&
                  topic->second.at(key.second).directory == &directory;
      if (!here) directory.stale.insert(key);
    }
  }
}

void LogManager::finish_loading(Loading& loading) {
  Loaded loaded;
  if (loading.cancelled) {  // a directory that was stopped in order keeps its marker
    loaded.cancelled = true;
    return loading.done(loaded);
  }
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    if (!directory->clean) ++loaded.unclean_directories;
    // From here on logs are written to: the next stop has to earn a marker of its own. And what was
    // deleted before must not come back, after a crash, where there is something new of its name.
    if (auto removed = remove_clean_shutdown(*params_.files, directory->path); !removed) {
      fail_directory(directory->path, removed.error());
      continue;
    }
    note_stale_entries(*directory);
    directory->recovery_points = {};
    directory->log_starts = {};
    directory->high_watermarks = {};
    directory->first_dirty = {};
    directory->loaded = true;
    // From now on a recovery point that is not on disk never was.
    if (auto written = write_checkpoints(*directory); !written) {
      params_.logger.warn("checkpoint: {}", written.error().message);
    }
  }
  loaded.logs = loading.logs;
  auto took = params_.clock->monotonic() - loading.began;
  loaded.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  params_.logger.info("loaded {} logs in {} ms; {} directories were not stopped in order",
                      loaded.logs, loaded.took_ms, loaded.unclean_directories);
  loading.done(loaded);
}

void LogManager::load(base::Executor& workers, base::Callback<void(Loaded)> done) {
  auto loading = begin_loading(std::move(done));
  if (loading->jobs.empty()) {
    workers.post([this, loading] { finish_loading(*loading); });
    return;
  }
  for (size_t i = 0; i < loading->jobs.size(); ++i) {
    workers.post([this, loading, i] {
      load_log(*loading->jobs[i].directory, loading->jobs[i].id, *loading);
      if (--loading->left == 0) finish_loading(*loading);
    });
  }
}

LogManager::Loaded LogManager::load() {
  Loaded result;
  auto loading = begin_loading([&result](Loaded loaded) { result = loaded; });
  for (const auto& job : loading->jobs) load_log(*job.directory, job.id, *loading);
  finish_loading(*loading);
  return result;
}

}  // namespace longhaul::broker::log
