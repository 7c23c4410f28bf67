#include "base/memory_file_system.h"

#include <algorithm>
#include <cstring>

#include "base/memory_disk.h"

namespace longhaul::base {

using memory_disk::Disk;
using memory_disk::Node;
using memory_disk::NodePtr;

namespace {

tl::unexpected<Error> not_found(const std::string& path) {
  return fail(Errc::kNotFound, path + ": no such file or directory");
}

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Disk> disk, NodePtr node, std::string path, bool writable)
      : disk_(std::move(disk)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        generation_(disk_->generation) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    if (auto fault = disk_->fault(DiskOperation::kRead, path_)) return tl::unexpected(fault->error);
    std::lock_guard lock(disk_->mutex);
    LH_TRY(check());
    const Bytes& content = node_->content;
    if (offset >= content.size()) return size_t{0};
    size_t size = std::min<size_t>(out.size(), content.size() - offset);
    if (size > 0) std::memcpy(out.data(), content.data() + offset, size);
    return size;
  }

  Result<void> write_at(uint64_t offset, std::span<const ByteView> parts) override {
    auto fault = disk_->fault(DiskOperation::kWrite, path_);
    std::lock_guard lock(disk_->mutex);
    LH_TRY(check_writable());
    uint64_t allowed = fault ? fault->written_bytes : UINT64_MAX;
    for (ByteView part : parts) {
      part = part.first(std::min<uint64_t>(part.size(), allowed));
      allowed -= part.size();
      if (!disk_->write(*node_, offset, part)) {
        return fail(Errc::kNoSpace, path_ + ": write: no space left on device");
      }
      offset += part.size();
    }
    if (fault) return tl::unexpected(fault->error);
    return {};
  }

  Result<void> sync() override {
    auto fault = disk_->fault(DiskOperation::kSync, path_);
    std::lock_guard lock(disk_->mutex);
    LH_TRY(check());
    if (fault) {
      node_->fail_sync();
      return tl::unexpected(fault->error);
    }
    node_->sync();
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    if (auto fault = disk_->fault(DiskOperation::kTruncate, path_)) {
      return tl::unexpected(fault->error);
    }
    std::lock_guard lock(disk_->mutex);
    LH_TRY(check_writable());
    disk_->resize(*node_, size);
    return {};
  }

  Result<uint64_t> size() const override {
    std::lock_guard lock(disk_->mutex);
    LH_TRY(check());
    return node_->content.size();
  }

  bool is_resident(uint64_t, uint64_t) const override { return true; }
  int descriptor() const override { return -1; }

 private:
  Result<void> check() const {
    if (generation_ == disk_->generation) return {};
    return fail(Errc::kIo, path_ + ": opened before the machine crashed");
  }
  Result<void> check_writable() const {
    if (!writable_) return fail(Errc::kPermission, path_ + ": opened for reading only");
    return check();
  }

  std::shared_ptr<Disk> disk_;
  NodePtr node_;
  std::string path_;
  bool writable_;
  uint64_t generation_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(std::shared_ptr<Disk> disk, NodePtr node)
      : disk_(std::move(disk)), node_(std::move(node)), generation_(disk_->generation) {}
  ~MemoryLock() override {
    std::lock_guard lock(disk_->mutex);
    if (generation_ == disk_->generation) node_->locked = false;
  }

 private:
  std::shared_ptr<Disk> disk_;
  NodePtr node_;
  uint64_t generation_;
};

}  // namespace

MemoryFileSystem::MemoryFileSystem() : disk_(std::make_shared<Disk>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode) {
  if (auto fault = disk_->fault(DiskOperation::kOpen, path)) return tl::unexpected(fault->error);
  std::lock_guard lock(disk_->mutex);
  auto [parent, name] = disk_->find_parent(path);
  if (!parent) return not_found(path);
  auto at = parent->entries.find(name);
  NodePtr node = at == parent->entries.end() ? nullptr : at->second;
  if (node && node->is_directory) return fail(Errc::kIo, path + ": open: is a directory");
  if (node && mode == OpenMode::kCreateNew) {
    return fail(Errc::kAlreadyExists, path + ": open: file exists");
  }
  if (!node) {
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return not_found(path);
    node = std::make_shared<Node>();
    disk_->link(parent, name, node);
  }
  return std::make_unique<MemoryFile>(disk_, node, path, mode != OpenMode::kRead);
}

Result<void> MemoryFileSystem::create_directories(const std::string& path) {
  if (auto fault = disk_->fault(DiskOperation::kOpen, path)) return tl::unexpected(fault->error);
  std::lock_guard lock(disk_->mutex);
  for (size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    std::string part = path.substr(0, at);
    NodePtr node = disk_->find(part);
    if (node && !node->is_directory) {
      return fail(Errc::kAlreadyExists, part + ": is there already and is no directory");
    }
    if (node) continue;
    auto [parent, name] = disk_->find_parent(part);
    node = std::make_shared<Node>();
    node->is_directory = true;
    disk_->link(parent, name, node);
  }
  return {};
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::list(const std::string& path) {
  if (auto fault = disk_->fault(DiskOperation::kRead, path)) return tl::unexpected(fault->error);
  std::lock_guard lock(disk_->mutex);
  NodePtr node = disk_->find(path);
  if (!node) return not_found(path);
  if (!node->is_directory) return fail(Errc::kIo, path + ": is no directory");
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, entry] : node->entries) {
    entries.push_back({name, entry->is_directory, entry->content.size()});
  }
  return entries;
}

Result<void> MemoryFileSystem::remove(const std::string& path) {
  if (auto fault = disk_->fault(DiskOperation::kRemove, path)) return tl::unexpected(fault->error);
  std::lock_guard lock(disk_->mutex);
  auto [parent, name] = disk_->find_parent(path);
  if (!parent || !parent->entries.contains(name)) return not_found(path);
  if (!parent->entries.at(name)->entries.empty()) {
    return fail(Errc::kAlreadyExists, path + ": remove: directory is not empty");
  }
  disk_->unlink(parent, name);
  return {};
}

Result<void> MemoryFileSystem::remove_all(const std::string& path) {
  auto entries = list(path);
  if (entries) {
    for (const auto& entry : *entries) LH_TRY(remove_all(path + "/" + entry.name));
  } else if (entries.error().code != Errc::kNotFound && !exists(path)) {
    return tl::unexpected(entries.error());
  }
  auto removed = remove(path);
  if (!removed && removed.error().code != Errc::kNotFound) return removed;
  return {};
}

Result<void> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  if (auto fault = disk_->fault(DiskOperation::kRename, from)) return tl::unexpected(fault->error);
  std::lock_guard lock(disk_->mutex);
  auto [from_parent, from_name] = disk_->find_parent(from);
  auto [to_parent, to_name] = disk_->find_parent(to);
  if (!from_parent || !from_parent->entries.contains(from_name)) return not_found(from);
  if (!to_parent) return not_found(to);
  auto over = to_parent->entries.find(to_name);
  if (over != to_parent->entries.end() &&
      (over->second->is_directory != from_parent->entries.at(from_name)->is_directory ||
       !over->second->entries.empty())) {
    return fail(Errc::kAlreadyExists, to + ": rename: is there already");
  }
  disk_->move(from_parent, from_name, to_parent, to_name);
  return {};
}

Result<void> MemoryFileSystem::sync_directory(const std::string& path) {
  if (auto fault = disk_->fault(DiskOperation::kSyncDirectory, path)) {
    return tl::unexpected(fault->error);
  }
  std::lock_guard lock(disk_->mutex);
  NodePtr node = disk_->find(path);
  if (!node || !node->is_directory) return not_found(path);
  disk_->sync_directory(node.get());
  return {};
}

bool MemoryFileSystem::exists(const std::string& path) {
  std::lock_guard lock(disk_->mutex);
  return disk_->find(path) != nullptr;
}

Result<Space> MemoryFileSystem::space(const std::string& path) {
  std::lock_guard lock(disk_->mutex);
  if (!disk_->find(path)) return not_found(path);
  uint64_t total = std::min<uint64_t>(disk_->capacity, uint64_t{1} << 50);
  return Space{total, total > disk_->used ? total - disk_->used : 0};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& path) {
  LH_TRY(open(path, OpenMode::kCreate));
  std::lock_guard lock(disk_->mutex);
  NodePtr node = disk_->find(path);
  if (!node) return not_found(path);
  if (node->locked) return fail(Errc::kConflict, path + ": another process holds this lock");
  node->locked = true;
  return std::make_unique<MemoryLock>(disk_, node);
}

void MemoryFileSystem::crash(CrashMode mode, Random& random) {
  std::lock_guard lock(disk_->mutex);
  disk_->crash(mode, random);
}

void MemoryFileSystem::set_fault_hook(FaultHook hook) {
  std::lock_guard lock(disk_->mutex);
  disk_->hook = std::make_shared<const FaultHook>(std::move(hook));
}

void MemoryFileSystem::set_capacity(uint64_t bytes) {
  std::lock_guard lock(disk_->mutex);
  disk_->capacity = bytes;
}

Result<void> MemoryFileSystem::flip_bit(const std::string& path, uint64_t byte, unsigned bit) {
  std::lock_guard lock(disk_->mutex);
  NodePtr node = disk_->find(path);
  if (!node || node->is_directory) return not_found(path);
  if (byte >= node->content.size() || bit > 7) {
    return fail(Errc::kInvalidArgument, path + ": has no such bit");
  }
  node->content[byte] = static_cast<uint8_t>(node->content[byte] ^ (1u << bit));
  return {};
}

uint64_t MemoryFileSystem::used_bytes() const {
  std::lock_guard lock(disk_->mutex);
  return disk_->used;
}

}  // namespace longhaul::base
