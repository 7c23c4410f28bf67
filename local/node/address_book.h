// Loopback addresses of pods.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/file_system.h"

namespace longhaul::local {

/// Gives each pod name an address of its own and keeps it, also when the pod is made anew and over
/// restarts: what was printed once stays true. Not thread-safe.
class AddressBook {
 public:
  /// Addresses come from `base` (such as 127.77.0.0) upwards, at most 65,000; `file` holds what
  /// was given, a JSON map. kInvalidArgument if `base` is not in 127.0.0.0/8, kCorrupt if the file
  /// cannot be read.
  static base::Result<AddressBook> open(base::FileSystem& files, std::string file,
                                        const std::string& base);

  /// The address of a pod, "127.77.0.2". kUnavailable when none is left.
  base::Result<std::string> address_of(const std::string& name_space, const std::string& pod);

 private:
  AddressBook(base::FileSystem& files, std::string file, uint32_t base)
      : files_(&files), file_(std::move(file)), base_(base) {}
  base::Result<void> load();
  base::Result<void> save() const;

  base::FileSystem* files_;
  std::string file_;
  uint32_t base_;
  std::map<std::string, uint32_t> given_;  // "namespace/pod" to the address's distance from base
};

}  // namespace longhaul::local
