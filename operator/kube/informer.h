// A list+watch cache of one kind: keeps a Store as the API server has it, and tells of changes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "operator/kube/store.h"
#include "operator/kube/transport.h"

namespace longhaul::op::kube {

/// One thread that lists, then watches from the list's resourceVersion on, and after every end of
/// a watch goes on where it was. 410 (the version is gone) lists anew; errors wait with back-off.
class Informer {
 public:
  /// Called on the informer's thread after the store has changed, with the object's last known
  /// state (null: it is gone).
  using Listener = std::function<void(const ObjectKey&, const ObjectPtr& object)>;

  Informer(Transport& transport, const ResourceType& type, Scope scope, Listener listener,
           base::Logger logger);
  ~Informer();
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  const Store& store() const { return store_; }
  const ResourceType& type() const { return type_; }

  /// Begins on a thread of its own; ends with the object or with `stop`.
  void start();
  void stop();
  /// True once the store has held a whole list. False if `stop` came first.
  bool wait_until_synced(std::chrono::milliseconds limit);
  bool synced() const;

  /// One round on the caller's thread, instead of `start`: a list if there is no version to watch
  /// from, else one watch until it ends. Gives how long to wait before the next round.
  std::chrono::milliseconds round(std::stop_token stop);
  /// Lists on the caller's thread, whatever is known.
  base::Result<void> relist();

 private:
  base::Result<void> watch_once(std::stop_token stop);
  base::Result<void> on_event(std::string_view line);
  base::Result<std::string> list_pages(std::vector<Json>& items);
  void changed(const ObjectKey& key);

  Transport& transport_;
  const ResourceType& type_;
  const Scope scope_;
  const Listener listener_;
  const base::Logger logger_;
  Store store_;
  std::string resource_version_;  // empty: list next
  int failures_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool synced_ = false;
  std::jthread thread_;
};

}  // namespace longhaul::op::kube
