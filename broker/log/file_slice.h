// A part of a segment that somebody reads.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::broker::log {

/// The file stays readable while this is held, even when retention removed its name.
struct FileSlice {
  std::shared_ptr<const base::File> file;  // null: an empty slice
  uint64_t offset = 0;                     // bytes
  uint64_t size = 0;                       // bytes

  bool empty() const { return size == 0; }
};

/// The bytes of a slice, in memory; kIo if the file has become shorter meanwhile.
base::Result<base::Bytes> read_slice(const FileSlice& slice);

}  // namespace longhaul::broker::log
