// The checker itself: each rule is broken once.
#include "tests/sim/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "records/builder.h"

namespace longhaul::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HistoryTest : public testing::Test {
 protected:
  /// A batch of two records that was sent, with `sequence` if its producer is idempotent.
  History::BatchId send(uint32_t client = 1, int32_t sequence = -1) {
    records::BatchOptions options;
    if (sequence >= 0) {
      options.producer_id = 7;
      options.producer_epoch = 0;
      options.base_sequence = sequence;
    }
    records::BatchBuilder builder(options);
    std::string value = "value " + std::to_string(batches_.size());
    for (int i = 0; i < 2; ++i) builder.append(kTime, std::nullopt, base::as_bytes(value));
    batches_.push_back(builder.build(codecs_));
    return history_.sent(kPartition, client, batches_.back(), {kTime, kTime});
  }
  /// One that was acknowledged at this offset.
  History::BatchId append(int64_t offset, uint32_t client = 1, int32_t sequence = -1) {
    History::BatchId id = send(client, sequence);
    history_.acknowledged(id, offset);
    return id;
  }
  /// The log that holds these batches, one behind the other.
  Contents log_of(const std::vector<History::BatchId>& ids, int64_t start = 0) {
    Contents contents{start, start, {}};
    for (History::BatchId id : ids) {
      base::Bytes batch = batches_[id - 1];
      records::set_base_offset(batch, contents.end);
      contents.batches.insert(contents.batches.end(), batch.begin(), batch.end());
      contents.end += 2;
    }
    return contents;
  }
  void audit(const Contents& contents, Loss loss = Loss::kNothing, int64_t newest_ms = kTime) {
    newest_ms_ = newest_ms;
    history_.audit(kPartition, contents, loss);
  }
  const std::vector<std::string>& findings() const { return world_.findings.all(); }

  static constexpr int64_t kTime = 1'700'000'000'000;
  const PartitionId kPartition{{{1}}, 0};
  World world_{1, Trace::Keep::kDigest};
  int64_t newest_ms_ = kTime;
  History history_{world_.findings, [this] { return newest_ms_; }};
  records::Codecs codecs_;
  std::vector<base::Bytes> batches_;
};

TEST_F(HistoryTest, FindsNothingInAGoodLog) {
  auto a = append(0);
  auto b = append(2, 2, 0);
  auto c = append(4, 2, 2);
  audit(log_of({a, b, c}));
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(2, history_.offset_for_timestamp(kPartition, 2, kTime));
  EXPECT_EQ(-1, history_.offset_for_timestamp(kPartition, 2, kTime + 1));
}

TEST_F(HistoryTest, FindsALostBatch) {
  auto a = append(0);
  append(2);
  audit(log_of({a}));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, AllowsALostEndAfterALoss) {
  auto a = append(0);
  append(2);
  audit(log_of({a}), Loss::kUnsynced);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(HistoryTest, AllowsNoHoleAfterALoss) {
  append(0);
  auto b = append(2);
  auto c = append(4);
  append(6);
  audit(log_of({b, c}), Loss::kUnsynced);
  EXPECT_THAT(findings(), testing::Contains(HasSubstr("is at offset 2 and at 0")));
}

TEST_F(HistoryTest, FindsALossOfWhatWasFlushed) {
  history_.promise(kPartition, {.flushes = true, .retention_ms = {}});
  append(0);
  audit(log_of({}), Loss::kUnsynced);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, FindsALossOfWhatWasDurable) {
  append(0);
  history_.all_is_durable();
  audit(log_of({}), Loss::kUnsynced);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("was durable up to 2")));
}

TEST_F(HistoryTest, FindsABatchTwice) {
  auto a = append(0);
  audit(log_of({a, a}));
  EXPECT_THAT(findings(), testing::Contains(HasSubstr("is at offset 0 and at 2")));
}

TEST_F(HistoryTest, FindsADifferentOrder) {
  auto a = send();
  auto b = send();
  audit(log_of({b, a}));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("comes behind")));
}

TEST_F(HistoryTest, FindsAGapInTheSequence) {
  auto a = append(0, 1, 0);
  auto b = append(2, 1, 4);
  audit(log_of({a, b}));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("before it is missing")));
}

TEST_F(HistoryTest, FindsAGapInTheOffsets) {
  auto a = append(0);
  auto b = append(4);
  Contents contents = log_of({a});
  Contents rest = log_of({b}, 4);
  contents.batches.insert(contents.batches.end(), rest.batches.begin(), rest.batches.end());
  contents.end = 6;
  audit(contents);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("offset 4 comes where 2 should")));
}

TEST_F(HistoryTest, FindsAFlippedBit) {
  Contents contents = log_of({append(0)});
  contents.batches.back() ^= 1;
  audit(contents);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("its CRC is wrong")));
}

TEST_F(HistoryTest, FindsBytesOfNobody) {
  Contents contents = log_of({append(0)});
  records::store_header(contents.batches, {.length = 0, .max_timestamp = 5, .record_count = 2});
  audit(contents);
  EXPECT_THAT(findings(), testing::Contains(HasSubstr("what nobody sent, with a right CRC")));
}

TEST_F(HistoryTest, FindsABatchOfAnotherPartition) {
  auto a = append(0);
  Contents contents = log_of({a});
  history_.audit({kPartition.topic, 1}, contents, Loss::kNothing);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("was read from")));
}

TEST_F(HistoryTest, FindsWhatComesBack) {
  auto a = append(0);
  auto b = send();
  history_.given_up(b);
  audit(log_of({a}));
  audit(log_of({a, b}));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("has come back at offset 2")));
}

TEST_F(HistoryTest, FindsADeletionBeforeItsTime) {
  append(0);
  auto b = append(2);
  history_.promise(kPartition, {.flushes = false, .retention_ms = 1000});
  audit(log_of({b}, 2), Loss::kNothing, kTime + 1001);
  EXPECT_THAT(findings(), IsEmpty());
  audit(log_of({b}, 2), Loss::kNothing, kTime + 1000);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("was deleted before its time")));
}

TEST_F(HistoryTest, ARetryAfterTheRetentionMayBeWrittenAgain) {
  history_.promise(kPartition, {.flushes = false, .retention_ms = 1000});
  auto old = append(0, 1, 0);
  newest_ms_ = kTime + 1000;
  history_.acknowledged(old, 4);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("is at offset 0 and at 4")));
  newest_ms_ = kTime + 1001;
  history_.acknowledged(old, 4);
  history_.acknowledged(old, 0);  // a reader that was slow
  EXPECT_EQ(1u, findings().size());
}

TEST_F(HistoryTest, FindsAProducerIdGivenTwice) {
  history_.producer_id_given(1);
  history_.producer_id_given(1);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("given out twice")));
}

TEST_F(HistoryTest, WhatWasDeletedMayEndWithinABatch) {
  history_.promise(kPartition, {.flushes = false, .retention_ms = {}, .is_pruned = true});
  append(0);
  auto b = append(2);
  history_.deleting(kPartition, 3);
  history_.deleted(kPartition, 3);
  Contents contents = log_of({b}, 2);
  contents.start = 3;
  audit(contents);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(HistoryTest, FindsWhatWasDeletedAndWasNotToBe) {
  append(0);
  auto b = append(2);
  auto c = append(4);
  history_.deleting(kPartition, 2);
  audit(log_of({b, c}, 2));
  EXPECT_THAT(findings(), IsEmpty());
  audit(log_of({c}, 4));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("was deleted before its time")));
}

TEST_F(HistoryTest, FindsADeletionOfMoreThanWasAskedFor) {
  append(0);
  history_.deleting(kPartition, 1);
  history_.deleted(kPartition, 2);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("should be deleted up to 1")));
}

TEST_F(HistoryTest, FindsWhatWasDeletedAndIsThereAgain) {
  auto a = append(0);
  auto b = append(2);
  history_.deleting(kPartition, 2);
  history_.deleted(kPartition, 2);
  audit(log_of({a, b}));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("begins at 0, and was deleted up to 2")));
}

}  // namespace
}  // namespace longhaul::sim
