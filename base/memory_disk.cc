#include "base/memory_disk.h"

#include <algorithm>
#include <set>

namespace longhaul::base::memory_disk {

namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> names;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string name = path.substr(at, end - at);
    if (!name.empty() && name != ".") names.push_back(std::move(name));
    at = end + 1;
  }
  return names;
}

/// Puts back what the sector of a page held before, zeros past that.
void restore(Bytes& content, uint64_t at, uint64_t size, const Bytes& before, uint64_t from) {
  for (uint64_t i = 0; i < size && at + i < content.size(); ++i) {
    content[at + i] = from + i < before.size() ? before[from + i] : 0;
  }
}

void unlock(Node& node) {
  node.locked = false;
  for (auto& [name, entry] : node.entries) unlock(*entry);
}

void crash_directory(Node& directory, CrashMode mode, Random& random, uint64_t& used) {
  directory.entries = directory.durable_entries;
  for (auto& [name, node] : directory.entries) {
    node->linked = true;
    node->locked = false;
    if (node->is_directory) {
      crash_directory(*node, mode, random, used);
    } else {
      node->crash(mode, random);
      used += node->content.size();
    }
  }
}

}  // namespace

void Node::save_pages(uint64_t from, uint64_t to) {
  for (uint64_t page = from / kPage; page * kPage < to; ++page) {
    auto [at, fresh] = changed.try_emplace(page);
    at->second.lost = false;
    if (!fresh || page * kPage >= content.size()) continue;
    uint64_t end = std::min<uint64_t>((page + 1) * kPage, content.size());
    at->second.before.assign(content.begin() + static_cast<std::ptrdiff_t>(page * kPage),
                             content.begin() + static_cast<std::ptrdiff_t>(end));
  }
}

void Node::sync() {
  std::erase_if(changed, [](const auto& page) { return !page.second.lost; });
  durable_size = content.size();
}

void Node::fail_sync() {
  for (auto& [page, saved] : changed) saved.lost = true;
}

void Node::crash(CrashMode mode, Random& random) {
  uint64_t size = content.size();
  uint64_t final_size = size;
  if (mode == CrashMode::kLoseUnsynced) final_size = durable_size;
  if (mode == CrashMode::kTorn && size != durable_size) {
    uint64_t low = std::min(size, durable_size);
    uint64_t high = std::max(size, durable_size);
    uint64_t choice = random.below(4);
    final_size = choice == 0 ? low : choice == 1 ? high : low + random.below(high - low + 1);
  }
  content.resize(std::max(size, durable_size));
  for (auto& [page, saved] : changed) {
    bool whole = mode == CrashMode::kTorn && random.below(3) == 0;
    for (uint64_t sector = 0; sector < kPage; sector += kSector) {
      bool lose = saved.lost || mode == CrashMode::kLoseUnsynced ||
                  (mode == CrashMode::kTorn && !whole && random.below(2) == 0);
      if (lose) restore(content, page * kPage + sector, kSector, saved.before, sector);
    }
  }
  content.resize(final_size);
  changed.clear();
  durable_size = final_size;
}

void DirectoryChange::make_durable() const {
  if (from) from->durable_entries.erase(from_name);
  if (to) to->durable_entries[to_name] = node;
}

std::optional<Fault> Disk::fault(DiskOperation operation, const std::string& path) {
  std::shared_ptr<const FaultHook> current;
  {
    std::lock_guard lock(mutex);
    current = hook;
  }
  return current && *current ? (*current)(operation, path) : std::nullopt;
}

NodePtr Disk::find(const std::string& path) const {
  NodePtr node = root;
  for (const auto& name : split(path)) {
    auto at = node->entries.find(name);
    if (at == node->entries.end()) return nullptr;
    node = at->second;
  }
  return node;
}

std::pair<NodePtr, std::string> Disk::find_parent(const std::string& path) const {
  auto names = split(path);
  if (names.empty()) return {nullptr, ""};
  NodePtr node = root;
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    auto at = node->entries.find(names[i]);
    if (at == node->entries.end()) return {nullptr, ""};
    node = at->second;
  }
  return {node->is_directory ? node : nullptr, names.back()};
}

void Disk::link(const NodePtr& directory, const std::string& name, const NodePtr& node) {
  directory->entries[name] = node;
  changes.push_back({nullptr, "", directory, name, node});
}

void Disk::unlink(const NodePtr& directory, const std::string& name) {
  auto at = directory->entries.find(name);
  at->second->linked = false;
  used -= at->second->content.size();
  changes.push_back({directory, name, nullptr, "", at->second});
  directory->entries.erase(at);
}

void Disk::move(const NodePtr& from, const std::string& from_name, const NodePtr& to,
                const std::string& to_name) {
  NodePtr node = from->entries.at(from_name);
  if (auto over = to->entries.find(to_name); over != to->entries.end() && over->second != node) {
    over->second->linked = false;
    used -= over->second->content.size();
  }
  from->entries.erase(from_name);
  to->entries[to_name] = node;
  changes.push_back({from, from_name, to, to_name, node});
}

void Disk::sync_directory(const Node* directory) {
  std::set<const Node*> directories{directory};
  std::vector<DirectoryChange> durable;
  std::vector<DirectoryChange> rest;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    bool taken = std::any_of(directories.begin(), directories.end(),
                             [&](const Node* one) { return change->touches(one); });
    if (taken && change->from) directories.insert(change->from.get());
    if (taken && change->to) directories.insert(change->to.get());
    (taken ? durable : rest).push_back(*change);
  }
  std::for_each(durable.rbegin(), durable.rend(), [](const auto& one) { one.make_durable(); });
  changes.assign(rest.rbegin(), rest.rend());
}

void Disk::crash(CrashMode mode, Random& random) {
  ++generation;
  if (mode == CrashMode::kKeepAll) return unlock(*root);
  size_t durable = mode == CrashMode::kTorn ? random.below(changes.size() + 1) : 0;
  for (size_t i = 0; i < durable; ++i) changes[i].make_durable();
  changes.clear();
  used = 0;
  crash_directory(*root, mode, random, used);
}

bool Disk::write(Node& node, uint64_t offset, ByteView part) {
  uint64_t end = offset + part.size();
  bool fits = true;
  if (node.linked && end > node.content.size()) {
    uint64_t room = capacity > used ? capacity - used : 0;
    fits = end - node.content.size() <= room;
    if (!fits) end = std::max(offset, node.content.size() + room);
  }
  uint64_t size = std::min<uint64_t>(end - offset, part.size());
  if (size == 0) return fits;
  node.save_pages(offset, offset + size);
  if (offset + size > node.content.size()) resize(node, offset + size);
  std::copy_n(part.begin(), size, node.content.begin() + static_cast<std::ptrdiff_t>(offset));
  return fits;
}

void Disk::resize(Node& node, uint64_t size) {
  if (size < node.content.size()) node.save_pages(size, node.content.size());
  if (node.linked) used = used - node.content.size() + size;
  node.content.resize(size);
}

}  // namespace longhaul::base::memory_disk
