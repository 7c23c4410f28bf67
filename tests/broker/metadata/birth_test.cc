#include "broker/metadata/birth.h"

#include <gtest/gtest.h>

#include "base/memory_file_system.h"
#include "broker/log/meta_properties.h"
#include "broker/metadata/bootstrap.h"
#include "broker/metadata/snapshot.h"
#include "tests/support/simulation.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;

constexpr const char* kCluster = "4L6g3nShT-eMCtK--X86sw";
constexpr const char* kOtherCluster = "5L6g3nShT-eMCtK--X86sw";

class Birth : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.cluster_id = kCluster;
    config_.node_id = 1000;
    config_.log_dirs = {"/a", "/b"};
    config_.metadata_dir = "/a";
    config_.controller_endpoints = {{"CONTROLLER", "localhost", 9093}};
  }
  base::Result<Identity> born() { return ensure_born(files_, clock_, random_, config_); }
  Errc refusal(const std::string& with) {
    auto identity = born();
    EXPECT_FALSE(identity) << "was formatted";
    if (identity) return Errc::kUnsupported;
    EXPECT_NE(identity.error().message.find(with), std::string::npos) << identity.error().message;
    return identity.error().code;
  }
  void put(const std::string& path) {
    ASSERT_TRUE(base::write_file_atomic(files_, path, base::as_bytes("x")));
  }
  bool founding_snapshot() { return files_.exists("/a/__cluster_metadata-0/" + snapshot_name({})); }

  base::MemoryFileSystem files_;
  sim::Simulation simulation_{1};
  sim::Clock clock_{simulation_};
  base::SeededRandom random_{3};
  BirthConfig config_;
};

TEST_F(Birth, AnEmptyDirectoryIsRefusedByDefault) {
  EXPECT_EQ(refusal("empty directory without permission"), Errc::kPermission);
  EXPECT_TRUE(files_.list("/a")->empty());
}

TEST_F(Birth, FoundsOnceAndKeepsItsName) {
  config_.permission = FormatPermission::kFound;
  config_.directory_id = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
  auto identity = born();
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_TRUE(identity->founded);
  EXPECT_EQ(identity->cluster_id, kCluster);
  EXPECT_EQ(identity->metadata_directory_id, *config_.directory_id);
  EXPECT_EQ(identity->formatted, (std::vector<std::string>{"/a", "/b"}));
  auto snapshot = read_snapshot(files_, "/a/__cluster_metadata-0", {});
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_TRUE(snapshot->voters.is_only({1000, *config_.directory_id}));
  EXPECT_TRUE(files_.exists("/b/bootstrap.checkpoint"));
  EXPECT_FALSE(files_.exists("/b/__cluster_metadata-0"));

  auto again = born();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->founded);
  EXPECT_TRUE(again->formatted.empty());
  EXPECT_EQ(again->metadata_directory_id, *config_.directory_id);
  // The leave to found is forgotten: what is there counts.
  config_.permission = FormatPermission::kRefuse;
  config_.cluster_id.clear();
  EXPECT_EQ(born()->cluster_id, kCluster);
}

TEST_F(Birth, JoinsWithoutAVoice) {
  config_.permission = FormatPermission::kJoin;
  auto identity = born();
  ASSERT_TRUE(identity);
  EXPECT_FALSE(identity->founded);
  EXPECT_FALSE(founding_snapshot());
  EXPECT_EQ(log::read_meta_properties(files_, "/a")->value().directory_id,
            identity->metadata_directory_id);
}

TEST_F(Birth, JoinsUnderANewNameOnly) {
  config_.permission = FormatPermission::kFound;
  config_.directory_id = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
  ASSERT_TRUE(born());
  config_.permission = FormatPermission::kJoin;
  ASSERT_TRUE(born()) << "it did not lose its disk";
  ASSERT_TRUE(files_.remove("/a/meta.properties"));
  EXPECT_EQ(refusal("longhaul.directory.id"), Errc::kConflict);
  config_.directory_id.reset();
  EXPECT_EQ(refusal("those of another life"), Errc::kConflict);
  ASSERT_TRUE(files_.remove_all("/a"));
  ASSERT_TRUE(born());
}

TEST_F(Birth, NeedsAClusterId) {
  config_.permission = FormatPermission::kFound;
  config_.cluster_id.clear();
  EXPECT_EQ(refusal("longhaul.cluster.id"), Errc::kInvalidArgument);
  config_.cluster_id = "not base64!";
  EXPECT_EQ(refusal("not a Kafka UUID"), Errc::kInvalidArgument);
}

TEST_F(Birth, RefusesForeignDirectories) {
  config_.permission = FormatPermission::kFound;
  ASSERT_TRUE(born());
  config_.cluster_id = kOtherCluster;
  EXPECT_EQ(refusal("data directory of another cluster"), Errc::kConflict);
  config_.cluster_id = kCluster;
  config_.node_id = 1001;
  EXPECT_EQ(refusal("data directory of another node"), Errc::kConflict);
  config_.node_id = 1000;
  config_.directory_id = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
  EXPECT_EQ(refusal("longhaul.directory.id"), Errc::kConflict);
  config_.directory_id.reset();
  // Directories of two clusters in one node.
  ASSERT_TRUE(files_.remove("/b/meta.properties"));
  ASSERT_TRUE(log::write_meta_properties(files_, "/b", {kOtherCluster, 1000, std::nullopt}));
  config_.cluster_id.clear();
  EXPECT_EQ(refusal("data directory of another cluster"), Errc::kConflict);
}

TEST_F(Birth, LostMetadataNeverFoundsAnew) {
  config_.permission = FormatPermission::kFound;
  ASSERT_TRUE(born());
  ASSERT_TRUE(files_.remove_all("/a"));
  EXPECT_EQ(refusal("must not found the cluster again"), Errc::kConflict);
  config_.permission = FormatPermission::kJoin;
  ASSERT_TRUE(born());
  EXPECT_FALSE(founding_snapshot());
}

TEST_F(Birth, ALostDataDirectoryIsTakenBackWithLeave) {
  config_.permission = FormatPermission::kFound;
  ASSERT_TRUE(born());
  ASSERT_TRUE(files_.remove_all("/b"));
  config_.permission = FormatPermission::kRefuse;
  EXPECT_EQ(refusal("/b: empty directory"), Errc::kPermission);
  config_.permission = FormatPermission::kFound;
  auto identity = born();
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_FALSE(identity->founded);
}

TEST_F(Birth, StrangersAreLeftAlone) {
  config_.permission = FormatPermission::kFound;
  ASSERT_TRUE(files_.create_directories("/a/lost+found"));
  ASSERT_TRUE(files_.create_directories("/a/orders-0"));
  EXPECT_EQ(refusal("orders-0"), Errc::kConflict);
  ASSERT_TRUE(files_.remove_all("/a/orders-0"));
  put("/a/.lock");
  ASSERT_TRUE(files_.create_directories("/a/__cluster_metadata-0"));
  put("/a/__cluster_metadata-0/00000000000000000000.log");
  EXPECT_EQ(refusal("__cluster_metadata-0"), Errc::kConflict);
  ASSERT_TRUE(files_.remove("/a/__cluster_metadata-0/00000000000000000000.log"));
  EXPECT_TRUE(born());
}

TEST_F(Birth, ACrashAtAnyWriteLeavesAllOrNothing) {
  config_.permission = FormatPermission::kFound;
  int operations = 0;
  for (int limit = 0;; ++limit) {
    base::MemoryFileSystem files;
    operations = 0;
    files.set_fault_hook([&](base::DiskOperation operation, std::string_view) {
      bool reads = operation == base::DiskOperation::kRead;
      bool fails = !reads && operations++ >= limit;
      return fails ? std::optional<base::Fault>(base::Fault{{Errc::kIo, "crash"}, 0})
                   : std::nullopt;
    });
    bool done = ensure_born(files, clock_, random_, config_).has_value();
    files.set_fault_hook({});
    files.crash(base::CrashMode::kTorn, random_);
    auto identity = ensure_born(files, clock_, random_, config_);
    ASSERT_TRUE(identity) << "after " << limit << ": " << identity.error().message;
    auto snapshot = read_snapshot(files, "/a/__cluster_metadata-0", {});
    ASSERT_TRUE(snapshot) << "after " << limit << ": " << snapshot.error().message;
    EXPECT_TRUE(snapshot->voters.is_only({1000, identity->metadata_directory_id}));
    if (done) break;
    ASSERT_LT(limit, 500);
  }
}

TEST_F(Birth, FormatByHand) {
  FormatOptions options;
  options.birth = config_;
  options.standalone = true;
  auto identity = format(files_, clock_, random_, options);
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_TRUE(identity->founded);
  auto again = format(files_, clock_, random_, options);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kAlreadyExists);
  EXPECT_EQ(again.error().message,
            "Log directory /a is already formatted. Use --ignore-formatted to ignore this "
            "directory and format the others.");
  options.ignore_formatted = true;
  options.birth.log_dirs.push_back("/c");
  identity = format(files_, clock_, random_, options);
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->formatted, std::vector<std::string>{"/c"});
  EXPECT_FALSE(identity->founded);
  options.birth.cluster_id = kOtherCluster;
  EXPECT_EQ(format(files_, clock_, random_, options).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace longhaul::broker::metadata
