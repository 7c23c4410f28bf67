#include "broker/log/transaction_index.h"

#include <algorithm>

namespace longhaul::broker::log {

namespace {

using base::Errc;

constexpr int16_t kVersion = 0;
constexpr size_t kEntrySize = 34;

base::Bytes encode(const AbortedTransaction& aborted) {
  base::Writer writer(kEntrySize);
  writer.int16(kVersion);
  writer.int64(aborted.producer_id);
  writer.int64(aborted.first_offset);
  writer.int64(aborted.last_offset);
  writer.int64(aborted.last_stable_offset);
  return writer.take();
}

}  // namespace

std::string TransactionIndex::path() const {
  return directory_->segment_file(base_offset_, kTransactionIndexExtension);
}

base::Result<void> TransactionIndex::append(const AbortedTransaction& aborted) {
  LH_ASSIGN(auto file, directory_->files().open(path(), base::OpenMode::kCreate));
  directory_->mark_changed();
  LH_ASSIGN(uint64_t size, file->size());
  return file->write_at(size - size % kEntrySize, encode(aborted));
}

base::Result<void> TransactionIndex::pin() {
  LH_ASSIGN(auto entries, read_file());
  pinned_.store(std::make_shared<const std::vector<AbortedTransaction>>(std::move(entries)));
  return {};
}

base::Result<std::vector<AbortedTransaction>> TransactionIndex::read() const {
  if (auto pinned = pinned_.load()) return *pinned;
  auto entries = read_file();
  // It may have been pinned, and the file replaced, before this one was opened.
  if (auto pinned = pinned_.load()) return *pinned;
  return entries;
}

base::Result<std::vector<AbortedTransaction>> TransactionIndex::read_file() const {
  std::vector<AbortedTransaction> entries;
  auto content = base::read_file(directory_->files(), path(), UINT32_MAX);
  if (!content && content.error().code == Errc::kNotFound) return entries;
  if (!content) return tl::unexpected(content.error());
  base::Reader reader(*content);
  while (reader.remaining() >= kEntrySize) {
    if (reader.int16() != kVersion) {
      return base::fail(Errc::kCorrupt, path() + ": an entry is not of version 0");
    }
    AbortedTransaction entry;
    entry.producer_id = reader.int64();
    entry.first_offset = reader.int64();
    entry.last_offset = reader.int64();
    entry.last_stable_offset = reader.int64();
    entries.push_back(entry);
  }
  return entries;
}

base::Result<void> TransactionIndex::truncate(int64_t offset) {
  auto file = directory_->files().open(path(), base::OpenMode::kReadWrite);
  if (!file && file.error().code == Errc::kNotFound) return {};
  if (!file) return tl::unexpected(file.error());
  LH_ASSIGN(auto entries, read());
  auto cut = std::find_if(entries.begin(), entries.end(),
                          [&](const auto& entry) { return entry.last_offset >= offset; });
  return (*file)->truncate(static_cast<uint64_t>(cut - entries.begin()) * kEntrySize);
}

base::Result<void> TransactionIndex::remove() {
  auto removed = directory_->files().remove(path());
  if (!removed && removed.error().code != Errc::kNotFound) return removed;
  return {};
}

base::Result<void> TransactionIndex::sync() {
  auto file = directory_->files().open(path(), base::OpenMode::kReadWrite);
  if (!file && file.error().code == Errc::kNotFound) return {};
  if (!file) return tl::unexpected(file.error());
  return (*file)->sync();
}

}  // namespace longhaul::broker::log
