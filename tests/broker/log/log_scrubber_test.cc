// Rot that nobody has read yet.
#include "broker/log/log_scrubber.h"

#include <gtest/gtest.h>

#include "tests/broker/log/log_fixture.h"
#include "tests/support/lines.h"

namespace longhaul::broker::log {
namespace {

class LogScrubberTest : public testing::Test {
 protected:
  LogScrubberTest() {
    EXPECT_TRUE(files_.create_directories("/data"));
    open();
    for (int i = 0; i < 3; ++i) append();
    EXPECT_TRUE(log_->roll());
    for (int i = 0; i < 2; ++i) append();
    EXPECT_TRUE(log_->flush());
    logs_->write_checkpoints();
  }

  void open() {
    scrubber_.reset();
    log_.reset();
    logs_.reset();
    LogManager::Params params{.files = &files_,
                              .clock = &clock_,
                              .random = &random_,
                              .logger = base::Logger(base::null_sink(), "log"),
                              .directories = {"/data"},
                              .config_of = [](auto&) { return std::make_shared<LogConfig>(); },
                              .cancelled = {},
                              .on_directory_failure = {}};
    logs_ = std::move(*LogManager::open(std::move(params)));
    logs_->load();
    log_ = *logs_->get_or_create({"t", 0}, {}, Presence::kNew);
    scrubber_ = std::make_unique<LogScrubber>(LogScrubber::Params{
        .logs = *logs_,
        .clock = clock_,
        .logger = base::Logger(said_, "scrubber"),
        .bytes_per_second = 1000,
        .pause =
            [this](auto pause) {
              longest_ = std::max(longest_, pause);
              return !stopped_;
            },
        .on_damage = [this](auto, auto damage) { found_.push_back(std::move(damage)); }});
  }

  void append() {
    base::Bytes batch = make_batch({.value_size = 100});
    ASSERT_TRUE(log_->append_as_leader(batch, {}));
  }
  void rot(uint64_t byte, const std::string& file = "00000000000000000000.log") {
    ASSERT_TRUE(files_.flip_bit("/data/t-0/" + file, byte, 2));
  }

  base::MemoryFileSystem files_;
  HandClock clock_;
  base::SeededRandom random_{5};
  std::unique_ptr<LogManager> logs_;
  std::shared_ptr<Log> log_;
  tests::Lines said_{base::LogLevel::kError};
  std::unique_ptr<LogScrubber> scrubber_;
  std::chrono::microseconds longest_{};
  bool stopped_ = false;
  std::vector<Damage> found_;
};

TEST_F(LogScrubberTest, ReadsColdSegmentsWithinItsRate) {
  scrubber_->run();
  ScrubStats stats = scrubber_->stats();
  EXPECT_EQ(stats.bytes_read, log_->next_cold_segment(0)->size());
  EXPECT_EQ(stats.damaged_batches, 0u);
  EXPECT_EQ(stats.passes, 1u);
  EXPECT_EQ(longest_, std::chrono::microseconds(stats.bytes_read * 1000));
  EXPECT_TRUE(said_.take().empty());
}

TEST_F(LogScrubberTest, SaysWhereABatchHasRottedAndGoesOn) {
  uint64_t batch_bytes = log_->next_cold_segment(0)->size() / 3;
  rot(batch_bytes + 100);
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().damaged_batches, 1u);
  std::vector<std::string> said = said_.take();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0],
            fmt::format("t-0 is damaged: /data/t-0/00000000000000000000.log at position {}: the "
                        "batch at offset 1: wrong CRC",
                        batch_bytes));
  EXPECT_EQ(scrubber_->stats().bytes_read, batch_bytes * 3);
  EXPECT_FALSE(log_->is_offline());
}

TEST_F(LogScrubberTest, WhatHasRottedIsMendedWithWhatAnotherHas) {
  auto segment = log_->next_cold_segment(0);
  base::Bytes whole(segment->size());
  ASSERT_TRUE((*segment->file())->read_at(0, whole));
  base::ByteView good(whole);
  uint64_t batch = whole.size() / 3;
  for (auto bytes : std::vector<std::vector<uint64_t>>{
           {100}, {batch + 100}, {2 * batch + 100}, {100, batch + 100}, {records::kLengthAt}}) {
    for (uint64_t byte : bytes) rot(byte);
    found_.clear();
    clock_.now_ms += 86'400'000;
    scrubber_->run();
    ASSERT_EQ(found_.size(), 1u);
    const Damage& damage = found_[0];
    EXPECT_EQ(damage.position, bytes[0] / batch * batch);
    EXPECT_EQ(damage.offset, static_cast<int64_t>(bytes[0] / batch));
    for (size_t i = 1; i < bytes.size(); ++i) {
      EXPECT_FALSE(*log_->repair(damage, good.subspan(damage.position, i * batch)));
    }
    ASSERT_TRUE(*log_->repair(damage, good.subspan(damage.position))) << "more than needed";
    base::Bytes mended(whole.size());
    ASSERT_TRUE((*segment->file())->read_at(0, mended));
    EXPECT_EQ(mended, whole);
  }
}

TEST_F(LogScrubberTest, WhatIsNoBetterOrBelongsElsewhereMendsNothing) {
  auto segment = log_->next_cold_segment(0);
  base::Bytes whole(segment->size());
  ASSERT_TRUE((*segment->file())->read_at(0, whole));
  uint64_t batch = whole.size() / 3;
  rot(batch + 100);
  scrubber_->run();
  ASSERT_EQ(found_.size(), 1u);
  base::ByteView good(whole);
  EXPECT_FALSE(log_->repair(found_[0], good.first(batch))) << "the batch before";
  EXPECT_FALSE(log_->repair(found_[0], good.subspan(2 * batch))) << "the batch behind";
  base::Bytes bad(whole.begin() + static_cast<std::ptrdiff_t>(batch),
                  whole.begin() + static_cast<std::ptrdiff_t>(2 * batch));
  bad[100] ^= 1;
  EXPECT_FALSE(log_->repair(found_[0], bad));
  ASSERT_TRUE(log_->truncate_to(4));
  EXPECT_FALSE(log_->repair(found_[0], good.subspan(batch, batch))) << "it has changed meanwhile";
}

TEST_F(LogScrubberTest, AHeaderThatMakesNoSenseEndsItsSegment) {
  rot(records::kLengthAt);
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().damaged_batches, 1u);
  std::vector<std::string> said = said_.take();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("at position 0: "), std::string::npos);
}

TEST_F(LogScrubberTest, WhatCannotBeReadIsTheDisksFault) {
  for (auto failing : {base::DiskOperation::kOpen, base::DiskOperation::kRead}) {
    log_->close_idle_files();
    log_->close_idle_files();
    files_.set_fault_hook([=](base::DiskOperation operation, std::string_view path) {
      std::optional<base::Fault> fault;
      bool fails = operation == failing && path.ends_with(".log");
      if (fails) fault = {{base::Errc::kIo, "injected"}, 0};
      return fault;
    });
    scrubber_->run();
    files_.set_fault_hook({});
    EXPECT_TRUE(log_->is_offline());
    EXPECT_EQ(scrubber_->stats().damaged_batches, 0u);
    open();
  }
}

TEST_F(LogScrubberTest, WhatIsStillWrittenToIsLeftAlone) {
  rot(100, "00000000000000000003.log");
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().damaged_batches, 0u);
}

TEST_F(LogScrubberTest, OneADayIsEnoughAndWhatWasRepairedIsForgotten) {
  rot(100);
  scrubber_->run();
  rot(100);  // the same bit: as it was
  clock_.now_ms += 86'400'000 - 1;
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().passes, 1u);
  clock_.now_ms += 1;
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().passes, 2u);
  EXPECT_EQ(scrubber_->stats().damaged_batches, 0u);
}

TEST_F(LogScrubberTest, WhoIsCalledOffBeginsAnew) {
  stopped_ = true;
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().passes, 0u);
  stopped_ = false;
  scrubber_->run();
  EXPECT_EQ(scrubber_->stats().passes, 1u);
}

}  // namespace
}  // namespace longhaul::broker::log
