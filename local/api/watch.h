// Watches: streams of events for HTTP clients.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "local/api/engine.h"
#include "local/api/selector.h"

namespace longhaul::local {

/// How a watch shows an object: as it is, or as a Table.
using Presentation = std::function<Json(const Json& object)>;

/// One watch: the API writes events, a connection takes them. Thread-safe.
class Watch {
 public:
  /// What was written since the last call, newline-separated JSON; empty if nothing.
  std::string take();
  /// Nothing will follow what `take` gives: the client lagged too far behind, or the API stops.
  bool ended() const;
  /// `wake` is called, from any thread and under a lock, when there is something to take. It must
  /// not call back into the watch or the API.
  void on_ready(std::function<void()> wake);
  /// A BOOKMARK event with that revision, if the client asked for bookmarks.
  void bookmark(uint64_t revision);

 private:
  friend class WatchHub;
  Watch(Target target, Selector selector, Presentation present, bool bookmarks);
  void write(std::string_view type, const Json& object);
  void write_change(const Change& change);
  void end();

  const Target target_;
  const Selector selector_;
  const Presentation present_;
  const bool bookmarks_;
  mutable std::mutex mutex_;
  std::string pending_;
  bool ended_ = false;
  std::function<void()> wake_;
};

struct WatchRequest {
  Target target;
  Selector selector;
  Presentation present;          // null: as they are
  std::string resource_version;  // "" or "0": begin with what is there
  bool bookmarks = false;
  bool send_initial_events = false;
};

/// The watches of one API. Under the API's lock.
class WatchHub {
 public:
  /// Begins with the events that are due: initial ones, those since `resource_version`, or an
  /// ERROR event with 410 if that is too long ago.
  Answer<std::shared_ptr<Watch>> open(const Store& store, WatchRequest request);
  void publish(const Change& change);
  void end_all();

 private:
  std::vector<std::weak_ptr<Watch>> watches_;
};

}  // namespace longhaul::local
