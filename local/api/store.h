// The objects of one API: in memory, with a journal on disk and a bounded history for watches.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "local/api/schema.h"

namespace longhaul::local {

using ObjectPtr = std::shared_ptr<const Json>;

/// Where an object lives. `resource` is `Kind::resource()`; `name_space` is empty for kinds that
/// have none.
struct Key {
  std::string resource, name_space, name;
  auto operator<=>(const Key&) const = default;
};

/// One change. Exactly one of `before` and `after` is null for additions and deletions.
struct Change {
  uint64_t revision = 0;
  Key key;
  ObjectPtr before, after;
  /// The object that a watch shows: `after`, or what was deleted with the revision of its end.
  ObjectPtr shown;
};

/// Objects by key, each with its revision as metadata.resourceVersion. One counter of revisions
/// for all. Not thread-safe.
///
/// On disk: `objects.json` (all objects at some revision) and `journal.jsonl` (a line per change
/// since, see docs/local.md). A torn last line is dropped; changes reach the kernel before `put`
/// returns, so a killed process loses nothing; they are not synced one by one.
class Store {
 public:
  /// Opens or creates the store in a directory that exists. kCorrupt if the files contradict
  /// themselves. `history` is how many changes watches can go back.
  static base::Result<std::unique_ptr<Store>> open(base::FileSystem& files,
                                                   const std::string& directory, size_t history);
  /// A store that is forgotten with the object, for tests and dry runs.
  static std::unique_ptr<Store> in_memory(size_t history);

  uint64_t revision() const { return revision_; }
  /// The last change that is no longer in the history; watches start at or after it.
  uint64_t forgotten() const { return forgotten_; }
  ObjectPtr get(const Key& key) const;
  /// In order of namespace and name. An empty namespace: all.
  std::vector<ObjectPtr> list(std::string_view resource, std::string_view name_space) const;
  std::vector<Key> keys_in_namespace(std::string_view name_space) const;
  const std::map<Key, ObjectPtr>& all() const { return objects_; }
  const std::deque<Change>& history() const { return history_; }

  /// Stores the object under the next revision and gives it back with that resourceVersion.
  /// kIo, kNoSpace if the journal could not be written: nothing has changed then.
  base::Result<ObjectPtr> put(const Key& key, Json object);
  /// Removes an object that exists; gives it back with the revision of its end.
  base::Result<ObjectPtr> erase(const Key& key);

  /// Called after every change, from within `put` and `erase`. One observer.
  void observe(std::function<void(const Change&)> observer) { observer_ = std::move(observer); }

 private:
  explicit Store(size_t history) : history_limit_(history) {}
  base::Result<void> load();
  base::Result<void> replay(std::string_view journal);
  base::Result<void> append(const Json& line);
  base::Result<void> write_snapshot();
  void record(Change change);

  base::FileSystem* files_ = nullptr;
  std::string directory_;
  std::unique_ptr<base::File> journal_;
  uint64_t journal_size_ = 0;
  uint64_t snapshot_size_ = 0;
  uint64_t revision_ = 1;
  uint64_t forgotten_ = 1;
  size_t history_limit_;
  std::map<Key, ObjectPtr> objects_;
  std::deque<Change> history_;
  std::function<void(const Change&)> observer_;
};

}  // namespace longhaul::local
