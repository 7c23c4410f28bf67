#include "broker/log/file_slice.h"

namespace longhaul::broker::log {

base::Result<base::Bytes> read_slice(const FileSlice& slice) {
  base::Bytes bytes(slice.size);
  if (slice.empty()) return bytes;
  LH_ASSIGN(size_t got, slice.file->read_at(slice.offset, bytes));
  if (got < bytes.size()) {
    return base::fail(base::Errc::kIo, "a segment became shorter while it was being read");
  }
  return bytes;
}

}  // namespace longhaul::broker::log
