#include "broker/log/log_manager.h"

#include "tests/broker/log/log_fixture.h"
#include "tests/support/queue_executor.h"

namespace longhaul::broker::log {
namespace {

using test::QueueExecutor;

class LogManagerTest : public testing::Test {
 protected:
  LogManagerTest() {
    EXPECT_TRUE(files_.create_directories("/a"));
    EXPECT_TRUE(files_.create_directories("/b"));
    EXPECT_TRUE(files_.sync_directory("/"));
    config_.segment_bytes = 500;
  }

  LogManager::Params params() {
    LogManager::Params params{&files_, &clock_, &random_, base::Logger(base::null_sink(), "log")};
    params.directories = {"/a", "/b"};
    params.config_of = [this](const std::string&) { return std::make_shared<LogConfig>(config_); };
    params.cancelled = cancelled_;
    params.on_directory_failure = [this](const std::string& directory, const base::Error&) {
      failed_.push_back(directory);
    };
    return params;
  }
  LogManager::Loaded start() {
    manager_.reset();
    auto manager = LogManager::open(params());
    EXPECT_TRUE(manager) << manager.error().message;
    manager_ = std::move(*manager);
    QueueExecutor workers;
    std::optional<LogManager::Loaded> result;
    manager_->load(workers, [&](LogManager::Loaded loaded) { result = loaded; });
    EXPECT_FALSE(result);
    workers.run();
    EXPECT_TRUE(result);
    return *result;
  }
  std::shared_ptr<Log> create(const std::string& topic, int32_t partition) {
    auto log = manager_->get_or_create({topic, partition}, id_, Presence::kNew);
    EXPECT_TRUE(log) << log.error().message;
    return *log;
  }
  void append(Log& log, int count = 1) {
    for (int i = 0; i < count; ++i) {
      base::Bytes batch = make_batch({.value_size = 100});
      EXPECT_TRUE(log.append_as_leader(batch, {}));
    }
    log.set_high_watermark(log.log_end_offset());
  }
  void copy(const std::string& from, const std::string& to) {
    ASSERT_TRUE(files_.create_directories(to));
    auto entries = files_.list(from);
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) {
      auto content = base::read_file(files_, from + "/" + entry.name, 1 << 20);
      ASSERT_TRUE(content);
      ASSERT_TRUE(base::write_file_atomic(files_, to + "/" + entry.name, *content));
    }
  }
  std::string text(const std::string& path) {
    auto content = base::read_file(files_, path, 1 << 20);
    return content ? std::string(base::as_text(*content)) : "none";
  }

  base::MemoryFileSystem files_;
  HandClock clock_;
  base::SeededRandom random_{7};
  LogConfig config_;
  base::Uuid id_ = base::Uuid::random(random_);
  std::unique_ptr<LogManager> manager_;
  std::vector<std::string> failed_;
  std::function<bool()> cancelled_;
};

TEST_F(LogManagerTest, SpreadsLogsAndFindsThemAgain) {
  EXPECT_EQ(0u, start().logs);
  for (int i = 0; i < 4; ++i) append(*create("t", i), i + 1);
  append(*create("my-topic.x", 0));
  EXPECT_EQ("/a", manager_->directory_of("t", 0));
  EXPECT_EQ("/b", manager_->directory_of("t", 1));
  EXPECT_TRUE(manager_->shutdown(12));
  EXPECT_EQ("{\"version\":0,\"brokerEpoch\":12}", text("/a/.kafka_cleanshutdown"));
  EXPECT_EQ("0\n2\nt 1 2\nt 3 4\n", text("/b/recovery-point-offset-checkpoint"));
  EXPECT_EQ("0\n2\nt 1 2\nt 3 4\n", text("/b/replication-offset-checkpoint"));

  auto loaded = start();
  EXPECT_EQ(5u, loaded.logs);
  EXPECT_EQ(0u, loaded.unclean_directories);
  EXPECT_EQ(12, manager_->previous_broker_epoch());
  EXPECT_FALSE(files_.exists("/a/.kafka_cleanshutdown"));
  EXPECT_EQ(4, manager_->get("t", 3)->log_end_offset());
  EXPECT_EQ(4, manager_->get("t", 3)->high_watermark());
  EXPECT_EQ(id_, manager_->get("my-topic.x", 0)->topic_id());
  EXPECT_EQ(nullptr, manager_->get("t", 4));
  EXPECT_EQ(2u, start().unclean_directories);
}

TEST_F(LogManagerTest, AStopWasInOrderOnlyIfItWasSoInAllDirectories) {
  start();
  EXPECT_TRUE(manager_->shutdown(12));
  std::string marker = text("/a/.kafka_cleanshutdown");
  ASSERT_TRUE(files_.remove("/b/.kafka_cleanshutdown"));
  start();
  EXPECT_EQ(-1, manager_->previous_broker_epoch());
  EXPECT_TRUE(manager_->shutdown(13));
  ASSERT_TRUE(base::write_file_atomic(files_, "/a/.kafka_cleanshutdown", base::as_bytes(marker)));
  start();
  EXPECT_EQ(-1, manager_->previous_broker_epoch());
  EXPECT_TRUE(manager_->shutdown(14));
  start();
  EXPECT_EQ(14, manager_->previous_broker_epoch());
}

TEST_F(LogManagerTest, ARecoveryThatIsCalledOffLosesNothing) {
  config_.segment_bytes = 64 << 20;
  start();
  auto log = create("large", 0);  // in /a
  append(*create("small", 0));    // in /b
  for (int i = 0; i < 6; ++i) {
    base::Bytes batch = make_batch({.count = 2, .value_size = 1 << 20});
    ASSERT_TRUE(log->append_as_leader(batch, {}));
  }
  log.reset();
  ASSERT_TRUE(manager_->shutdown(1));
  ASSERT_TRUE(files_.remove("/a/.kafka_cleanshutdown"));
  for (int times = 0; times < 4; ++times) {
    int asked = 0;
    cancelled_ = [&] { return asked++ == times; };
    auto loaded = start();
    EXPECT_EQ(asked, times + 1) << "once it is called off nothing more is begun";
    EXPECT_TRUE(loaded.cancelled);
    EXPECT_FALSE(files_.exists("/a/.kafka_cleanshutdown"));
    EXPECT_TRUE(files_.exists("/b/.kafka_cleanshutdown"));
    EXPECT_TRUE(failed_.empty()) << "it is not the disk's fault";
  }
  cancelled_ = nullptr;
  auto loaded = start();
  EXPECT_EQ(loaded.logs, 2u);
  EXPECT_EQ(loaded.unclean_directories, 1u);
  EXPECT_EQ(manager_->get("large", 0)->log_end_offset(), 12);
  EXPECT_EQ(manager_->get("small", 0)->log_end_offset(), 1);
}

TEST_F(LogManagerTest, CheckpointsThatWouldSayTheSameAreNotWritten) {
  start();
  auto log = create("t", 0);
  append(*log);
  manager_->write_checkpoints();
  manager_->write_high_watermarks();
  int syncs = 0;
  files_.set_fault_hook([&](base::DiskOperation what, std::string_view) {
    syncs += what == base::DiskOperation::kSync || what == base::DiskOperation::kSyncDirectory;
    return std::nullopt;
  });
  manager_->write_checkpoints();
  manager_->write_high_watermarks();
  EXPECT_EQ(syncs, 0);
  append(*log);
  manager_->write_high_watermarks();
  EXPECT_GT(syncs, 0);
  EXPECT_EQ("0\n1\nt 0 2\n", text("/a/replication-offset-checkpoint"));
  files_.set_fault_hook({});
}

TEST_F(LogManagerTest, OneProcessADirectory) {
  start();
  auto second = LogManager::open(params());
  ASSERT_FALSE(second);
  EXPECT_EQ(base::Errc::kConflict, second.error().code);
}

TEST_F(LogManagerTest, ATopicOfTheSameNameIsAnother) {
  start();
  append(*create("t", 0));
  auto old = manager_->get("t", 0);
  base::Uuid other = base::Uuid::random(random_);
  auto conflict = manager_->get_or_create({"t", 0}, other, Presence::kNew);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(base::Errc::kConflict, conflict.error().code);
  ASSERT_TRUE(manager_->remove({"t", 0}));
  EXPECT_EQ(base::Errc::kNotFound, manager_->remove({"t", 0}).error().code);
  auto fresh = manager_->get_or_create({"t", 0}, other, Presence::kNew);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(0, (*fresh)->log_end_offset());
  base::Bytes batch = make_batch({});
  EXPECT_FALSE(old->append_as_leader(batch, {}));
  EXPECT_EQ(1, old->log_end_offset());

  auto count = [&] { return files_.list("/a")->size(); };
  size_t before = count();
  manager_->remove_deleted();
  EXPECT_EQ(before, count());
  clock_.now_ms += config_.file_delete_delay_ms;
  manager_->remove_deleted();
  EXPECT_EQ(before - 1, count());
}

TEST_F(LogManagerTest, ATopicOfTheSameNameHasNoCheckpointOfTheOld) {
  const std::string file = "/a/recovery-point-offset-checkpoint";
  for (bool restarts : {false, true}) {
    start();
    append(*create("t", 0), 30);
    ASSERT_TRUE(manager_->get("t", 0)->flush());
    manager_->write_checkpoints();
    EXPECT_EQ("0\n1\nt 0 30\n", text(file));
    ASSERT_TRUE(manager_->remove({"t", 0}));
    if (restarts) start();
    append(*create("t", 0));
    EXPECT_EQ("0\n0\n", text(file));
    ASSERT_TRUE(manager_->remove({"t", 0}));
  }
}

TEST_F(LogManagerTest, ADeletedLogDoesNotComeBackBesideANewOneOfItsName) {
  for (bool restarts : {false, true}) {
    start();
    auto old = create("t", 0);
    append(*old);
    ASSERT_TRUE(old->flush());
    std::string directory = manager_->directory_of("t", 0);
    if (!restarts) manager_->write_checkpoints();
    ASSERT_TRUE(manager_->remove({"t", 0}));
    if (restarts) start();
    create("u", restarts);  // takes the old one's place
    id_ = base::Uuid::random(random_);
    auto fresh = create("t", 0);
    EXPECT_NE(directory, manager_->directory_of("t", 0));
    append(*fresh, 2);
    ASSERT_TRUE(fresh->flush());
    files_.crash(base::CrashMode::kLoseUnsynced, random_);
    start();
    EXPECT_TRUE(failed_.empty());
    ASSERT_NE(nullptr, manager_->get("t", 0));
    EXPECT_EQ(2, manager_->get("t", 0)->log_end_offset());
    ASSERT_TRUE(manager_->remove({"t", 0}));
  }
}

TEST_F(LogManagerTest, ADeletionIsFinishedAfterARestart) {
  start();
  append(*create("t", 0));
  ASSERT_TRUE(manager_->remove({"t", 0}));
  EXPECT_EQ(0u, start().logs);
  size_t before = files_.list("/a")->size();
  manager_->remove_deleted();
  EXPECT_EQ(before - 1, files_.list("/a")->size());
}

TEST_F(LogManagerTest, WhatIsSetAsideStays) {
  start();
  append(*create("t", 0));
  auto aside = manager_->set_aside({"t", 0});
  ASSERT_TRUE(aside) << aside.error().message;
  EXPECT_TRUE(aside->ends_with("-stray"));
  EXPECT_EQ(manager_->get("t", 0), nullptr);
  clock_.now_ms += 86'400'000;
  manager_->remove_deleted();
  EXPECT_EQ(start().logs, 0u);
  manager_->remove_deleted();
  EXPECT_TRUE(files_.exists(*aside + "/00000000000000000000.log"));
  EXPECT_EQ(create("t", 0)->log_end_offset(), 0);
}

TEST_F(LogManagerTest, ACheckpointThatMakesNoSenseIsGoneOnWithout) {
  start();
  append(*create("t", 0), 3);
  manager_->write_checkpoints();
  for (const char* name : {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
                           "replication-offset-checkpoint"}) {
    std::string path = std::string("/a/") + name;
    ASSERT_TRUE(base::write_file_atomic(files_, path, base::as_bytes("\xff\xfe\n5\n")));
  }
  EXPECT_EQ(start().logs, 1u);
  EXPECT_EQ(manager_->get("t", 0)->log_end_offset(), 3);
  EXPECT_TRUE(failed_.empty());
}

TEST_F(LogManagerTest, CheckpointsBoundWhatIsReadAfterACrash) {
  start();
  auto log = create("t", 0);
  append(*log, 30);
  EXPECT_GT(log->segment_count(), 3u);
  manager_->flush_due();
  EXPECT_EQ(30, log->recovery_point());
  ASSERT_TRUE(log->advance_log_start_offset(7));
  manager_->write_checkpoints();
  manager_->write_high_watermarks();
  append(*log, 2);
  files_.crash(base::CrashMode::kLoseUnsynced, random_);
  auto loaded = start();
  EXPECT_EQ(1u, loaded.logs);
  EXPECT_EQ(1u, loaded.unclean_directories);
  log = manager_->get("t", 0);
  EXPECT_EQ(30, log->log_end_offset());
  EXPECT_EQ(30, log->high_watermark());
  EXPECT_EQ(7, log->log_start_offset());
}

TEST_F(LogManagerTest, OneDirectoryFailsAlone) {
  start();
  auto in_a = create("t", 0);
  auto in_b = create("t", 1);
  files_.set_fault_hook([](base::DiskOperation operation, std::string_view path) {
    std::optional<base::Fault> fault;
    if (operation == base::DiskOperation::kWrite && path.starts_with("/a/")) {
      fault = {{base::Errc::kIo, "injected"}, 0};
    }
    return fault;
  });
  base::Bytes batch = make_batch({});
  EXPECT_FALSE(in_a->append_as_leader(batch, {}));
  append(*in_b);
  EXPECT_EQ(std::vector<std::string>{"/a"}, failed_);
  EXPECT_EQ(nullptr, manager_->get("t", 0));
  EXPECT_NE(nullptr, manager_->get("t", 1));
  EXPECT_EQ(base::Errc::kIo, manager_->get_or_create({"t", 0}, id_, Presence::kNew).error().code);
  create("t", 2);
  EXPECT_EQ("/b", manager_->directory_of("t", 2));
  EXPECT_EQ("injected", manager_->directories().at(0).failure);
  EXPECT_EQ("", manager_->directories().at(1).failure);
  EXPECT_EQ(std::vector<base::Uuid>{manager_->directories().at(1).directory_id},
            manager_->online_directory_ids());
  EXPECT_EQ(std::vector<base::Uuid>{manager_->directories().at(0).directory_id},
            manager_->offline_directory_ids());
  EXPECT_TRUE(manager_->shutdown(1));
  EXPECT_FALSE(files_.exists("/a/.kafka_cleanshutdown"));
  EXPECT_TRUE(files_.exists("/b/.kafka_cleanshutdown"));
}

TEST_F(LogManagerTest, NoLogBeginsAnewThatMayLieInADirectoryThatIsOffline) {
  start();
  append(*create("t", 0));
  append(*create("t", 1));
  ASSERT_TRUE(manager_->shutdown(1));
  files_.set_fault_hook([](base::DiskOperation, std::string_view path) {
    std::optional<base::Fault> fault;
    if (path.starts_with("/a")) fault = {{base::Errc::kIo, "injected"}, 0};
    return fault;
  });
  EXPECT_EQ(1u, start().logs);
  EXPECT_EQ(std::vector<std::string>{"/a"}, failed_);
  auto lost = manager_->get_or_create({"t", 0}, id_, Presence::kUnknown);
  ASSERT_FALSE(lost);
  EXPECT_EQ(base::Errc::kIo, lost.error().code);
  EXPECT_TRUE(manager_->get_or_create({"t", 1}, id_, Presence::kUnknown));
  EXPECT_TRUE(manager_->get_or_create({"t", 2}, id_, Presence::kNew));
  files_.set_fault_hook({});
}

TEST_F(LogManagerTest, AReadThatFailsTakesTheDirectoryOfflineToo) {
  start();
  auto log = create("t", 0);
  append(*log, 2);
  log->close_idle_files();
  log->close_idle_files();
  files_.set_fault_hook([](base::DiskOperation operation, std::string_view) {
    std::optional<base::Fault> fault;
    if (operation == base::DiskOperation::kRead) fault = {{base::Errc::kIo, "injected"}, 0};
    return fault;
  });
  auto read = log->read({.offset = 0, .max_bytes = 100, .upper_bound = 2});
  ASSERT_FALSE(read);
  EXPECT_EQ(protocol::ErrorCode::kKafkaStorageError, read.error().code);
  EXPECT_EQ(std::vector<std::string>{"/a"}, failed_);
}

TEST_F(LogManagerTest, ALogThatCannotBeOpenedTakesItsDirectoryOffline) {
  start();
  append(*create("t", 0));
  append(*create("t", 1));
  ASSERT_TRUE(manager_->shutdown(1));
  auto file = files_.open("/a/t-0/00000000000000000000.log", base::OpenMode::kCreate);
  ASSERT_TRUE((*file)->write_at(16, base::as_bytes(std::string_view("\0", 1))));  // magic 0
  EXPECT_EQ(1u, start().logs);
  EXPECT_EQ(std::vector<std::string>{"/a"}, failed_);
}

TEST_F(LogManagerTest, RetentionAndSettings) {
  start();
  auto log = create("t", 0);
  append(*log, 30);
  EXPECT_EQ(0u, manager_->delete_old_segments());
  LogConfig small = config_;
  small.retention_bytes = 600;
  manager_->set_config("t", std::make_shared<LogConfig>(small));
  EXPECT_GT(manager_->delete_old_segments(), 0u);
  EXPECT_LT(log->size_bytes(), 1200u);
  size_t files = files_.list("/a/t-0")->size();
  clock_.now_ms += small.file_delete_delay_ms;
  manager_->remove_deleted();
  EXPECT_LT(files_.list("/a/t-0")->size(), files);
}

TEST_F(LogManagerTest, NothingExpiresBeforeItIsKnownWhatTheTopicWants) {
  start();
  append(*create("t", 0), 30);
  ASSERT_TRUE(manager_->shutdown(1));
  config_.retention_bytes = 0;  // of the broker; the topic may have others
  start();
  EXPECT_EQ(0u, manager_->delete_old_segments());
  manager_->set_config("t", std::make_shared<LogConfig>(config_));
  EXPECT_GT(manager_->delete_old_segments(), 0u);
}

TEST_F(LogManagerTest, OfTwoLogsTheOneWithTheClaimStays) {
  start();
  for (int32_t partition : {0, 1}) append(*create("t", partition));
  copy("/a/t-0", "/b/t-0");
  copy("/b/t-1", "/a/t-1");
  start();
  manager_->settle_twins([](const Log& log, const base::Uuid&) {
    return log.path() == "/a/t-0" || log.path() == "/b/t-1" ? 2 : 0;
  });
  EXPECT_EQ(std::vector<std::string>{}, failed_);
  EXPECT_EQ("/a", manager_->directory_of("t", 0));
  EXPECT_EQ("/b", manager_->directory_of("t", 1));
  EXPECT_FALSE(files_.exists("/b/t-0"));
  EXPECT_FALSE(files_.exists("/a/t-1"));
  for (int32_t partition : {0, 1}) append(*manager_->get("t", partition));
}

TEST_F(LogManagerTest, OfTwoLogsTheEmptyOneGoes) {
  start();
  append(*create("t", 0));
  ASSERT_TRUE(files_.create_directories("/b/t-0"));
  start();
  manager_->settle_twins([](const Log&, const base::Uuid&) { return 1; });
  EXPECT_EQ(std::vector<std::string>{}, failed_);
  EXPECT_EQ("/a", manager_->directory_of("t", 0));
  EXPECT_EQ(1, manager_->get("t", 0)->log_end_offset());
}

TEST_F(LogManagerTest, OfTwoLogsThatAreEquallyGoodNoneIsTouched) {
  start();
  append(*create("t", 0));
  copy("/a/t-0", "/b/t-0");
  start();
  manager_->settle_twins([](const Log&, const base::Uuid&) { return 2; });
  EXPECT_EQ(1u, failed_.size());
  EXPECT_TRUE(files_.exists("/a/t-0"));
  EXPECT_TRUE(files_.exists("/b/t-0"));
}

TEST_F(LogManagerTest, LeavesTheMetadataLogAlone) {
  ASSERT_TRUE(files_.create_directories("/a/__cluster_metadata-0"));
  ASSERT_TRUE(files_.create_directories("/a/lost+found"));
  EXPECT_EQ(0u, start().logs);
}

TEST(MetaPropertiesTest, RoundTripAndErrors) {
  base::MemoryFileSystem files;
  ASSERT_TRUE(files.create_directories("/d"));
  EXPECT_EQ(std::nullopt, *read_meta_properties(files, "/d"));
  base::SeededRandom random(1);
  MetaProperties properties{"4L6g3nShT-eMCtK--X86sw", 3, base::Uuid::random(random)};
  ASSERT_TRUE(write_meta_properties(files, "/d", properties));
  EXPECT_EQ(properties, *read_meta_properties(files, "/d"));
  auto put = [&](std::string_view text) {
    ASSERT_TRUE(base::write_file_atomic(files, "/d/meta.properties", base::as_bytes(text)));
  };
  put("#\n#Sun Nov 22 03:39:28 UTC 2026\nnode.id=1\nversion=1\r\ncluster.id=x\n");
  auto read = read_meta_properties(files, "/d");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ("x", (*read)->cluster_id);
  EXPECT_EQ(1, (*read)->node_id);
  EXPECT_FALSE((*read)->directory_id);
  put("version=0\nbroker.id=1\n");
  EXPECT_EQ(base::Errc::kUnsupported, read_meta_properties(files, "/d").error().code);
  put("version=1\nnode.id=-1\n");
  EXPECT_EQ(base::Errc::kCorrupt, read_meta_properties(files, "/d").error().code);
}

}  // namespace
}  // namespace longhaul::broker::log
