#include "tests/sim/rot.h"

#include <algorithm>
#include <vector>

#include "records/batch.h"

namespace longhaul::sim {

namespace {

constexpr uint64_t kAround = 64;

/// Of each log but internal ones, all segments but the last, if they hold something.
std::vector<std::string> cold_segments(base::MemoryFileSystem& disk) {
  std::vector<std::string> all;
  for (const char* log_dir : {"/a", "/b"}) {
    auto logs = disk.list(log_dir);
    for (size_t i = 0; logs && i < logs->size(); ++i) {
      const std::string& name = (*logs)[i].name;
      if (!(*logs)[i].is_directory || name.starts_with("__") || name.ends_with("-delete")) continue;
      std::string directory = std::string(log_dir) + "/" + name;
      std::vector<std::string> segments;
      auto files = disk.list(directory);
      for (size_t j = 0; files && j < files->size(); ++j) {
        bool counts = (*files)[j].name.ends_with(".log") && (*files)[j].size > 2 * kAround;
        if (counts) segments.push_back(directory + "/" + (*files)[j].name);
      }
      if (segments.size() > 1) all.insert(all.end(), segments.begin(), segments.end() - 1);
    }
  }
  return all;
}

std::optional<base::Bytes> bytes_around(base::MemoryFileSystem& disk, const std::string& path,
                                        uint64_t at) {
  auto content = base::read_file(disk, path, UINT32_MAX);
  if (!content || at >= content->size()) return std::nullopt;
  uint64_t from = at < kAround ? 0 : at - kAround;
  uint64_t to = std::min<uint64_t>(at + kAround, content->size());
  return base::Bytes(content->begin() + static_cast<ptrdiff_t>(from),
                     content->begin() + static_cast<ptrdiff_t>(to));
}

bool is_covered(const base::Bytes& segment, uint64_t at) {
  uint64_t begin = 0;
  records::BatchWalker walker(segment);
  while (const records::BatchView* batch = walker.next()) {
    uint64_t within = at - begin;
    begin += batch->bytes.size();
    if (at >= begin) continue;
    return (within >= records::kLengthAt && within < records::kPartitionLeaderEpochAt) ||
           within >= records::kMagicAt;
  }
  return false;
}

}  // namespace

std::optional<Rot> Rot::choose(Host& host, base::Random& random) {
  auto segments = cold_segments(host.disk());
  if (segments.empty()) return std::nullopt;
  Rot rot;
  rot.path = segments[random.below(segments.size())];
  auto content = base::read_file(host.disk(), rot.path, UINT32_MAX);
  if (!content || content->empty()) return std::nullopt;
  rot.at = random.below(content->size());
  auto before = bytes_around(host.disk(), rot.path, rot.at);
  if (!before || !is_covered(*content, rot.at)) return std::nullopt;
  if (!host.disk().flip_bit(rot.path, rot.at, 3)) return std::nullopt;
  auto around = bytes_around(host.disk(), rot.path, rot.at);
  if (!around) return std::nullopt;
  rot.before = std::move(*before);
  rot.around = std::move(*around);
  return rot;
}

bool Rot::is_mended(Host& host) const { return bytes_around(host.disk(), path, at) == before; }

void Rot::undo(Host& host) const {
  if (bytes_around(host.disk(), path, at) != around) return;
  static_cast<void>(host.disk().flip_bit(path, at, 3));
}

}  // namespace longhaul::sim
