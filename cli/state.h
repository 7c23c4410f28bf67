// The directory that `longhaul up` keeps everything in, and what runs there.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"

namespace longhaul::cli {

/// $XDG_STATE_HOME/longhaul, or ~/.local/state/longhaul.
std::string default_state_directory();

/// What a running `longhaul up` tells the other commands.
struct Running {
  pid_t pid = 0;
  std::string api;         // URL of the Kubernetes API
  std::string kubeconfig;  // path
};

/// One state directory. Only a directory that `up` made (it holds a marker) is ever wiped.
class StateDirectory {
 public:
  StateDirectory(base::FileSystem& files, std::string path);

  const std::string& path() const { return path_; }
  std::string region_directory() const { return path_ + "/local"; }
  std::string operator_log() const { return path_ + "/operator.log"; }
  std::string up_log() const { return path_ + "/up.log"; }

  /// Makes the directory, or takes one that `up` made or that is empty. kInvalidArgument if it is
  /// somebody else's.
  base::Result<void> create();
  /// kConflict if a `longhaul up` holds it.
  base::Result<std::unique_ptr<base::FileLock>> lock();
  /// What runs here. kNotFound, with what to do, if nothing does.
  base::Result<Running> running();
  base::Result<void> write_running(const Running& running);
  void remove_running();

  /// The API's last port, so that a kubeconfig stays good; 0 if there was none.
  uint16_t last_port();
  void remember_port(uint16_t port);
  /// Where the addresses of pods begin, once that was chosen; "" before.
  std::string addresses();
  void remember_addresses(const std::string& first);
  /// Whether the example was applied here before: it is not forced on people again.
  bool had_example();
  void remember_example();

  /// Deletes everything in it. The lock must be held.
  base::Result<void> wipe();
  /// True if `up` made it.
  bool is_ours();

 private:
  std::string read_small(const std::string& name);

  base::FileSystem& files_;
  const std::string path_;
};

}  // namespace longhaul::cli
