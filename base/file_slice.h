// A part of a file, handed from who found it to who reads or sends it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::base {

/// The file stays readable while this is held, even when its name is removed. It must not become
/// shorter meanwhile.
struct FileSlice {
  std::shared_ptr<const File> file;  // null: an empty slice
  uint64_t offset = 0;               // bytes
  uint64_t size = 0;                 // bytes

  bool empty() const { return size == 0; }
};

/// The bytes of a slice, in memory; kIo if the file has become shorter.
Result<Bytes> read_slice(const FileSlice& slice);

}  // namespace longhaul::base
