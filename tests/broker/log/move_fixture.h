// A log that goes from one directory to another (KIP-113), without the partition around it.
#pragma once

#include "broker/log/log_copy.h"
#include "broker/log/log_manager.h"
#include "broker/log/meta_properties.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {

class MoveFixture : public testing::Test {
 protected:
  static inline const TopicPartition kId{"t", 0};

  /// Two empty directories, /a and /b; the log is in /a.
  void begin_anew() {
    manager_.reset();
    files_ = std::make_unique<base::MemoryFileSystem>();
    for (const auto& [path, id] : {std::pair("/a", a_), std::pair("/b", b_)}) {
      ASSERT_TRUE(files_->create_directories(path));
      ASSERT_TRUE(write_meta_properties(*files_, path, {"cluster", 1, id}));
    }
    ASSERT_TRUE(files_->sync_directory("/"));
    assigned_ = a_;
    start();
    ASSERT_TRUE(manager_->get_or_create(kId, topic_, Presence::kNew));
  }
  void start() {
    manager_.reset();
    LogManager::Params params{files_.get(), &clock_, &random_,
                              base::Logger(base::null_sink(), "log")};
    params.directories = {"/a", "/b"};
    params.config_of = [this](const std::string&) { return std::make_shared<LogConfig>(config_); };
    auto manager = LogManager::open(std::move(params));
    ASSERT_TRUE(manager) << manager.error().message;
    manager_ = std::move(*manager);
    manager_->load();
    // As ReplicaManager does, whose metadata say where the replica lies.
    manager_->settle_twins(
        [this](const Log&, const base::Uuid& directory) { return directory == assigned_ ? 3 : 2; });
    if (auto future = manager_->future(kId); future && manager_->get("t", 0)) {
      ASSERT_TRUE(cut_to_match(*manager_->get("t", 0), *future->log));
    }
  }
  Log& log() { return *manager_->get("t", 0); }
  std::string place() { return manager_->directory_of("t", 0); }

  void append(int count, int32_t epoch = 0) {
    for (int i = 0; i < count; ++i) {
      base::Bytes batch = make_batch({.value_size = 100, .epoch = epoch});
      ASSERT_TRUE(log().append_as_leader(batch, {.leader_epoch = epoch}));
    }
    log().set_high_watermark(log().log_end_offset());
  }
  /// One step; true if the copy has caught up.
  base::Result<bool> copy_step(uint64_t bytes = 300) {
    auto future = manager_->future(kId);
    if (!future) return base::fail(base::Errc::kNotFound, "no copy");
    auto missing = read_missing(log(), *future->log, bytes);
    if (!missing) return base::fail(base::Errc::kIo, missing.error().message);
    auto copied = append_missing(log(), *future->log, *missing);
    if (!copied) return base::fail(base::Errc::kIo, copied.error().message);
    return copied->caught_up;
  }
  base::Result<void> copy_all() {
    for (;;) {
      LH_ASSIGN(bool all, copy_step());
      if (all) return {};
    }
  }
  /// All that ReplicaMover and Partition do to the two logs.
  base::Result<void> move_to(const std::string& directory, const base::Uuid& id) {
    auto future = manager_->future(kId);
    if (!future) {
      LH_ASSIGN(auto created, manager_->create_future(kId, directory));
      future = created;
    }
    LH_TRY(copy_all());
    assigned_ = id;
    LH_TRY(log().flush());
    LH_TRY(future->log->flush());
    LH_TRY(future->log->write_checkpoints());
    LH_TRY(future->log->take_over(log(), 0));
    return manager_->promote_future(kId, manager_->hold_still());
  }
  /// Of all batches, by offset and content.
  std::vector<std::pair<int64_t, uint32_t>> content(Log& of) {
    std::vector<std::pair<int64_t, uint32_t>> all;
    int64_t from = of.log_start_offset();
    while (from < of.log_end_offset()) {
      auto read = of.read({from, 1 << 20, of.log_end_offset(), true});
      EXPECT_TRUE(read) << read.error().message;
      if (!read) break;
      auto bytes = base::read_slice(read->slice);
      EXPECT_TRUE(bytes);
      for (const auto& header : headers_of(*bytes)) {
        all.emplace_back(header.base_offset, header.crc);
        from = header.next_offset();
      }
    }
    return all;
  }
  /// Directories in /a and /b whose names end so, or are the log's ("").
  std::vector<std::string> named(const std::string& suffix) {
    std::vector<std::string> found;
    for (const char* directory : {"/a", "/b"}) {
      auto entries = files_->list(directory);
      EXPECT_TRUE(entries);
      for (const auto& entry : *entries) {
        bool is_it = suffix.empty() ? entry.name == "t-0" : entry.name.ends_with(suffix);
        if (entry.is_directory && is_it) found.push_back(directory + ("/" + entry.name));
      }
    }
    return found;
  }

  std::unique_ptr<base::MemoryFileSystem> files_;
  HandClock clock_;
  base::SeededRandom random_{7};
  LogConfig config_;
  base::Uuid a_ = base::Uuid::random(random_);
  base::Uuid b_ = base::Uuid::random(random_);
  base::Uuid topic_ = base::Uuid::random(random_);
  base::Uuid assigned_;
  std::unique_ptr<LogManager> manager_;
};

}  // namespace longhaul::broker::log
