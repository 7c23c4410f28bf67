#include "broker/log/index_file.h"

#include <algorithm>

namespace longhaul::broker::log {

using base::Errc;

IndexFile::IndexFile(std::shared_ptr<LogDirectory> directory, int64_t base_offset,
                     const char* extension, size_t entry_size)
    : directory_(std::move(directory)),
      extension_(extension),
      base_offset_(base_offset),
      entry_size_(entry_size) {}

void IndexFile::adopt(uint64_t size) {
  std::lock_guard lock(mutex_);
  exists_ = true;
  on_disk_ = size / entry_size_;
}

std::string IndexFile::path() const { return directory_->segment_file(base_offset_, extension_); }

size_t IndexFile::count() const {
  std::lock_guard lock(mutex_);
  return on_disk_ + tail_.size() / entry_size_;
}

void IndexFile::append(const uint8_t* entry) {
  std::lock_guard lock(mutex_);
  tail_.insert(tail_.end(), entry, entry + entry_size_);
}

bool IndexFile::tail_is_full() const {
  std::lock_guard lock(mutex_);
  return tail_.size() >= kTailEntries * entry_size_;
}

base::Result<std::shared_ptr<base::File>> IndexFile::open_locked(base::OpenMode mode) const {
  used_ = true;
  if (file_) return file_;
  LH_ASSIGN(std::shared_ptr<base::File> file, directory_->files().open(path(), mode));
  file_ = file;
  return file;
}

base::Result<void> IndexFile::read(size_t first, size_t count, uint8_t* out) const {
  std::shared_ptr<base::File> file;
  size_t from_file = 0;
  {
    std::lock_guard lock(mutex_);
    if (first + count > on_disk_ + tail_.size() / entry_size_) {
      return base::fail(Errc::kCorrupt, path() + ": has become shorter");
    }
    from_file = first < on_disk_ ? std::min(count, on_disk_ - first) : 0;
    if (from_file < count) {
      size_t at = (first + from_file - on_disk_) * entry_size_;
      std::memcpy(out + from_file * entry_size_, tail_.data() + at,
                  (count - from_file) * entry_size_);
    }
    if (from_file > 0) {
      LH_ASSIGN(file, open_locked(base::OpenMode::kReadWrite));
    }
  }
  if (from_file == 0) return {};
  size_t size = from_file * entry_size_;
  LH_ASSIGN(size_t got, file->read_at(first * entry_size_, {out, size}));
  if (got < size) return base::fail(Errc::kCorrupt, path() + ": is too short");
  return {};
}

base::Result<void> IndexFile::flush() {
  std::shared_ptr<base::File> file;
  base::Bytes entries;
  uint64_t at = 0;
  {
    std::lock_guard lock(mutex_);
    if (exists_ && tail_.empty()) return {};
    LH_ASSIGN(file, open_locked(base::OpenMode::kCreate));
    exists_ = true;
    unsynced_ = true;
    entries = tail_;
    at = on_disk_ * entry_size_;
  }
  if (entries.empty()) return {};
  LH_TRY(file->write_at(at, entries));
  std::lock_guard lock(mutex_);
  on_disk_ += entries.size() / entry_size_;
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(entries.size()));
  if (tail_.empty()) tail_ = {};
  return {};
}

base::Result<void> IndexFile::sync() {
  std::shared_ptr<base::File> file;
  {
    std::lock_guard lock(mutex_);
    if (!unsynced_) return {};
    LH_ASSIGN(file, open_locked(base::OpenMode::kReadWrite));
  }
  LH_TRY(file->sync());
  std::lock_guard lock(mutex_);
  unsynced_ = false;
  return {};
}

base::Result<void> IndexFile::truncate(size_t count) {
  std::shared_ptr<base::File> file;
  {
    std::lock_guard lock(mutex_);
    if (count >= on_disk_) {
      tail_.resize(std::min(tail_.size(), (count - on_disk_) * entry_size_));
      return {};
    }
    tail_ = {};
    on_disk_ = count;
    unsynced_ = true;
    LH_ASSIGN(file, open_locked(base::OpenMode::kReadWrite));
  }
  return file->truncate(count * entry_size_);
}

base::Result<void> IndexFile::reset() {
  std::shared_ptr<base::File> file;
  {
    std::lock_guard lock(mutex_);
    tail_ = {};
    on_disk_ = 0;
    LH_ASSIGN(file, open_locked(base::OpenMode::kCreate));
    exists_ = true;
    unsynced_ = true;
  }
  return file->truncate(0);
}

void IndexFile::close_idle() {
  std::lock_guard lock(mutex_);
  if (!used_ && !pinned_) file_.reset();
  used_ = false;
}

void IndexFile::close() {
  std::lock_guard lock(mutex_);
  if (!pinned_) file_.reset();
}

base::Result<void> IndexFile::pin() {
  std::lock_guard lock(mutex_);
  if (exists_) LH_TRY(open_locked(base::OpenMode::kReadWrite));
  pinned_ = true;
  return {};
}

void IndexFile::unpin() {
  std::lock_guard lock(mutex_);
  pinned_ = false;
}

}  // namespace longhaul::broker::log
