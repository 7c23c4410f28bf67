#include "base/file_slice.h"

namespace longhaul::base {

Result<Bytes> read_slice(const FileSlice& slice) {
  Bytes bytes(slice.size);
  if (slice.empty()) return bytes;
  LH_ASSIGN(size_t got, slice.file->read_at(slice.offset, bytes));
  if (got < bytes.size()) return fail(Errc::kIo, "a file became shorter while it was being read");
  return bytes;
}

}  // namespace longhaul::base
