#include "broker/metadata/directory_assignments.h"

#include "tests/broker/metadata/node_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

/// A broker of two directories: even partitions lie in the first, odd ones in the second.
class Directories : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    start();
    run();
    auto request = registration(1000);
    request.log_dirs = disks_;
    send(&metadata::register_broker, request);
    run();
    send(&metadata::broker_heartbeat, heartbeat(1000));
    run();
    ASSERT_FALSE(image()->broker(1000)->fenced);
    assignments_ = std::make_shared<DirectoryAssignments>(DirectoryAssignments::Params{
        .loop = &*loop_,
        .clock = &clock_,
        .controller = node_.get(),
        .broker_id = 1000,
        .directory_of =
            [this](const Topic&, int32_t partition) {
              return partition < here_ ? std::optional(disks_[static_cast<size_t>(partition % 2)])
                                       : std::nullopt;
            },
        .retry_ms = 500,
        .request_timeout_ms = 1'000});
    node_->images().subscribe([this](const auto&, const auto& after, const auto& changes) {
      if (assignments_) assignments_->follow(after, changes);
    });
  }
  base::Uuid told(int32_t partition) {
    return image()->partition("t", partition)->directories.at(0);
  }

  int32_t here_ = 1'000'000;  // partitions from here on lie nowhere
  std::vector<base::Uuid> disks_{base::Uuid::random(random_), base::Uuid::random(random_)};
  std::shared_ptr<DirectoryAssignments> assignments_;
};

TEST_F(Directories, EachReplicaIsToldOnce) {
  here_ = 2;
  created("t", 3);
  EXPECT_EQ(told(0), disks_[0]);
  EXPECT_EQ(told(1), disks_[1]);
  EXPECT_EQ(told(2), base::Uuid{});
  int64_t end = image()->provenance.offset;
  assignments_->look_again();
  advance(60'000);
  EXPECT_EQ(image()->provenance.offset, end);
  // It moved.
  std::swap(disks_[0], disks_[1]);
  assignments_->follow(image(), changes_);
  run();
  EXPECT_EQ(told(0), disks_[0]);
  EXPECT_EQ(told(1), disks_[1]);
  // There is room for the log that lay nowhere.
  here_ = 3;
  assignments_->look_again();
  run();
  EXPECT_EQ(told(2), disks_[0]);
  stop();
}

TEST_F(Directories, MoreThanARequestHolds) {
  created("t", 5'000);
  for (int32_t i : {0, 1, 2'249, 2'250, 4'499, 4'500, 4'999})
    EXPECT_EQ(told(i), disks_[static_cast<size_t>(i % 2)]) << i;
  stop();
}

TEST_F(Directories, WhatCannotBeToldIsToldLater) {
  auto tell = std::exchange(assignments_, {});
  created("t", 2);
  io_->hold();
  tell->follow(image(), changes_);
  advance(5'000);
  EXPECT_EQ(told(1), base::Uuid{});
  io_->resume();
  advance(1'000);
  EXPECT_EQ(told(0), disks_[0]);
  EXPECT_EQ(told(1), disks_[1]);
  stop();
}

TEST_F(Directories, ADeletedTopicIsForgotten) {
  auto tell = std::exchange(assignments_, {});
  created("t", 2);
  auto before = image();
  MetadataChanges changes = changes_;
  protocol::DeleteTopicsRequest request;
  request.topic_names = {"t"};
  send(&metadata::delete_topics, request);
  run();
  int64_t end = image()->provenance.offset;
  tell->follow(before, changes);
  run();
  tell->follow(image(), {});
  advance(60'000);
  EXPECT_EQ(image()->provenance.offset, end);
  stop();
}

}  // namespace
}  // namespace longhaul::broker::metadata
