// The inside of `MemoryFileSystem`: what the simulated disk holds and what of it is durable.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/memory_file_system.h"

namespace longhaul::base::memory_disk {

/// The unit in which changes are tracked, and the one that a crash may tear files at.
inline constexpr uint64_t kPage = 4096;
inline constexpr uint64_t kSector = 512;

/// A file or a directory.
struct Node {
  /// What a page changed since the last sync held on disk (short or empty past the end).
  struct SavedPage {
    Bytes before;
    bool lost = false;  // a sync of it failed: only writing it anew can make it durable
  };

  bool is_directory = false;
  bool locked = false;
  bool linked = true;

  Bytes content;
  uint64_t durable_size = 0;
  std::map<uint64_t, SavedPage> changed;

  std::map<std::string, std::shared_ptr<Node>> entries;
  std::map<std::string, std::shared_ptr<Node>> durable_entries;

  /// Remembers the durable content of the pages in [from, to) before they change.
  void save_pages(uint64_t from, uint64_t to);
  void sync();
  /// All that waits to be synced is never going to be, although the sync is over.
  void fail_sync();
  void crash(CrashMode mode, Random& random);
};

using NodePtr = std::shared_ptr<Node>;

/// An entry that came (no `from`), went (no `to`) or moved, not yet durable.
struct DirectoryChange {
  NodePtr from;
  std::string from_name;
  NodePtr to;
  std::string to_name;
  NodePtr node;

  bool touches(const Node* directory) const {
    return from.get() == directory || to.get() == directory;
  }
  void make_durable() const;
};

/// Everything is guarded by `mutex` but the hook, which is replaced whole.
struct Disk {
  std::mutex mutex;
  NodePtr root = std::make_shared<Node>();
  std::vector<DirectoryChange> changes;
  uint64_t generation = 0;  // counts crashes
  uint64_t used = 0;
  uint64_t capacity = UINT64_MAX;
  std::shared_ptr<const FaultHook> hook;

  Disk() { root->is_directory = true; }

  /// The injected fault, if any. Locks `mutex` only to get at the hook.
  std::optional<Fault> fault(DiskOperation operation, const std::string& path);
  NodePtr find(const std::string& path) const;
  /// The directory that holds, or would hold, `path`, and the last name of it; or null.
  std::pair<NodePtr, std::string> find_parent(const std::string& path) const;
  void link(const NodePtr& directory, const std::string& name, const NodePtr& node);
  void unlink(const NodePtr& directory, const std::string& name);
  void move(const NodePtr& from, const std::string& from_name, const NodePtr& to,
            const std::string& to_name);
  /// Changes of this directory become durable, and what they build on.
  void sync_directory(const Node* directory);
  void crash(CrashMode mode, Random& random);
  /// Writes what fits; false if not all did.
  bool write(Node& node, uint64_t offset, ByteView part);
  void resize(Node& node, uint64_t size);
};

}  // namespace longhaul::base::memory_disk
