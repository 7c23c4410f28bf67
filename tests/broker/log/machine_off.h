// A machine that goes off at some change of its disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory_file_system.h"

namespace longhaul::broker::log {

/// So many changes are made; the next one fails, and everything after it, for as long as this
/// lives.
class MachineOff {
 public:
  MachineOff(base::MemoryFileSystem& files, uint64_t after) : files_(files) {
    files_.set_fault_hook([this, after](base::DiskOperation operation, std::string_view) {
      bool changes =
          operation != base::DiskOperation::kRead && operation != base::DiskOperation::kOpen;
      if (changes && made_ < after) {
        ++made_;
        return std::optional<base::Fault>();
      }
      if (made_ < after) return std::optional<base::Fault>();
      return std::optional(base::Fault{{base::Errc::kIo, "the machine is off"}, 0});
    });
  }
  ~MachineOff() { files_.set_fault_hook({}); }
  MachineOff(const MachineOff&) = delete;
  MachineOff& operator=(const MachineOff&) = delete;

  uint64_t changes_made() const { return made_; }

 private:
  base::MemoryFileSystem& files_;
  uint64_t made_ = 0;
};

}  // namespace longhaul::broker::log
