#include "broker/app/open_files.h"

#include <fmt/format.h>
#include <sys/resource.h>

namespace longhaul::broker::app {
namespace {

/// What Apache Kafka's documentation asks for.
constexpr uint64_t kEnough = 100'000;

}  // namespace

uint64_t raise_open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised{limit.rlim_max, limit.rlim_max};
  bool is_raised = ::setrlimit(RLIMIT_NOFILE, &raised) == 0;
  return is_raised ? raised.rlim_cur : limit.rlim_cur;
}

std::string warn_of_open_file_limit(uint64_t limit) {
  if (limit >= kEnough) return {};
  return fmt::format(
      "only {} files may be open at a time: each connection is one, and each segment that is read "
      "or "
      "written up to three. Without one to spare clients are not let in, and partitions cannot be "
      "written. Let it have {} or more (ulimit -n; LimitNOFILE= of systemd; --ulimit nofile of a "
      "container)",
      limit, kEnough);
}

}  // namespace longhaul::broker::app
