// What the tests of logs have in common: a disk in memory, a clock by hand, and batches.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/memory_file_system.h"
#include "broker/log/log.h"
#include "records/builder.h"

namespace longhaul::broker::log {

class HandClock final : public base::Clock {
 public:
  int64_t wall_ms() const override { return now_ms; }
  Monotonic monotonic() const override { return std::chrono::milliseconds(now_ms); }
  int64_t now_ms = 1'700'000'000'000;
};

/// What a test wants a batch to be.
struct BatchSpec {
  int count = 1;
  int64_t timestamp = 1'700'000'000'000;
  int64_t timestamp_step = 0;
  size_t value_size = 20;
  int64_t base_offset = 0;
  int32_t epoch = 0;
  int64_t producer_id = records::kNoProducerId;
  int16_t producer_epoch = records::kNoProducerEpoch;
  int32_t sequence = records::kNoSequence;
  bool transactional = false;
  records::Codec codec = records::Codec::kNone;
};

inline base::Bytes make_batch(const BatchSpec& spec) {
  records::BatchOptions options;
  options.base_offset = spec.base_offset;
  options.partition_leader_epoch = spec.epoch;
  options.producer_id = spec.producer_id;
  options.producer_epoch = spec.producer_epoch;
  options.base_sequence = spec.sequence;
  options.transactional = spec.transactional;
  options.codec = spec.codec;
  records::BatchBuilder builder(options);
  for (int i = 0; i < spec.count; ++i) {
    std::string value(spec.value_size, static_cast<char>('a' + i % 26));
    builder.append(spec.timestamp + i * spec.timestamp_step, std::nullopt, base::as_bytes(value));
  }
  records::Codecs codecs;
  return builder.build(codecs);
}

/// A transaction marker of Kafka's: key (version, type), value (version, coordinator epoch).
inline base::Bytes make_marker(int64_t producer_id, int16_t producer_epoch, bool commit) {
  records::BatchOptions options;
  options.producer_id = producer_id;
  options.producer_epoch = producer_epoch;
  options.transactional = true;
  options.control = true;
  records::BatchBuilder builder(options);
  base::Bytes key{0, 0, 0, static_cast<uint8_t>(commit ? 1 : 0)};
  base::Bytes value{0, 0, 0, 0, 0, 7};
  builder.append(1'700'000'000'000, base::ByteView(key), base::ByteView(value));
  records::Codecs codecs;
  return builder.build(codecs);
}

/// The batches in a slice or buffer.
inline std::vector<records::BatchHeader> headers_of(base::ByteView bytes) {
  std::vector<records::BatchHeader> headers;
  records::BatchWalker walker(bytes);
  while (const auto* batch = walker.next()) {
    EXPECT_TRUE(records::crc_matches(batch->bytes));
    headers.push_back(batch->header);
  }
  return headers;
}

class LogFixture : public testing::Test {
 protected:
  LogFixture() {
    EXPECT_TRUE(files_->create_directories("/data"));
    EXPECT_TRUE(files_->sync_directory("/"));
  }

  Log::Params params() {
    Log::Params params{files_.get(), &clock_, base::Logger(base::null_sink(), "log")};
    params.path = "/data/t-0";
    params.id = {"t", 0};
    params.config = std::make_shared<LogConfig>(config_);
    params.clean = clean_;
    params.recovery_point = recovery_point_;
    params.recovery_point_lost = recovery_point_lost_;
    params.log_start_offset = log_start_;
    params.first_dirty_offset = first_dirty_;
    params.on_failure = [this](const base::Error&) { ++failures_; };
    params.write_checkpoints = [this]() -> base::Result<void> {
      recovery_point_ = log_->recovery_point();
      log_start_ = log_->log_start_offset();
      first_dirty_ = log_->first_dirty_offset();
      return {};
    };
    return params;
  }

  /// (Re)opens the log; how the last stop was is in clean_ and the checkpoints.
  void open() {
    log_.reset();
    auto log = Log::open(params());
    ASSERT_TRUE(log) << log.error().message;
    log_ = *log;
    clean_ = false;
  }
  void close() {
    auto closed = log_->close();
    ASSERT_TRUE(closed) << closed.error().message;
    recovery_point_ = log_->recovery_point();
    log_start_ = log_->log_start_offset();
    clean_ = true;
  }
  void crash(base::CrashMode mode, uint64_t seed = 1) {
    base::SeededRandom random(seed);
    files_->crash(mode, random);
    clean_ = false;
  }

  LogResult<AppendResult> append(const BatchSpec& spec) {
    base::Bytes batch = make_batch(spec);
    return log_->append_as_leader(batch, {spec.epoch});
  }
  int64_t append_ok(const BatchSpec& spec = {}) {
    auto result = append(spec);
    EXPECT_TRUE(result) << result.error().message;
    return result ? result->first_offset : -1;
  }
  base::Bytes read_all(int64_t from) {
    base::Bytes all;
    for (;;) {
      auto result = log_->read({from, 1 << 20, log_->log_end_offset(), true});
      EXPECT_TRUE(result) << result.error().message;
      if (!result || result->slice.empty()) return all;
      auto bytes = base::read_slice(result->slice);
      EXPECT_TRUE(bytes);
      auto headers = headers_of(*bytes);
      EXPECT_FALSE(headers.empty());
      if (headers.empty()) return all;
      all.insert(all.end(), bytes->begin(), bytes->end());
      from = headers.back().next_offset();
    }
  }
  base::Bytes file(const std::string& name) {
    auto content = base::read_file(*files_, "/data/t-0/" + name, 1 << 28);
    return content ? *content : base::Bytes{};
  }
  bool has(const std::string& name) { return files_->exists("/data/t-0/" + name); }

  std::unique_ptr<base::MemoryFileSystem> files_ = std::make_unique<base::MemoryFileSystem>();
  HandClock clock_;
  LogConfig config_;
  std::shared_ptr<Log> log_;
  bool clean_ = false;
  int64_t recovery_point_ = 0;
  bool recovery_point_lost_ = false;
  int64_t log_start_ = 0;
  int64_t first_dirty_ = 0;
  int failures_ = 0;
};

}  // namespace longhaul::broker::log
