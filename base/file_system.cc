#include "base/file_system.h"

#include <fmt/format.h>

namespace longhaul::base {

namespace {

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_and_sync(FileSystem& files, const std::string& path, ByteView content) {
  LH_ASSIGN(auto file, files.open(path, OpenMode::kCreate));
  LH_TRY(file->truncate(0));
  LH_TRY(file->write_at(0, content));
  return file->sync();
}

}  // namespace

Result<Bytes> read_file(FileSystem& files, const std::string& path, uint64_t limit_bytes) {
  LH_ASSIGN(auto file, files.open(path, OpenMode::kRead));
  LH_ASSIGN(uint64_t size, file->size());
  if (size > limit_bytes) {
    return fail(Errc::kTooLarge,
                fmt::format("{}: {} bytes, more than the {} it may have", path, size, limit_bytes));
  }
  Bytes content(size);
  LH_ASSIGN(size_t got, file->read_at(0, content));
  content.resize(got);
  return content;
}

Result<void> write_file_atomic(FileSystem& files, const std::string& path, ByteView content) {
  std::string temporary = path + ".tmp";
  LH_TRY(write_and_sync(files, temporary, content));
  LH_TRY(files.rename(temporary, path));
  return files.sync_directory(parent_of(path));
}

}  // namespace longhaul::base
