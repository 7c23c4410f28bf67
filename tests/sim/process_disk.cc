#include "tests/sim/process_disk.h"

#include <limits>
#include <utility>

namespace longhaul::sim {

using base::Result;

struct ProcessDisk::Life {
  Trace& trace;
  const std::string who;
  base::Random& random;
  base::Task died;
  base::Task full;
  uint64_t changes_left = std::numeric_limits<uint64_t>::max();
  bool dead = false;

  Result<void> alive() const {
    if (!dead) return {};
    return base::fail(base::Errc::kIo, "the process is dead");
  }
  /// Before a change: it may be the one that is not made any more.
  Result<void> change() {
    LH_TRY(alive());
    if (changes_left-- > 0) return {};
    dead = true;
    died();
    return alive();
  }
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    trace.line(who, format, std::forward<Args>(args)...);
  }
};

namespace {

std::string outcome(const Result<void>& result) {
  return result ? "" : ": " + result.error().message;
}

class ProcessFile final : public base::File {
 public:
  ProcessFile(std::shared_ptr<ProcessDisk::Life> life, std::unique_ptr<base::File> file,
              std::string path)
      : life_(std::move(life)), file_(std::move(file)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    LH_TRY(life_->alive());
    auto got = file_->read_at(offset, out);
    life_->note("read {} at {}: {}", path_, offset,
                got ? describe(base::ByteView(out).first(*got)) : got.error().message);
    return got;
  }

  Result<void> write_at(uint64_t offset, std::span<const base::ByteView> parts) override {
    base::Bytes bytes;
    for (base::ByteView part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    LH_TRY(life_->alive());
    if (auto may = life_->change(); !may) {
      bytes.resize(life_->random.below(bytes.size() + 1));
      static_cast<void>(file_->write_at(offset, bytes));
      life_->note("write {} at {}: {} and dead", path_, offset, describe(bytes));
      return may;
    }
    auto written = file_->write_at(offset, base::ByteView(bytes));
    if (!written && written.error().code == base::Errc::kNoSpace) life_->full();
    life_->note("write {} at {}: {}{}", path_, offset, describe(bytes), outcome(written));
    return written;
  }
  using base::File::write_at;

  Result<void> sync() override {
    LH_TRY(life_->change());
    auto done = file_->sync();
    life_->note("sync {}{}", path_, outcome(done));
    return done;
  }
  Result<void> truncate(uint64_t size) override {
    LH_TRY(life_->change());
    auto done = file_->truncate(size);
    life_->note("truncate {} to {}{}", path_, size, outcome(done));
    return done;
  }
  Result<uint64_t> size() const override {
    LH_TRY(life_->alive());
    return file_->size();
  }
  bool is_resident(uint64_t offset, uint64_t size) const override {
    return file_->is_resident(offset, size);
  }
  int descriptor() const override { return file_->descriptor(); }

 private:
  std::shared_ptr<ProcessDisk::Life> life_;
  std::unique_ptr<base::File> file_;
  const std::string path_;
};

}  // namespace

ProcessDisk::ProcessDisk(base::MemoryFileSystem& disk, Trace& trace, std::string who,
                         base::Random& random, base::Task died, base::Task full)
    : life_(new Life{trace, std::move(who), random, std::move(died), std::move(full)}),
      disk_(disk) {}

void ProcessDisk::die_after(uint64_t changes) { life_->changes_left = changes; }
void ProcessDisk::cut_off() { life_->dead = true; }
bool ProcessDisk::is_dead() const { return life_->dead; }

Result<std::unique_ptr<base::File>> ProcessDisk::open(const std::string& path,
                                                      base::OpenMode mode) {
  bool creates = mode == base::OpenMode::kCreate || mode == base::OpenMode::kCreateNew;
  LH_TRY(creates ? life_->change() : life_->alive());
  auto file = disk_.open(path, mode);
  life_->note("open {} {}{}", path, static_cast<int>(mode),
              file ? "" : ": " + file.error().message);
  if (!file) return file;
  return std::make_unique<ProcessFile>(life_, std::move(*file), path);
}

Result<void> ProcessDisk::create_directories(const std::string& path) {
  LH_TRY(life_->change());
  auto done = disk_.create_directories(path);
  life_->note("mkdir {}{}", path, outcome(done));
  return done;
}

Result<std::vector<base::DirectoryEntry>> ProcessDisk::list(const std::string& path) {
  LH_TRY(life_->alive());
  auto entries = disk_.list(path);
  life_->note("list {}: {}", path, entries ? entries->size() : 0);
  return entries;
}

Result<void> ProcessDisk::remove(const std::string& path) {
  LH_TRY(life_->change());
  auto done = disk_.remove(path);
  life_->note("remove {}{}", path, outcome(done));
  return done;
}

// One by one, so that a death may come between two of them.
Result<void> ProcessDisk::remove_all(const std::string& path) {
  auto entries = list(path);
  if (entries) {
    for (const auto& entry : *entries) LH_TRY(remove_all(path + "/" + entry.name));
  }
  auto removed = remove(path);
  if (!removed && removed.error().code == base::Errc::kNotFound) return {};
  return removed;
}

Result<void> ProcessDisk::rename(const std::string& from, const std::string& to) {
  LH_TRY(life_->change());
  auto done = disk_.rename(from, to);
  life_->note("rename {} to {}{}", from, to, outcome(done));
  return done;
}

Result<void> ProcessDisk::sync_directory(const std::string& path) {
  LH_TRY(life_->change());
  auto done = disk_.sync_directory(path);
  life_->note("sync directory {}{}", path, outcome(done));
  return done;
}

bool ProcessDisk::exists(const std::string& path) { return !life_->dead && disk_.exists(path); }

Result<base::Space> ProcessDisk::space(const std::string& path) {
  LH_TRY(life_->alive());
  return disk_.space(path);
}

Result<std::unique_ptr<base::FileLock>> ProcessDisk::lock(const std::string& path) {
  LH_TRY(life_->change());
  life_->note("lock {}", path);
  return disk_.lock(path);
}

}  // namespace longhaul::sim
