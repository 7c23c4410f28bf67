#include "broker/log/write_again.h"

#include <algorithm>

namespace longhaul::broker::log {

namespace {

constexpr uint64_t kAtOnce = 1 << 20;

}  // namespace

base::Result<void> write_again(base::FileSystem& files, const std::string& path) {
  LH_ASSIGN(auto file, files.open(path, base::OpenMode::kReadWrite));
  LH_ASSIGN(uint64_t size, file->size());
  base::Bytes bytes;
  for (uint64_t at = 0; at < size; at += bytes.size()) {
    bytes.resize(std::min(kAtOnce, size - at));
    LH_ASSIGN(size_t read, file->read_at(at, bytes));
    if (read == 0) return {};  // nobody else writes to it: it has ended
    bytes.resize(read);
    LH_TRY(file->write_at(at, base::ByteView(bytes)));
  }
  return {};
}

}  // namespace longhaul::broker::log
