// What is short (room, descriptors, memory) may be there again: no disk is given up for that.
#include "broker/log/log_manager.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

using base::DiskOperation;
using base::Errc;

class ShortageTest : public testing::Test {
 protected:
  ShortageTest() {
    EXPECT_TRUE(files_.create_directories("/a"));
    EXPECT_TRUE(files_.sync_directory("/"));
  }
  LogManager::Params params() {
    LogManager::Params params{&files_, &clock_, &random_, base::Logger(base::null_sink(), "log")};
    params.directories = {"/a"};
    params.config_of = [this](const std::string&) { return std::make_shared<LogConfig>(config_); };
    return params;
  }
  LogManager::Loaded start() {
    manager_.reset();
    auto manager = LogManager::open(params());
    EXPECT_TRUE(manager) << manager.error().message;
    manager_ = std::move(*manager);
    auto loaded = manager_->load();
    log_ = manager_->get("t", 0);
    return loaded;
  }
  void create() {
    start();
    log_ = *manager_->get_or_create({"t", 0}, id_, Presence::kNew);
  }
  LogResult<AppendResult> append(int32_t epoch = 0) {
    base::Bytes batch = make_batch({.value_size = 100, .epoch = epoch});
    auto appended = log_->append_as_leader(batch, {.leader_epoch = epoch});
    log_->set_high_watermark(log_->log_end_offset());
    return appended;
  }
  void lack(Errc what, std::function<bool(DiskOperation, std::string_view)> where) {
    files_.set_fault_hook([=](DiskOperation operation, std::string_view path) {
      bool fails = where(operation, path);
      return fails ? std::optional(base::Fault{{what, "short"}, 0}) : std::nullopt;
    });
  }
  bool is_online() { return manager_->directories()[0].failure.empty() && !log_->is_offline(); }

  base::MemoryFileSystem files_;
  HandClock clock_;
  base::SeededRandom random_{7};
  LogConfig config_;
  base::Uuid id_ = base::Uuid::random(random_);
  std::unique_ptr<LogManager> manager_;
  std::shared_ptr<Log> log_;
};

TEST_F(ShortageTest, AFullDiskIsRecovered) {
  config_.segment_bytes = 20'000;
  config_.index_interval_bytes = 1;  // more entries than are kept in memory
  create();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(append());
  files_.crash(base::CrashMode::kKeepAll, random_);
  lack(Errc::kNoSpace, [](DiskOperation operation, std::string_view path) {
    return operation == DiskOperation::kWrite && !path.ends_with(".log");
  });
  auto loaded = start();
  EXPECT_FALSE(loaded.shortage);
  ASSERT_TRUE(log_);
  EXPECT_TRUE(is_online());
  EXPECT_EQ(log_->log_end_offset(), 300);
  EXPECT_FALSE(log_->flush()) << "without indexes nothing counts as durable";
  files_.set_fault_hook({});
  EXPECT_TRUE(log_->flush());
  EXPECT_TRUE(append());
  EXPECT_TRUE(manager_->shutdown(1));
  start();
  EXPECT_EQ(log_->log_end_offset(), 301);
  EXPECT_EQ(log_->read({.offset = 150, .max_bytes = 1, .upper_bound = 301})->first_batch_too_large,
            true);
}

TEST_F(ShortageTest, WhereLoadingCannotDoWithoutItTheStartSaysWhatIsShort) {
  create();
  ASSERT_TRUE(append());
  ASSERT_TRUE(manager_->shutdown(5));
  lack(Errc::kUnavailable, [](DiskOperation operation, std::string_view path) {
    return operation == DiskOperation::kOpen && path.ends_with(".log");
  });
  auto loaded = start();
  ASSERT_TRUE(loaded.shortage);
  EXPECT_NE(loaded.shortage->message.find("limit of open files"), std::string::npos);
  EXPECT_TRUE(manager_->directories()[0].failure.empty());
  files_.set_fault_hook({});
  EXPECT_FALSE(start().shortage);
  EXPECT_EQ(manager_->previous_broker_epoch(), 5) << "what was stopped in order still is";
  EXPECT_EQ(log_->log_end_offset(), 1);
}

TEST_F(ShortageTest, SoDoesTheStartWithoutADescriptorForTheDirectory) {
  create();
  manager_.reset();
  lack(Errc::kUnavailable,
       [](DiskOperation, std::string_view path) { return path.ends_with("checkpoint"); });
  auto opened = LogManager::open(params());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("limit of open files"), std::string::npos);
}

TEST_F(ShortageTest, AProducerSnapshotThatCannotBeOpenedIsKept) {
  create();
  base::Bytes batch = make_batch({.producer_id = 7, .producer_epoch = 0, .sequence = 0});
  ASSERT_TRUE(log_->append_as_leader(batch, {}));
  ASSERT_TRUE(manager_->shutdown(1));
  lack(Errc::kUnavailable,
       [](DiskOperation, std::string_view path) { return path.ends_with(".snapshot"); });
  EXPECT_TRUE(start().shortage);
  EXPECT_TRUE(files_.exists("/a/t-0/00000000000000000001.snapshot"));
}

TEST_F(ShortageTest, ATruncationIsSettledBeforeTheNextAppend) {
  create();
  for (int32_t epoch : {0, 1, 2}) ASSERT_TRUE(append(epoch));
  ASSERT_TRUE(log_->flush());
  ASSERT_TRUE(log_->write_checkpoints());
  lack(Errc::kNoSpace, [](DiskOperation operation, std::string_view path) {
    return operation == DiskOperation::kWrite && path.find("leader-epoch") != path.npos;
  });
  EXPECT_FALSE(log_->truncate_to(1));
  EXPECT_FALSE(append(3));
  EXPECT_TRUE(log_->is_out_of_space());
  EXPECT_TRUE(is_online());
  files_.set_fault_hook({});
  EXPECT_TRUE(append(3));
  files_.crash(base::CrashMode::kLoseUnsynced, random_);
  start();
  EXPECT_EQ(log_->log_end_offset(), 1);
  EXPECT_EQ(log_->latest_epoch(), 0);
}

TEST_F(ShortageTest, ATruncationBelowTheRecoveryPointBeginsWithItsCheckpoint) {
  create();
  for (int32_t epoch : {0, 1, 2}) ASSERT_TRUE(append(epoch));
  ASSERT_TRUE(log_->flush());
  ASSERT_TRUE(log_->write_checkpoints());
  lack(Errc::kNoSpace, [](DiskOperation operation, std::string_view path) {
    return operation == DiskOperation::kWrite && path.find("recovery-point") != path.npos;
  });
  EXPECT_FALSE(log_->truncate_to(1));
  EXPECT_EQ(log_->log_end_offset(), 3) << "nothing was done";
  EXPECT_TRUE(is_online());
  files_.set_fault_hook({});
  EXPECT_TRUE(log_->truncate_to(1));
  EXPECT_EQ(log_->log_end_offset(), 1);
}

TEST_F(ShortageTest, RetentionAndDeletionWaitForRoom) {
  config_.segment_bytes = 200;
  create();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append());
  ASSERT_TRUE(log_->advance_log_start_offset(3));
  lack(Errc::kNoSpace, [](DiskOperation operation, std::string_view) {
    return operation == DiskOperation::kRename;
  });
  EXPECT_FALSE(log_->write_checkpoints());
  EXPECT_FALSE(manager_->remove({"t", 0}));
  EXPECT_EQ(manager_->get("t", 0), log_);
  EXPECT_TRUE(is_online());
  files_.set_fault_hook({});
  lack(Errc::kNoSpace, [](DiskOperation operation, std::string_view path) {
    return operation == DiskOperation::kRename && path.find("/t-0/0") != path.npos;
  });
  EXPECT_EQ(log_->delete_old_segments(clock_.now_ms), 3u);
  EXPECT_FALSE(files_.exists("/a/t-0/00000000000000000000.log"));
  EXPECT_TRUE(is_online());
  files_.set_fault_hook({});
  EXPECT_TRUE(manager_->remove({"t", 0}));
}

}  // namespace
}  // namespace longhaul::broker::log
