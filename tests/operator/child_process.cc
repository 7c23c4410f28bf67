#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/assert.h"
#include "tests/operator/real_apiserver.h"

namespace longhaul::tests {
namespace {

constexpr std::chrono::seconds kGrace{10};

[[noreturn]] void become(char* const* arguments, const char* output_file, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  int output = open(output_file, O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (output >= 0) {
    dup2(output, 1);
    dup2(output, 2);
  }
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const std::string& output_file) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(pointers.data(), output_file.c_str(), parent);
  if (pid_ < 0) throw std::runtime_error("fork failed");
}

bool ChildProcess::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
  return pid_ > 0;
}

int64_t ChildProcess::resident_kilobytes() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return -1;
}

ChildProcess::~ChildProcess() {
  if (!running()) return;
  kill(pid_, SIGTERM);
  auto limit = std::chrono::steady_clock::now() + kGrace;
  while (running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/longhaul-test-XXXXXX";
  LH_ASSERT(mkdtemp(pattern.data()) != nullptr, "tests need a directory of their own");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int free_loopback_port() {
  int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bool good = bind(socket_fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
              getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  LH_ASSERT(good, "loopback has free ports");
  close(socket_fd);
  return ntohs(address.sin_port);
}

}  // namespace longhaul::tests
