// Which logs the cleaner takes, and what it does about those it cannot compact.
#include "broker/log/log_cleaner.h"

#include <gtest/gtest.h>

#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

class LogCleanerTest : public testing::Test {
 protected:
  LogCleanerTest() {
    EXPECT_TRUE(files_.create_directories("/data"));
    EXPECT_TRUE(files_.create_directories("/data2"));
    config_->cleanup_compact = true;
    config_->cleanup_delete = false;
    open();
  }

  void open() {
    cleaner_.reset();
    logs_.reset();
    LogManager::Params params{.files = &files_,
                              .clock = &clock_,
                              .random = &random_,
                              .logger = base::Logger(base::null_sink(), "log"),
                              .directories = {"/data", "/data2"},
                              .config_of = [this](const std::string&) { return config_; },
                              .cancelled = {},
                              .on_directory_failure = {}};
    auto opened = LogManager::open(std::move(params));
    ASSERT_TRUE(opened);
    logs_ = std::move(*opened);
    logs_->load();
    cleaner_ = std::make_unique<LogCleaner>(
        LogCleaner::Params{.logs = *logs_,
                           .clock = clock_,
                           .random = random_,
                           .logger = base::Logger(base::null_sink(), "cleaner"),
                           .settings = {.map_slots = 1000},
                           .bytes_per_second = 1000,
                           .pause =
                               [this](auto) {
                                 if (on_pause_) std::exchange(on_pause_, {})();
                                 return !stopped_;
                               },
                           .on_damage = [this](auto, Damage damage) { damage_ = damage; }});
  }
  /// True if a log was compacted.
  bool clean_next() {
    LogCleaner::Skipped skipped;
    return cleaner_->clean_next(skipped) && skipped.empty();
  }
  std::shared_ptr<Log> log(const std::string& topic) {
    return *logs_->get_or_create({topic, 0}, {}, Presence::kNew);
  }

  /// Fills a segment with `count` records of one key, and rolls it.
  void fill(const std::string& topic, int count) {
    for (int i = 0; i < count; ++i) {
      records::BatchBuilder builder({});
      builder.append(clock_.now_ms, base::as_bytes(std::string("key")),
                     base::as_bytes(std::string("value")));
      records::Codecs codecs;
      base::Bytes batch = builder.build(codecs);
      ASSERT_TRUE(log(topic)->append_as_leader(batch, {0}));
    }
    ASSERT_TRUE(log(topic)->roll());
    commit(topic);
  }
  void commit(const std::string& topic) {
    log(topic)->set_high_watermark(log(topic)->log_end_offset());
  }

  base::MemoryFileSystem files_;
  HandClock clock_;
  base::SeededRandom random_{5};
  std::shared_ptr<LogConfig> config_ = std::make_shared<LogConfig>();
  std::unique_ptr<LogManager> logs_;
  std::unique_ptr<LogCleaner> cleaner_;
  void fail(base::DiskOperation operation, std::string where, base::Errc why) {
    files_.set_fault_hook([=](base::DiskOperation asked, std::string_view path) {
      std::optional<base::Fault> fault;
      if (asked == operation && path.find(where) != path.npos) fault = {{why, "injected"}, 0};
      return fault;
    });
  }

  std::function<void()> on_pause_;  // once
  std::optional<Damage> damage_;    // the last that was told
  bool stopped_ = false;
};

TEST_F(LogCleanerTest, TakesTheDirtiestFirstAndThenHasNothingToDo) {
  fill("half", 10);
  ASSERT_TRUE(clean_next());
  fill("half", 3);
  fill("all", 3);
  uint64_t before = log("half")->size_bytes();
  ASSERT_TRUE(clean_next());
  EXPECT_EQ(log("all")->first_dirty_offset(), 3);
  EXPECT_EQ(log("half")->size_bytes(), before);
  ASSERT_TRUE(clean_next());
  EXPECT_EQ(log("half")->first_dirty_offset(), 13);
  EXPECT_FALSE(clean_next());
  EXPECT_EQ(cleaner_->stats().compactions, 3u);
  EXPECT_GT(cleaner_->stats().bytes_read, cleaner_->stats().bytes_written);
}

TEST_F(LogCleanerTest, WaitsUntilThereIsEnoughOrItIsOverdue) {
  config_->min_cleanable_dirty_ratio = 0.9;
  config_->max_compaction_lag_ms = 1000;
  for (int i = 0; i < 20; ++i) fill("t", 1);  // of one key each: little is left of it
  clock_.now_ms += 2000;
  ASSERT_TRUE(clean_next());
  config_->min_cleanable_dirty_ratio = 1.0;
  fill("t", 20);
  EXPECT_FALSE(clean_next());
  clock_.now_ms += 2000;
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, LeavesLogsAloneThatAreNotToBeCompacted) {
  config_->cleanup_compact = false;
  fill("t", 5);
  EXPECT_FALSE(clean_next());
}

TEST_F(LogCleanerTest, RemembersAcrossARestartHowFarItCame) {
  fill("t", 5);
  ASSERT_TRUE(clean_next());
  auto checkpoint = read_offset_checkpoint(files_, "/data/cleaner-offset-checkpoint");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->at({"t", 0}), 5);
  ASSERT_TRUE(logs_->shutdown(-1));
  open();
  EXPECT_EQ(log("t")->first_dirty_offset(), 5);
}

TEST_F(LogCleanerTest, WaitsForTheTopicsOwnSettings) {
  fill("t", 5);
  open();
  commit("t");
  EXPECT_FALSE(clean_next());
  logs_->set_config("t", config_);
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, ARottenLogIsSetAsideAndOthersGoOn) {
  fill("rotten", 5);
  ASSERT_TRUE(files_.flip_bit("/data/rotten-0/00000000000000000000.log", 70, 3));
  fill("fine", 5);
  clean_next();
  clean_next();
  EXPECT_TRUE(log("rotten")->is_uncleanable());
  EXPECT_EQ(log("fine")->first_dirty_offset(), 5);
  EXPECT_FALSE(clean_next());
  EXPECT_FALSE(log("rotten")->is_offline());
}

TEST_F(LogCleanerTest, WhatIsDamagedIsCompactedOnceItIsMended) {
  const std::string path = "/data/t-0/00000000000000000000.log";
  fill("t", 5);
  ASSERT_TRUE(log("t")->flush());
  auto whole = base::read_file(files_, path, 1 << 20);
  ASSERT_TRUE(files_.flip_bit(path, whole->size() / 2, 3));
  EXPECT_FALSE(clean_next());
  EXPECT_TRUE(log("t")->is_uncleanable());
  ASSERT_TRUE(damage_);
  EXPECT_EQ(damage_->offset, 2);
  auto mended = log("t")->repair(*damage_, base::ByteView(*whole).subspan(damage_->position));
  ASSERT_TRUE(mended) << mended.error().message;
  EXPECT_TRUE(*mended);
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, ALogThatGoesElsewhereWaits) {
  fill("t", 5);
  ASSERT_TRUE(logs_->create_future({"t", 0}, "/data2"));
  EXPECT_FALSE(clean_next());
  ASSERT_TRUE(logs_->remove_future({"t", 0}));
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, StopsWhenItIsToldTo) {
  fill("t", 5);
  stopped_ = true;
  EXPECT_FALSE(clean_next());
  EXPECT_EQ(log("t")->first_dirty_offset(), 0);
  stopped_ = false;
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, ADiskThatIsFullIsNoFailure) {
  fill("t", 5);
  files_.set_capacity(files_.used_bytes());
  EXPECT_FALSE(clean_next());
  EXPECT_FALSE(log("t")->is_offline());
  EXPECT_FALSE(log("t")->is_uncleanable());
  files_.set_capacity(files_.used_bytes() + (1 << 20));
  EXPECT_TRUE(clean_next());
}

TEST_F(LogCleanerTest, ADiskThatFailsTakesTheDirectoryOffline) {
  fill("t", 5);
  auto one = log("t");
  fail(base::DiskOperation::kWrite, ".cleaned", base::Errc::kIo);
  EXPECT_FALSE(clean_next());
  EXPECT_TRUE(one->is_offline());
  EXPECT_FALSE(logs_->directories()[0].failure.empty());
}

TEST_F(LogCleanerTest, SoDoesAnIndexThatCannotBeRead) {
  fill("t", 5);
  auto one = log("t");
  fail(base::DiskOperation::kOpen, ".txnindex", base::Errc::kIo);
  EXPECT_FALSE(clean_next());
  EXPECT_TRUE(one->is_offline());
}

TEST_F(LogCleanerTest, ALogThatFailsKeepsNobodyElseWaiting) {
  fill("a", 5);
  fill("b", 5);
  fail(base::DiskOperation::kWrite, "/a-0/", base::Errc::kNoSpace);
  LogCleaner::Skipped skipped;
  while (cleaner_->clean_next(skipped)) {
  }
  EXPECT_EQ(log("b")->first_dirty_offset(), 5);
  EXPECT_EQ(skipped.size(), 1u);
  EXPECT_EQ(cleaner_->stats().compactions, 1u);
}

TEST_F(LogCleanerTest, ATruncationMeanwhileIsNoDamage) {
  fill("t", 100);
  on_pause_ = [this] { EXPECT_TRUE(log("t")->truncate_to(1)); };
  EXPECT_FALSE(clean_next());
  EXPECT_FALSE(on_pause_);
  EXPECT_FALSE(log("t")->is_uncleanable());
}

TEST_F(LogCleanerTest, WhatItLeftOutlivesTheCheckpoints) {
  EXPECT_TRUE(files_.exists("/data/recovery-point-offset-checkpoint"));
  config_->segment_bytes = 250;
  fill("t", 3);
  fill("t", 3);
  ASSERT_TRUE(clean_next());
  for (const char* name : {"recovery-point", "cleaner"}) {
    ASSERT_TRUE(files_.remove(fmt::format("/data/{}-offset-checkpoint", name)));
  }
  open();  // as after a crash
  EXPECT_EQ(log("t")->log_end_offset(), 6);
}

}  // namespace
}  // namespace longhaul::broker::log
