#include "base/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace longhaul::base {

namespace {

Errc code_of(int error) {
  switch (error) {
    case ENOENT:
      return Errc::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return Errc::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return Errc::kNoSpace;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Errc::kUnavailable;  // says nothing of the disk
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::kPermission;
    case EFBIG:
      return Errc::kTooLarge;
    case ENAMETOOLONG:
    case EINVAL:
      return Errc::kInvalidArgument;
    default:
      return Errc::kIo;
  }
}

/// The error in `errno`, as "path: what: why".
tl::unexpected<Error> fail_errno(const std::string& path, const char* what) {
  int error = errno;
  return fail(code_of(error), fmt::format("{}: {}: {}", path, what, std::strerror(error)));
}

/// Repeats a system call while a signal interrupts it.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t got = retry([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return fail_errno(path_, "read");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Result<void> write_at(uint64_t offset, std::span<const ByteView> parts) override {
    constexpr size_t kVectors = 64;
    std::array<iovec, kVectors> vectors;
    while (!parts.empty()) {
      size_t count = std::min(parts.size(), kVectors);
      for (size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<uint8_t*>(parts[i].data()), parts[i].size()};
      }
      LH_TRY(write_vectors(offset, {vectors.data(), count}));
      for (size_t i = 0; i < count; ++i) offset += parts[i].size();
      parts = parts.subspan(count);
    }
    return {};
  }

  Result<void> sync() override {
    if (retry([&] { return ::fdatasync(fd_.get()); }) < 0) return fail_errno(path_, "fdatasync");
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0) {
      return fail_errno(path_, "truncate");
    }
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat status;
    if (::fstat(fd_.get(), &status) < 0) return fail_errno(path_, "stat");
    return static_cast<uint64_t>(status.st_size);
  }

  bool is_resident(uint64_t offset, uint64_t size) const override {
    // The kernel evicts in long runs, so that the ends of a range speak for it.
    if (size == 0) return true;
    return byte_is_resident(offset) && byte_is_resident(offset + size - 1);
  }

  bool read_resident(uint64_t offset, std::span<uint8_t> out) const override {
    return read_without_waiting(offset, out) == static_cast<ssize_t>(out.size());
  }

  int descriptor() const override { return fd_.get(); }

 private:
  Result<void> write_vectors(uint64_t offset, std::span<iovec> left) {
    while (!left.empty()) {
      ssize_t put = retry([&] {
        return ::pwritev(fd_.get(), left.data(), static_cast<int>(left.size()),
                         static_cast<off_t>(offset));
      });
      if (put < 0) return fail_errno(path_, "write");
      offset += static_cast<uint64_t>(put);
      size_t done = static_cast<size_t>(put);
      while (!left.empty() && done >= left.front().iov_len) {
        done -= left.front().iov_len;
        left = left.subspan(1);
      }
      if (left.empty()) break;
      left.front().iov_base = static_cast<uint8_t*>(left.front().iov_base) + done;
      left.front().iov_len -= done;
    }
    return {};
  }

  bool byte_is_resident(uint64_t offset) const {
    uint8_t byte;
    // Anything but "would block" (such as a file system that cannot tell) is no reason to wait.
    return read_without_waiting(offset, {&byte, 1}) >= 0 || errno != EAGAIN;
  }

  ssize_t read_without_waiting(uint64_t offset, std::span<uint8_t> out) const {
    iovec vector{out.data(), out.size()};
    return retry(
        [&] { return ::preadv2(fd_.get(), &vector, 1, static_cast<off_t>(offset), RWF_NOWAIT); });
  }

  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

/// Entries in no order, without sizes.
Result<std::vector<DirectoryEntry>> list_names(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return fail_errno(path, "open directory");
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status;
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) continue;  // removed meanwhile
      return fail_errno(path + "/" + name, "stat");
    }
    bool regular = S_ISREG(status.st_mode);
    entries.push_back({std::move(name), S_ISDIR(status.st_mode),
                       regular ? static_cast<uint64_t>(status.st_size) : 0});
  }
  if (errno != 0) return fail_errno(path, "read directory");
  return entries;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  int fd = retry([&] { return ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0644); });
  if (fd < 0) return fail_errno(path, "open");
  return std::make_unique<PosixFile>(fd, path);
}

Result<void> PosixFileSystem::create_directories(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    std::string part = path.substr(0, at);
    if (!part.empty() && ::mkdir(part.c_str(), 0755) < 0 && errno != EEXIST) {
      return fail_errno(part, "create directory");
    }
    if (at == std::string::npos) break;
  }
  struct stat status;
  if (::stat(path.c_str(), &status) < 0) return fail_errno(path, "stat");
  if (S_ISDIR(status.st_mode)) return {};
  return fail(Errc::kAlreadyExists, path + ": is there already and is no directory");
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(const std::string& path) {
  auto entries = list_names(path);
  if (!entries) return entries;
  std::sort(entries->begin(), entries->end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (::remove(path.c_str()) < 0) return fail_errno(path, "remove");
  return {};
}

Result<void> PosixFileSystem::remove_all(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT) return {};
    return fail_errno(path, "stat");
  }
  if (S_ISDIR(status.st_mode)) {
    LH_ASSIGN(auto entries, list_names(path));
    for (const auto& entry : entries) LH_TRY(remove_all(path + "/" + entry.name));
  }
  auto removed = remove(path);
  if (!removed && removed.error().code != Errc::kNotFound) return removed;
  return {};
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno(from, "rename");
  return {};
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return fail_errno(path, "open directory");
  if (retry([&] { return ::fsync(fd.get()); }) < 0) return fail_errno(path, "fsync");
  return {};
}

bool PosixFileSystem::exists(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

Result<Space> PosixFileSystem::space(const std::string& path) {
  struct statvfs status;
  if (::statvfs(path.c_str(), &status) < 0) return fail_errno(path, "statvfs");
  return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  int fd = retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); });
  if (fd < 0) return fail_errno(path, "open");
  auto held = std::make_unique<PosixLock>(fd);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (retry([&] { return ::fcntl(fd, F_OFD_SETLK, &whole); }) < 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return fail(Errc::kConflict, path + ": another process holds this lock");
    }
    return fail_errno(path, "lock");
  }
  return held;
}

}  // namespace longhaul::base
