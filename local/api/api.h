// The API of one region as a whole: objects, watches, collection, under one lock. Callers within
// the process (the node, `longhaul up`) use it directly; HTTP goes through `Router`.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "local/api/collector.h"
#include "local/api/engine.h"
#include "local/api/watch.h"

namespace longhaul::local {

struct ObjectList {
  std::vector<ObjectPtr> objects;
  uint64_t revision = 0;  // metadata.resourceVersion of the list
};

/// Thread-safe. Holds the namespaces default and kube-system from the start.
class Api {
 public:
  /// All must outlive the API.
  Api(Store& store, const base::Clock& clock, base::Random& random);

  /// The kind of a path, or 404.
  Answer<Kind::Ptr> kind(std::string_view group, std::string_view version,
                         std::string_view plural) const;
  /// The kind of an object; 404 if it is not served.
  Answer<Kind::Ptr> kind_of(const Json& object) const;
  std::vector<Kind::Ptr> kinds() const;

  Answer<ObjectPtr> get(const Target& target) const;
  ObjectList list(const Target& collection, const Selector& selector = {}) const;
  Answer<Written> create(const Target& target, Json object, const WriteOptions& options);
  Answer<Written> replace(const Target& target, Json object, const WriteOptions& options);
  Answer<Written> patch(const Target& target, PatchType type, const Json& patch,
                        const WriteOptions& options);
  Answer<Written> apply(const Target& target, Json config, const WriteOptions& options);
  Answer<Deleted> remove(const Target& target, const DeleteOptions& options);
  /// Deletes every object that matches; gives what was there.
  Answer<ObjectList> remove_all(const Target& collection, const Selector& selector,
                                const DeleteOptions& options);
  Answer<std::shared_ptr<Watch>> watch(WatchRequest request);
  uint64_t revision() const;

  /// Server-side apply of a whole object by kind and name, for callers within the process.
  Answer<Written> apply_object(Json object, const std::string& manager);

  /// Called after every change, under the lock: it must only take note and return. One listener.
  void listen(std::function<void(const Change&)> listener);
  /// Ends all watches.
  void stop();

 private:
  /// Runs a write and then what follows from it.
  template <class Verb>
  auto write(Verb verb);

  mutable std::mutex mutex_;
  Store& store_;
  Engine engine_;
  WatchHub watches_;
  std::function<void(const Change&)> listener_;
};

}  // namespace longhaul::local
