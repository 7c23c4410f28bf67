// What both file systems promise, held against the disk and its twin in memory.
#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "base/memory_file_system.h"
#include "base/posix_file_system.h"

namespace longhaul::base {
namespace {

std::string text_of(FileSystem& files, const std::string& path) {
  auto content = read_file(files, path, 1 << 20);
  return content ? std::string(as_text(*content)) : "error: " + content.error().message;
}

class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  FileSystemTest() {
    if (GetParam()) {
      files_ = std::make_unique<PosixFileSystem>();
      root_ = testing::TempDir() + "longhaul_files_" + std::to_string(::getpid());
      std::filesystem::remove_all(root_);
    } else {
      files_ = std::make_unique<MemoryFileSystem>();
      root_ = "/disk";
    }
    EXPECT_TRUE(files_->create_directories(root_ + "/a/b"));
  }
  ~FileSystemTest() override { EXPECT_TRUE(files_->remove_all(root_)); }

  std::string at(const std::string& name) const { return root_ + "/" + name; }

  std::unique_ptr<FileSystem> files_;
  std::string root_;
};

TEST_P(FileSystemTest, WritesAndReadsAtOffsets) {
  auto file = files_->open(at("f"), OpenMode::kCreateNew);
  ASSERT_TRUE(file);
  std::vector<ByteView> parts(100, as_bytes("ab"));
  ASSERT_TRUE((*file)->write_at(3, parts));
  EXPECT_EQ(203u, *(*file)->size());
  Bytes out(8);
  EXPECT_EQ(5u, *(*file)->read_at(198, out));
  EXPECT_EQ("babab", as_text({out.data(), 5}));
  EXPECT_EQ(0u, *(*file)->read_at(500, out));
  EXPECT_EQ(8u, *(*file)->read_at(0, out));
  EXPECT_EQ((Bytes{0, 0, 0, 'a', 'b', 'a', 'b', 'a'}), out);
  ASSERT_TRUE((*file)->truncate(4));
  EXPECT_TRUE((*file)->sync());
  EXPECT_EQ(4u, *(*file)->size());
  EXPECT_TRUE((*file)->is_resident(0, 4));
  Bytes resident(2);
  EXPECT_TRUE((*file)->read_resident(2, resident));
  EXPECT_EQ((Bytes{0, 'a'}), resident);
  EXPECT_FALSE((*file)->read_resident(3, resident)) << "the file ends within";
}

TEST_P(FileSystemTest, OpenModes) {
  EXPECT_EQ(Errc::kNotFound, files_->open(at("no"), OpenMode::kRead).error().code);
  EXPECT_EQ(Errc::kNotFound, files_->open(at("no"), OpenMode::kReadWrite).error().code);
  EXPECT_TRUE(files_->open(at("f"), OpenMode::kCreate));
  EXPECT_TRUE(files_->open(at("f"), OpenMode::kCreate));
  EXPECT_EQ(Errc::kAlreadyExists, files_->open(at("f"), OpenMode::kCreateNew).error().code);
  auto reader = files_->open(at("f"), OpenMode::kRead);
  ASSERT_TRUE(reader);
  EXPECT_FALSE((*reader)->write_at(0, as_bytes("x")));
}

TEST_P(FileSystemTest, ListsRenamesAndRemoves) {
  ASSERT_TRUE(write_file_atomic(*files_, at("z"), as_bytes("12345")));
  ASSERT_TRUE(files_->rename(at("z"), at("a/y")));
  ASSERT_TRUE(files_->open(at("a/c"), OpenMode::kCreate));
  auto entries = files_->list(at("a"));
  ASSERT_TRUE(entries);
  ASSERT_EQ(3u, entries->size());
  EXPECT_EQ("b", (*entries)[0].name);
  EXPECT_TRUE((*entries)[0].is_directory);
  EXPECT_EQ("c", (*entries)[1].name);
  EXPECT_EQ("y", (*entries)[2].name);
  EXPECT_EQ(5u, (*entries)[2].size);
  EXPECT_FALSE(files_->exists(at("z")));
  EXPECT_EQ(Errc::kNotFound, files_->remove(at("z")).error().code);
  EXPECT_EQ(Errc::kNotFound, files_->rename(at("z"), at("y")).error().code);
  EXPECT_EQ(Errc::kNotFound, files_->list(at("z")).error().code);
  EXPECT_EQ(Errc::kAlreadyExists, files_->remove(at("a")).error().code);
  EXPECT_TRUE(files_->remove_all(at("a")));
  EXPECT_TRUE(files_->remove_all(at("a")));
  EXPECT_FALSE(files_->exists(at("a")));
}

TEST_P(FileSystemTest, AnOpenFileSurvivesItsName) {
  ASSERT_TRUE(write_file_atomic(*files_, at("f"), as_bytes("still here")));
  auto file = files_->open(at("f"), OpenMode::kRead);
  ASSERT_TRUE(files_->remove(at("f")));
  Bytes out(10);
  EXPECT_EQ(10u, *(*file)->read_at(0, out));
  EXPECT_EQ("still here", as_text(out));
}

TEST_P(FileSystemTest, WholeFiles) {
  ASSERT_TRUE(write_file_atomic(*files_, at("f"), as_bytes("a longer first")));
  ASSERT_TRUE(write_file_atomic(*files_, at("f"), as_bytes("second")));
  EXPECT_EQ("second", text_of(*files_, at("f")));
  EXPECT_FALSE(files_->exists(at("f.tmp")));
  EXPECT_EQ(Errc::kTooLarge, read_file(*files_, at("f"), 5).error().code);
  EXPECT_EQ(Errc::kNotFound, read_file(*files_, at("no"), 5).error().code);
}

TEST_P(FileSystemTest, OneHolderOfALock) {
  auto lock = files_->lock(at(".lock"));
  ASSERT_TRUE(lock);
  EXPECT_EQ(Errc::kConflict, files_->lock(at(".lock")).error().code);
  lock->reset();
  EXPECT_TRUE(files_->lock(at(".lock")));
}

TEST_P(FileSystemTest, CreatesDirectoriesOnceAndNotOverFiles) {
  EXPECT_TRUE(files_->create_directories(at("a/b")));
  ASSERT_TRUE(files_->open(at("f"), OpenMode::kCreate));
  EXPECT_FALSE(files_->create_directories(at("f")));
  EXPECT_FALSE(files_->create_directories(at("f/g")));
  EXPECT_GT(files_->space(root_)->usable_bytes, 0u);
}

TEST(PosixFileSystem, TooFewDescriptorsAreNotTheDisksFault) {
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  rlimit none{0, before.rlim_max};
  PosixFileSystem files;
  // UBSan needs descriptors for types that it has not seen yet: those of an error.
  ASSERT_FALSE(files.open("/dev/null/nothing", OpenMode::kRead));
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  auto opened = files.open("/dev/null", OpenMode::kRead);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
  ASSERT_FALSE(opened);
  EXPECT_EQ(Errc::kUnavailable, opened.error().code);
}

INSTANTIATE_TEST_SUITE_P(Disks, FileSystemTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "posix" : "memory"; });

}  // namespace
}  // namespace longhaul::base
