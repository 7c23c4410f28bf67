#include "base/memory_file_system.h"

#include <gtest/gtest.h>

namespace longhaul::base {
namespace {

class MemoryFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& path, OpenMode mode = OpenMode::kCreate) {
    auto file = files_.open(path, mode);
    EXPECT_TRUE(file);
    return std::move(*file);
  }
  std::string content(const std::string& path) {
    auto bytes = read_file(files_, path, 1 << 20);
    return bytes ? std::string(as_text(*bytes)) : "none";
  }
  void write(const std::string& path, uint64_t at, const std::string& text, bool sync) {
    auto file = open(path);
    EXPECT_TRUE(file->write_at(at, as_bytes(text)));
    if (sync) {
      EXPECT_TRUE(file->sync());
    }
  }

  MemoryFileSystem files_;
  SeededRandom random_{1};
};

TEST_F(MemoryFileSystemTest, ACrashLosesWhatWasNotSynced) {
  write("/f", 0, "kept", true);
  ASSERT_TRUE(files_.sync_directory("/"));
  write("/f", 2, "lost and longer", false);
  write("/g", 0, "no entry", true);
  EXPECT_EQ("kelost and longer", content("/f"));
  files_.crash(CrashMode::kLoseUnsynced, random_);
  EXPECT_EQ("kept", content("/f"));
  EXPECT_FALSE(files_.exists("/g"));
  EXPECT_EQ(4u, files_.used_bytes());
}

TEST_F(MemoryFileSystemTest, ACrashOfTheProcessLosesNothing) {
  write("/f", 0, "kept", false);
  auto before = open("/f");
  auto lock = files_.lock("/lock");
  files_.crash(CrashMode::kKeepAll, random_);
  EXPECT_EQ("kept", content("/f"));
  EXPECT_FALSE(before->write_at(0, as_bytes("x")));
  EXPECT_TRUE(files_.lock("/lock"));
}

TEST_F(MemoryFileSystemTest, ACrashOfTheProcessMakesNothingDurable) {
  write("/f", 0, "kept", true);
  ASSERT_TRUE(files_.sync_directory("/"));
  write("/f", 0, "lost and longer", false);
  write("/g", 0, "no entry", true);
  files_.crash(CrashMode::kKeepAll, random_);
  files_.crash(CrashMode::kLoseUnsynced, random_);
  EXPECT_EQ("kept", content("/f"));
  EXPECT_FALSE(files_.exists("/g"));
}

TEST_F(MemoryFileSystemTest, TruncationIsUndoneUnlessSynced) {
  write("/f", 0, std::string(10000, 'a'), true);
  ASSERT_TRUE(files_.sync_directory("/"));
  ASSERT_TRUE(open("/f")->truncate(10));
  write("/f", 10, "b", false);
  files_.crash(CrashMode::kLoseUnsynced, random_);
  EXPECT_EQ(std::string(10000, 'a'), content("/f"));
}

TEST_F(MemoryFileSystemTest, ATornWriteKeepsAllThatWasSynced) {
  bool seen_partial = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFileSystem files;
    auto file = std::move(*files.open("/f", OpenMode::kCreate));
    std::string old(5000, 'o');
    std::string fresh(9000, 'n');
    ASSERT_TRUE(file->write_at(0, as_bytes(old)));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_directory("/"));
    ASSERT_TRUE(file->write_at(5000, as_bytes(fresh)));
    SeededRandom random(seed);
    files.crash(CrashMode::kTorn, random);
    Bytes bytes = *read_file(files, "/f", 1 << 20);
    ASSERT_GE(bytes.size(), old.size());
    EXPECT_EQ(old, as_text(bytes).substr(0, old.size()));
    auto tail = as_text(bytes).substr(old.size());
    seen_partial |= tail.find('n') != std::string::npos && tail != fresh;
  }
  EXPECT_TRUE(seen_partial);
}

TEST_F(MemoryFileSystemTest, SyncOfADirectoryKeepsARenameWhole) {
  write("/f", 0, "old", true);
  ASSERT_TRUE(files_.create_directories("/d/e"));
  ASSERT_TRUE(files_.sync_directory("/"));
  ASSERT_TRUE(write_file_atomic(files_, "/f", as_bytes("new")));
  ASSERT_TRUE(files_.rename("/f", "/d/e/f"));
  files_.crash(CrashMode::kLoseUnsynced, random_);
  EXPECT_EQ("new", content("/f"));
  EXPECT_TRUE(files_.exists("/d"));
  EXPECT_FALSE(files_.exists("/d/e"));
}

TEST_F(MemoryFileSystemTest, AFailedSyncIsNotHealedByTheNext) {
  auto file = open("/f");
  ASSERT_TRUE(files_.sync_directory("/"));
  ASSERT_TRUE(file->write_at(0, as_bytes("lost")));
  files_.set_fault_hook([](DiskOperation operation, std::string_view) -> std::optional<Fault> {
    if (operation != DiskOperation::kSync) return std::nullopt;
    return Fault{{Errc::kIo, "injected"}};
  });
  EXPECT_FALSE(file->sync());
  files_.set_fault_hook({});
  EXPECT_TRUE(file->sync());
  EXPECT_EQ("lost", content("/f"));
  files_.crash(CrashMode::kLoseUnsynced, random_);
  EXPECT_EQ(std::string(4, '\0'), content("/f"));
}

TEST_F(MemoryFileSystemTest, InjectedWriteErrorsTear) {
  auto file = open("/f");
  files_.set_fault_hook([](DiskOperation operation, std::string_view path) -> std::optional<Fault> {
    if (operation != DiskOperation::kWrite || path != "/f") return std::nullopt;
    return Fault{{Errc::kIo, "injected"}, 3};
  });
  auto result = file->write_at(0, as_bytes("abcdef"));
  ASSERT_FALSE(result);
  EXPECT_EQ("injected", result.error().message);
  EXPECT_EQ("abc", content("/f"));
}

TEST_F(MemoryFileSystemTest, FillsUp) {
  files_.set_capacity(10);
  auto file = open("/f");
  ASSERT_TRUE(file->write_at(0, as_bytes("12345678")));
  EXPECT_EQ(2u, files_.space("/")->usable_bytes);
  EXPECT_EQ(Errc::kNoSpace, file->write_at(8, as_bytes("abc")).error().code);
  EXPECT_EQ("12345678ab", content("/f"));
  EXPECT_TRUE(file->write_at(0, as_bytes("x")));
  ASSERT_TRUE(files_.remove("/f"));
  EXPECT_EQ(0u, files_.used_bytes());
}

TEST_F(MemoryFileSystemTest, BitsFlip) {
  write("/f", 0, "a", true);
  ASSERT_TRUE(files_.flip_bit("/f", 0, 1));
  EXPECT_EQ("c", content("/f"));
  EXPECT_FALSE(files_.flip_bit("/f", 1, 1));
  EXPECT_FALSE(files_.flip_bit("/no", 0, 1));
}

}  // namespace
}  // namespace longhaul::base
