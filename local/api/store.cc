#include "local/api/store.h"

#include <nlohmann/json.hpp>

#include "local/api/text.h"

namespace longhaul::local {
namespace {

using base::Errc;
using base::Result;

constexpr uint64_t kFileLimit = 1ULL << 30;
constexpr uint64_t kJournalSlack = 8ULL << 20;  // compact once the journal is larger than this …

ObjectPtr with_revision(Json object, uint64_t revision) {
  object["metadata"]["resourceVersion"] = std::to_string(revision);
  return std::make_shared<Json>(std::move(object));
}

Json to_json(const Key& key) { return Json::array({key.resource, key.name_space, key.name}); }

Key to_key(const Json& json) {
  return {json.at(0).get<std::string>(), json.at(1).get<std::string>(),
          json.at(2).get<std::string>()};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(base::FileSystem& files, const std::string& directory,
                                           size_t history) {
  std::unique_ptr<Store> store(new Store(history));
  store->files_ = &files;
  store->directory_ = directory;
  LH_TRY(store->load());
  LH_TRY(store->write_snapshot());
  store->forgotten_ = store->revision_;
  return store;
}

std::unique_ptr<Store> Store::in_memory(size_t history) {
  return std::unique_ptr<Store>(new Store(history));
}

Result<void> Store::load() {
  std::string snapshot = directory_ + "/objects.json", journal = directory_ + "/journal.jsonl";
  if (files_->exists(snapshot)) {
    LH_ASSIGN(base::Bytes bytes, base::read_file(*files_, snapshot, kFileLimit));
    try {
      Json all = Json::parse(base::as_text(bytes));
      revision_ = all.at("revision").get<uint64_t>();
      for (Json& entry : all.at("objects"))
        objects_[to_key(entry.at("key"))] = std::make_shared<Json>(std::move(entry.at("object")));
    } catch (const Json::exception& error) {
      return base::fail(Errc::kCorrupt, snapshot + " is damaged (" + error.what() +
                                            "); `longhaul down --wipe` starts afresh");
    }
  }
  if (!files_->exists(journal)) return {};
  LH_ASSIGN(base::Bytes bytes, base::read_file(*files_, journal, kFileLimit));
  return replay(base::as_text(bytes));
}

Result<void> Store::replay(std::string_view journal) {
  while (!journal.empty()) {
    size_t end = journal.find('\n');
    if (end == journal.npos) break;  // torn by a crash
    Json line = Json::parse(journal.substr(0, end), nullptr, false);
    journal.remove_prefix(end + 1);
    try {
      auto revision = line.at("revision").get<uint64_t>();
      // After a crash between snapshot and truncation the journal repeats what the snapshot has.
      if (revision <= revision_) continue;
      revision_ = revision;
      Key key = to_key(line.at("key"));
      if (line.contains("object"))
        objects_[key] = std::make_shared<Json>(std::move(line.at("object")));
      else
        objects_.erase(key);
    } catch (const Json::exception& error) {
      if (journal.empty()) break;
      return base::fail(Errc::kCorrupt, directory_ + "/journal.jsonl is damaged (" + error.what() +
                                            "); `longhaul down --wipe` starts afresh");
    }
  }
  return {};
}

Result<void> Store::write_snapshot() {
  if (!files_) return {};
  Json all{{"revision", revision_}, {"objects", Json::array()}};
  for (auto& [key, object] : objects_)
    all["objects"].push_back({{"key", to_json(key)}, {"object", *object}});
  std::string text = to_text(all);
  LH_TRY(base::write_file_atomic(*files_, directory_ + "/objects.json", base::as_bytes(text)));
  if (!journal_) {
    LH_ASSIGN(journal_, files_->open(directory_ + "/journal.jsonl", base::OpenMode::kCreate));
  }
  LH_TRY(journal_->truncate(0));
  journal_size_ = 0;
  snapshot_size_ = text.size();
  return {};
}

Result<void> Store::append(const Json& line) {
  if (!journal_) return {};
  std::string text = to_text(line) + "\n";
  if (auto written = journal_->write_at(journal_size_, base::as_bytes(text)); !written) {
    // Part of the line may stand there; the next line must not begin behind it.
    (void)journal_->truncate(journal_size_);
    return base::fail_in("writing " + directory_ + "/journal.jsonl", written.error());
  }
  journal_size_ += text.size();
  return {};
}

ObjectPtr Store::get(const Key& key) const {
  auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::list(std::string_view resource, std::string_view name_space) const {
  std::vector<ObjectPtr> out;
  Key first{std::string(resource), std::string(name_space), ""};
  for (auto at = objects_.lower_bound(first); at != objects_.end(); ++at) {
    if (at->first.resource != resource) break;
    if (!name_space.empty() && at->first.name_space != name_space) break;
    out.push_back(at->second);
  }
  return out;
}

std::vector<Key> Store::keys_in_namespace(std::string_view name_space) const {
  std::vector<Key> out;
  for (auto& [key, object] : objects_)
    if (key.name_space == name_space) out.push_back(key);
  return out;
}

Result<ObjectPtr> Store::put(const Key& key, Json object) {
  Change change{revision_ + 1, key, get(key), nullptr, nullptr};
  change.after = change.shown = with_revision(std::move(object), change.revision);
  LH_TRY(append({{"revision", change.revision}, {"key", to_json(key)}, {"object", *change.after}}));
  objects_[key] = change.after;
  ObjectPtr stored = change.after;
  record(std::move(change));
  return stored;
}

Result<ObjectPtr> Store::erase(const Key& key) {
  Change change{revision_ + 1, key, get(key), nullptr, nullptr};
  change.shown = with_revision(*change.before, change.revision);
  LH_TRY(append({{"revision", change.revision}, {"key", to_json(key)}}));
  objects_.erase(key);
  ObjectPtr last = change.shown;
  record(std::move(change));
  return last;
}

void Store::record(Change change) {
  revision_ = change.revision;
  history_.push_back(std::move(change));
  if (observer_) observer_(history_.back());
  while (history_.size() > history_limit_) {
    forgotten_ = history_.front().revision;
    history_.pop_front();
  }
  // … and than what it repeats. A failure to compact is not a failure to store.
  if (journal_size_ > kJournalSlack && journal_size_ > 2 * snapshot_size_) (void)write_snapshot();
}

}  // namespace longhaul::local
