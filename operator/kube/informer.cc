#include "operator/kube/informer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace longhaul::op::kube {
namespace {

constexpr int kPageSize = 500;
constexpr int kWatchSeconds = 290;
/// Bounds what a server that ends every watch at once can make us do.
constexpr std::chrono::milliseconds kBetweenWatches{20};
constexpr std::chrono::milliseconds kFirstBackOff{100};
constexpr std::chrono::milliseconds kLongestBackOff{15000};

bool is_gone(const base::Error& error) { return error.code == base::Errc::kCancelled; }

}  // namespace

Informer::Informer(Transport& transport, const ResourceType& type, Scope scope, Listener listener,
                   base::Logger logger)
    : transport_(transport),
      type_(type),
      scope_(std::move(scope)),
      listener_(std::move(listener)),
      logger_(logger) {}

Informer::~Informer() { stop(); }

void Informer::start() {
  thread_ = std::jthread([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      std::chrono::milliseconds delay = round(stop);
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, delay, [] { return false; });
    }
  });
}

void Informer::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

bool Informer::wait_until_synced(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, limit, [this] { return synced_; });
}

bool Informer::synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

std::chrono::milliseconds Informer::round(std::stop_token stop) {
  bool listing = resource_version_.empty();
  base::Result<void> result = listing ? relist() : watch_once(stop);
  if (result) {
    failures_ = 0;
    return listing ? std::chrono::milliseconds(0) : kBetweenWatches;
  }
  if (stop.stop_requested()) return std::chrono::milliseconds(0);
  if (is_gone(result.error())) {
    logger_.debug("{}: listing again: {}", type_.plural, result.error().message);
    resource_version_.clear();
  } else {
    logger_.warn("{}: {}", type_.plural, result.error().message);
  }
  auto delay = kFirstBackOff * (1 << std::min(failures_++, 8));
  return std::min(delay, kLongestBackOff);
}

base::Result<std::string> Informer::list_pages(std::vector<Json>& items) {
  std::string next;
  while (true) {
    LH_ASSIGN(Json page, call(transport_, list(type_, scope_, kPageSize, next)));
    if (auto found = page.find("items"); found != page.end() && found->is_array())
      for (Json& item : *found) items.push_back(std::move(item));
    next = string_at(page, {"metadata", "continue"});
    if (next.empty()) return string_at(page, {"metadata", "resourceVersion"});
  }
}

base::Result<void> Informer::relist() {
  std::vector<Json> items;
  LH_ASSIGN(std::string version, list_pages(items));
  std::set<ObjectKey> present;
  for (Json& item : items) {
    // Items of a list carry no kind of their own.
    item["apiVersion"] = type_.api_version();
    item["kind"] = std::string(type_.kind);
    ObjectKey key = key_of(item);
    ObjectPtr known = store_.get(key);
    present.insert(key);
    if (known && resource_version_of(*known) == resource_version_of(item)) continue;
    store_.put(std::move(item));
    changed(key);
  }
  for (const ObjectKey& key :
       store_.erase_unless([&](const ObjectKey& key) { return present.contains(key); }))
    changed(key);
  resource_version_ = version;
  {
    std::lock_guard lock(mutex_);
    synced_ = true;
  }
  wake_.notify_all();
  return {};
}

base::Result<void> Informer::watch_once(std::stop_token stop) {
  base::Result<void> event;
  auto on_line = [&](std::string_view line) {
    if (line.empty()) return true;
    event = on_event(line);
    return event.has_value();
  };
  LH_ASSIGN(
      Response response,
      transport_.stream(watch(type_, scope_, resource_version_, kWatchSeconds), on_line, stop));
  LH_TRY(event);
  if (response.status == 200) return {};
  base::Result<Json> status = read_response(response);
  if (status) return {};
  return tl::unexpected<base::Error>(status.error());
}

base::Result<void> Informer::on_event(std::string_view line) {
  LH_ASSIGN(Json event, parse_json(line));
  std::string kind = string_at(event, {"type"});
  auto object = event.find("object");
  if (object == event.end() || !object->is_object())
    return base::fail(base::Errc::kCorrupt, "a watch event without an object");
  if (kind == "ERROR") return tl::unexpected<base::Error>(status_error(*object, 500));
  std::string version = resource_version_of(*object);
  if (kind != "BOOKMARK") {
    ObjectKey key = key_of(*object);
    if (kind == "DELETED")
      store_.erase(key);
    else
      store_.put(std::move(*object));
    changed(key);
  }
  if (!version.empty()) resource_version_ = version;
  return {};
}

void Informer::changed(const ObjectKey& key) {
  if (listener_) listener_(key, store_.get(key));
}

}  // namespace longhaul::op::kube
