#include "local/api/watch.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "local/api/text.h"

namespace longhaul::local {
namespace {

constexpr size_t kMaxPendingBytes = 64ULL << 20;  // of one client that does not read

Json bookmark_of(const Kind& kind, uint64_t revision) {
  return {{"kind", kind.name},
          {"apiVersion", kind.api_version()},
          {"metadata",
           {{"resourceVersion", std::to_string(revision)}, {"creationTimestamp", nullptr}}}};
}

}  // namespace

Watch::Watch(Target target, Selector selector, Presentation present, bool bookmarks)
    : target_(std::move(target)),
      selector_(std::move(selector)),
      present_(std::move(present)),
      bookmarks_(bookmarks) {}

std::string Watch::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(pending_, {});
}

bool Watch::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

void Watch::on_ready(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  if (wake_ && (ended_ || !pending_.empty())) wake_();
}

void Watch::end() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  if (wake_) wake_();
}

void Watch::write(std::string_view type, const Json& object) {
  std::string line = to_text({{"type", type}, {"object", object}}) + "\n";
  std::lock_guard lock(mutex_);
  if (ended_) return;
  if (pending_.size() + line.size() > kMaxPendingBytes) {
    pending_.clear();
    ended_ = true;
  } else {
    pending_ += line;
  }
  if (wake_) wake_();
}

void Watch::bookmark(uint64_t revision) {
  if (bookmarks_) write("BOOKMARK", bookmark_of(*target_.kind, revision));
}

void Watch::write_change(const Change& change) {
  if (change.key.resource != target_.kind->resource()) return;
  if (!target_.name_space.empty() && change.key.name_space != target_.name_space) return;
  if (!target_.name.empty() && change.key.name != target_.name) return;
  bool before = change.before && selector_.matches(*change.before);
  bool after = change.after && selector_.matches(*change.after);
  if (!before && !after) return;
  const char* type = !before ? "ADDED" : after ? "MODIFIED" : "DELETED";
  write(type, present_ ? present_(*change.shown) : *change.shown);
}

Answer<std::shared_ptr<Watch>> WatchHub::open(const Store& store, WatchRequest request) {
  const Kind& kind = *request.target.kind;
  const std::string& text = request.resource_version;
  uint64_t since = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), since);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size()))
    return bad_request("invalid resourceVersion \"" + text + "\"");
  std::shared_ptr<Watch> watch(
      new Watch(request.target, request.selector, request.present, request.bookmarks));
  bool initial = since == 0 || request.send_initial_events;
  if (!initial && since < store.forgotten()) {
    watch->write("ERROR", status_of({410, "Expired",
                                     "too old resource version: " + text + " (" +
                                         std::to_string(store.forgotten()) + ")"}));
    watch->end();
    return watch;
  }
  if (initial) {
    for (const ObjectPtr& object : store.list(kind.resource(), request.target.name_space)) {
      bool named =
          request.target.name.empty() || object->at("metadata").at("name") == request.target.name;
      if (named && request.selector.matches(*object))
        watch->write("ADDED", request.present ? request.present(*object) : *object);
    }
    if (request.send_initial_events) {
      Json mark = bookmark_of(kind, store.revision());
      mark["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
      watch->write("BOOKMARK", mark);
    }
  } else {
    for (const Change& change : store.history())
      if (change.revision > since) watch->write_change(change);
  }
  watches_.push_back(watch);
  return watch;
}

void WatchHub::publish(const Change& change) {
  std::erase_if(watches_, [&](const std::weak_ptr<Watch>& weak) {
    std::shared_ptr<Watch> watch = weak.lock();
    if (watch) watch->write_change(change);
    return !watch || watch->ended();
  });
}

void WatchHub::end_all() {
  for (const std::weak_ptr<Watch>& weak : watches_)
    if (std::shared_ptr<Watch> watch = weak.lock()) watch->end();
  watches_.clear();
}

}  // namespace longhaul::local
