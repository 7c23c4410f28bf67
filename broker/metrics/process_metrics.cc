#include "broker/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "broker/metrics/family.h"

namespace longhaul::broker::metrics {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Memory {
  double virtual_bytes = 0, resident_bytes = 0;
};

Memory memory() {
  std::ifstream file("/proc/self/statm");
  Memory pages;
  file >> pages.virtual_bytes >> pages.resident_bytes;
  auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {pages.virtual_bytes * page, pages.resident_bytes * page};
}

double open_files() {
  std::error_code error;
  std::filesystem::directory_iterator files("/proc/self/fd", error), end;
  double count = error ? 0 : -1;  // one of them is the directory that is being read
  while (!error && files != end) {
    ++count;
    files.increment(error);
  }
  return count;
}

double max_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  Memory used = memory();
  return {
      counter("process_cpu_seconds_total", "User and system CPU time.", {{cpu_seconds()}}),
      gauge("process_resident_memory_bytes", "Resident memory.", {{used.resident_bytes}}),
      gauge("process_virtual_memory_bytes", "Virtual memory.", {{used.virtual_bytes}}),
      gauge("process_open_fds", "Open file descriptors.", {{open_files()}}),
      gauge("process_max_fds", "The limit of open file descriptors.", {{max_files()}}),
      gauge("process_start_time_seconds", "When the process started, since the Unix epoch.",
            {{static_cast<double>(started_ms_) / 1e3}}),
  };
}

}  // namespace longhaul::broker::metrics
