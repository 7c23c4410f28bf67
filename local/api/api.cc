#include "local/api/api.h"

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/result.h"
#include "operator/kube/object.h"

namespace longhaul::local {

Api::Api(Store& store, const base::Clock& clock, base::Random& random)
    : store_(store), engine_(store, clock, random) {
  store_.observe([this](const Change& change) {
    watches_.publish(change);
    if (listener_) listener_(change);
  });
  Kind::Ptr namespaces = engine_.kinds().find("", "v1", "namespaces");
  for (const char* name : {"default", "kube-system"})
    (void)engine_.create({namespaces, "", name}, {{"metadata", {{"name", name}}}},
                         {.manager = "longhaul-local"});  // there already after a restart
  (void)collect(engine_);
}

template <class Verb>
auto Api::write(Verb verb) {
  std::lock_guard lock(mutex_);
  auto result = verb();
  // What the collector could not do now it does after the next write.
  if (auto collected = collect(engine_); !collected) engine_.mark_unsettled();
  return result;
}

Answer<Kind::Ptr> Api::kind(std::string_view group, std::string_view version,
                            std::string_view plural) const {
  std::lock_guard lock(mutex_);
  Kind::Ptr found = engine_.kinds().find(group, version, plural);
  if (!found) return refuse(404, "NotFound", "the server could not find the requested resource");
  return found;
}

Answer<Kind::Ptr> Api::kind_of(const Json& object) const {
  std::lock_guard lock(mutex_);
  std::string version = op::kube::api_version_of(object), name = op::kube::kind_of(object);
  Kind::Ptr found = engine_.kinds().find_by_kind(version, name);
  if (!found)
    return refuse(404, "NotFound",
                  "no matches for kind \"" + name + "\" in version \"" + version + "\"");
  return found;
}

std::vector<Kind::Ptr> Api::kinds() const {
  std::lock_guard lock(mutex_);
  return engine_.kinds().all();
}

Answer<ObjectPtr> Api::get(const Target& target) const {
  std::lock_guard lock(mutex_);
  return engine_.get(target);
}

ObjectList Api::list(const Target& collection, const Selector& selector) const {
  std::lock_guard lock(mutex_);
  ObjectList out{{}, store_.revision()};
  for (ObjectPtr& object : store_.list(collection.kind->resource(), collection.name_space))
    if (selector.matches(*object)) out.objects.push_back(std::move(object));
  return out;
}

Answer<Written> Api::create(const Target& target, Json object, const WriteOptions& options) {
  return write([&] { return engine_.create(target, std::move(object), options); });
}

Answer<Written> Api::replace(const Target& target, Json object, const WriteOptions& options) {
  return write([&] { return engine_.replace(target, std::move(object), options); });
}

Answer<Written> Api::patch(const Target& target, PatchType type, const Json& patch,
                           const WriteOptions& options) {
  return write([&] { return engine_.patch(target, type, patch, options); });
}

Answer<Written> Api::apply(const Target& target, Json config, const WriteOptions& options) {
  return write([&] { return engine_.apply(target, std::move(config), options); });
}

Answer<Written> Api::apply_object(Json object, const std::string& manager) {
  LH_ASSIGN(Kind::Ptr found, kind_of(object));
  std::string name_space = op::kube::namespace_of(object);
  if (found->namespaced && name_space.empty()) name_space = "default";
  Target target{found, name_space, op::kube::name_of(object)};
  return apply(target, std::move(object), {.manager = manager, .force = true});
}

Answer<Deleted> Api::remove(const Target& target, const DeleteOptions& options) {
  return write([&] { return engine_.remove(target, options); });
}

Answer<ObjectList> Api::remove_all(const Target& collection, const Selector& selector,
                                   const DeleteOptions& options) {
  return write([&]() -> Answer<ObjectList> {
    ObjectList out{{}, store_.revision()};
    for (ObjectPtr& object : store_.list(collection.kind->resource(), collection.name_space)) {
      if (!selector.matches(*object)) continue;
      Target target{collection.kind, op::kube::namespace_of(*object), op::kube::name_of(*object)};
      LH_ASSIGN([[maybe_unused]] Deleted deleted, engine_.remove(target, options));
      out.objects.push_back(std::move(object));
    }
    return out;
  });
}

Answer<std::shared_ptr<Watch>> Api::watch(WatchRequest request) {
  std::lock_guard lock(mutex_);
  return watches_.open(store_, std::move(request));
}

uint64_t Api::revision() const {
  std::lock_guard lock(mutex_);
  return store_.revision();
}

void Api::listen(std::function<void(const Change&)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void Api::stop() {
  std::lock_guard lock(mutex_);
  watches_.end_all();
}

}  // namespace longhaul::local
