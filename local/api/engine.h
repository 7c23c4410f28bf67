// The verbs of the API on objects: create, update, patch, apply, delete, without HTTP or locks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "local/api/kind.h"
#include "local/api/managed_fields.h"
#include "local/api/store.h"

namespace longhaul::local {

/// What a request is about. `name` is empty for collections; `subresource` is "" or "status".
struct Target {
  Kind::Ptr kind;
  std::string name_space = {};
  std::string name = {};
  std::string subresource = {};

  Key key() const { return {kind->resource(), kind->namespaced ? name_space : "", name}; }
};

/// fieldValidation: what to do with unknown and duplicate fields.
enum class FieldValidation { kIgnore, kWarn, kStrict };

struct WriteOptions {
  std::string manager = "unknown";  // fieldManager
  bool dry_run = false;
  bool force = false;  // apply only: take fields of other managers over
  FieldValidation validation = FieldValidation::kIgnore;
  std::vector<std::string> duplicates = {};      // fields that occurred twice in the body
  std::vector<std::string>* warnings = nullptr;  // filled for kWarn
};

struct DeleteOptions {
  std::string uid = {};               // precondition, "" for none
  std::string resource_version = {};  // precondition, "" for none
  std::optional<int64_t> grace_seconds = {};
  std::string propagation = {};  // "", Background, Foreground, Orphan
  bool dry_run = false;
};

enum class PatchType { kJson, kMerge, kStrategic };

struct Written {
  ObjectPtr object;
  bool created = false;
};
struct Deleted {
  ObjectPtr object;   // its last state
  bool gone = false;  // false: it waits for finalizers or a graceful end
};

/// Not thread-safe. Every write is checked in full before anything is stored.
class Engine {
 public:
  /// Serves the definitions that the store holds already. All must outlive the engine.
  Engine(Store& store, const base::Clock& clock, base::Random& random);

  const Kinds& kinds() const { return kinds_; }
  Store& store() { return store_; }
  const Store& store() const { return store_; }

  Answer<ObjectPtr> get(const Target& target) const;
  Answer<Written> create(Target target, Json object, const WriteOptions& options);
  /// PUT; creates nothing.
  Answer<Written> replace(const Target& target, Json object, const WriteOptions& options);
  Answer<Written> patch(const Target& target, PatchType type, const Json& patch,
                        const WriteOptions& options);
  /// Server-side apply; creates what is not there.
  Answer<Written> apply(const Target& target, Json config, const WriteOptions& options);
  Answer<Deleted> remove(const Target& target, const DeleteOptions& options);

  /// For the collector: stores `next` in place of `before` without any check, or erases it if its
  /// deletion waits for nothing any more.
  Answer<void> settle_object(const Key& key, Json next);
  Answer<void> erase_object(const Key& key);
  /// Has the collector look again.
  void mark_unsettled() { unsettled_ = true; }
  /// True once after writes that the collector must look at.
  bool take_unsettled() { return std::exchange(unsettled_, false); }

 private:
  struct Change;
  Answer<Written> finish_create(Target target, Json object, std::optional<ManagedFields> managed,
                                const WriteOptions& options);
  Answer<Written> finish_update(const Target& target, const ObjectPtr& before, Json next,
                                std::optional<ManagedFields> managed, const WriteOptions& options);
  Answer<void> check_body(const Target& target, Json& object, const WriteOptions& options) const;
  Answer<void> check_namespace(const Target& target) const;
  Answer<void> check_object(const Target& target, const Json& object) const;
  Answer<void> normalize(const Target& target, Json& object, const WriteOptions& options,
                         bool strict) const;
  Answer<ObjectPtr> put(const Target& target, Json object);
  Answer<void> make_room_for_event(const Target& target);
  Writer writer(const Target& target, const WriteOptions& options) const;
  std::string now() const;

  Store& store_;
  const base::Clock& clock_;
  base::Random& random_;
  Kinds kinds_;
  bool unsettled_ = true;
};

/// 404 as Kubernetes words it.
tl::unexpected<ApiError> not_found(const Target& target);

}  // namespace longhaul::local
