// One thread appends while others read, flush, and let old segments go. Meant for ThreadSanitizer.
#include <thread>

#include "tests/broker/log/compaction_fixture.h"

namespace longhaul::broker::log {
namespace {

class LogConcurrencyTest : public LogFixture {};

TEST_F(LogConcurrencyTest, ReadersSeeWholeBatchesInOrder) {
  constexpr int kBatches = 1500;
  config_.segment_bytes = 20'000;
  config_.index_interval_bytes = 200;
  config_.retention_bytes = 60'000;
  open();
  std::atomic<bool> done{false};

  auto reader = [&] {
    int64_t next = 0;
    while (next < kBatches) {
      auto result = log_->read({next, 4000, log_->high_watermark(), true});
      if (!result) {  // retention was faster
        ASSERT_EQ(protocol::ErrorCode::kOffsetOutOfRange, result.error().code)
            << result.error().message;
        next = log_->log_start_offset();
        continue;
      }
      auto bytes = base::read_slice(result->slice);
      ASSERT_TRUE(bytes);
      for (const auto& header : headers_of(*bytes)) {
        ASSERT_EQ(next, header.base_offset);
        next = header.next_offset();
        ASSERT_LE(next, log_->high_watermark());
      }
      if (bytes->empty()) std::this_thread::yield();
    }
  };
  auto keeper = [&] {
    while (!done) {
      EXPECT_TRUE(log_->flush());
      EXPECT_TRUE(log_->delete_old_segments(clock_.now_ms));
      log_->remove_deleted_files(clock_.now_ms + 100'000);
      log_->close_idle_files();
      EXPECT_TRUE(log_->offset_of_max_timestamp());
      EXPECT_TRUE(log_->offset_for_timestamp(1500));
      static_cast<void>(log_->end_offset_for_epoch(0));
      std::this_thread::yield();
    }
  };
  std::thread first(reader);
  std::thread second(reader);
  std::thread third(keeper);
  for (int i = 0; i < kBatches; ++i) {
    append_ok({.timestamp = 1000 + i, .value_size = 100});
    log_->set_high_watermark(i + 1);
  }
  first.join();
  second.join();
  done = true;
  third.join();
  EXPECT_EQ(kBatches, log_->log_end_offset());
}

class CompactionConcurrencyTest : public CompactionFixture {};

TEST_F(CompactionConcurrencyTest, ReadersGoOnWhileSegmentsAreReplaced) {
  constexpr int kRecords = 1500;
  config_.segment_bytes = 5'000;
  config_.file_delete_delay_ms = 0;
  open();
  std::atomic<bool> done{false};

  auto reader = [&] {
    int64_t next = 0;
    int rounds = 0;
    while (!done || rounds++ == 0) {
      auto result = log_->read({next, 4000, log_->high_watermark(), true, true});
      ASSERT_TRUE(result) << result.error().message;
      auto bytes = base::read_slice(result->slice);
      ASSERT_TRUE(bytes);
      for (const auto& header : headers_of(*bytes)) {
        ASSERT_GE(header.base_offset, next);
        next = header.next_offset();
      }
      if (bytes->empty()) next = 0;
      auto found = log_->offset_for_timestamp(clock_.now_ms);
      ASSERT_TRUE(found) << found.error().message;
    }
  };
  auto compacter = [&] {
    while (!done) {
      auto compacted = try_compact();
      ASSERT_TRUE(compacted) << compacted.error().message;
      EXPECT_TRUE(log_->flush());
      log_->remove_deleted_files(clock_.now_ms + 100'000);
      log_->close_idle_files();
      std::this_thread::yield();
    }
  };
  std::thread first(reader);
  std::thread second(reader);
  std::thread third(compacter);
  for (int i = 0; i < kRecords; ++i) put({{"k" + std::to_string(i % 50), std::string(80, 'v')}});
  done = true;
  first.join();
  second.join();
  third.join();
  roll();
  compact();
  EXPECT_EQ(offsets().size(), 50u);
}

}  // namespace
}  // namespace longhaul::broker::log
