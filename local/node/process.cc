#include "local/node/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace longhaul::local {
namespace {

using base::Errc;

/// Adds to a log file and starts it anew when it has grown too large.
class LogFile {
 public:
  LogFile(std::string path, uint64_t limit) : path_(std::move(path)), limit_(limit) {
    if (!path_.empty()) open_file();
  }
  ~LogFile() { close_file(); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void write(const char* data, size_t size) {
    if (path_.empty()) return;
    if (size_ + size > limit_) {
      close_file();
      ::rename(path_.c_str(), (path_ + ".1").c_str());
      open_file();
    }
    // A full disk must not stop the process whose output this is: what cannot be kept is lost.
    if (descriptor_ >= 0 && ::write(descriptor_, data, size) > 0) size_ += size;
  }

 private:
  void open_file() {
    descriptor_ = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    struct stat info {};
    size_ = descriptor_ >= 0 && fstat(descriptor_, &info) == 0 ? uint64_t(info.st_size) : 0;
  }
  void close_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  std::string path_;
  uint64_t limit_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

/// Keeps the end of an output, for whoever wants to know why a process ended.
class Tail {
 public:
  void add(std::string_view output) {
    kept_.append(output.substr(output.size() - std::min(output.size(), kLimit)));
    if (kept_.size() > kLimit) kept_.erase(0, kept_.size() - kLimit);
  }
  std::string last_line() const {
    size_t end = kept_.find_last_not_of(" \r\n");
    if (end == kept_.npos) return "";
    size_t begin = kept_.rfind('\n', end);  // npos + 1 is the beginning
    std::string line = kept_.substr(begin + 1, end - begin);
    auto odd = [](char c) { return c < ' ' || c > '~'; };  // may be cut, may be no UTF-8 at all
    std::ranges::replace_if(line, odd, '?');
    return line;
  }

 private:
  static constexpr size_t kLimit = 1024;
  std::string kept_;
};

/// What the child needs between fork and exec, where nothing may be allocated.
struct Prepared {
  std::vector<char*> arguments, environment;
  const char* directory;
  int output, failure;
  pid_t parent;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become(const Prepared& prepared) {
  auto fail = [&] {
    int error = errno;
    (void)!::write(prepared.failure, &error, sizeof error);
    _exit(127);
  };
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != prepared.parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  int input = open("/dev/null", O_RDONLY);
  if (input < 0 || dup2(input, 0) < 0 || dup2(prepared.output, 1) < 0 ||
      dup2(prepared.output, 2) < 0)
    fail();
  if (*prepared.directory && chdir(prepared.directory) != 0) fail();
  execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  fail();
  _exit(127);
}

Exit to_exit(int status, std::string last_line) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status), std::move(last_line)};
  return {WEXITSTATUS(status), 0, std::move(last_line)};
}

}  // namespace

base::Result<std::unique_ptr<Process>> Process::start(const Command& command,
                                                      base::Callback<void(Exit)> on_exit) {
  int output[2], failure[2];
  if (pipe2(output, O_CLOEXEC) != 0) return base::fail(Errc::kIo, "no pipe for the output");
  if (pipe2(failure, O_CLOEXEC) != 0) {
    close(output[0]);
    close(output[1]);
    return base::fail(Errc::kIo, "no pipe for the start");
  }
  Prepared prepared{pointers(command.arguments),
                    pointers(command.environment),
                    command.directory.c_str(),
                    output[1],
                    failure[1],
                    getpid()};
  pid_t pid = fork();
  if (pid == 0) become(prepared);
  int fork_error = errno;
  close(output[1]);
  close(failure[1]);
  int error = 0;
  ssize_t got = 0;
  if (pid > 0) {
    setpgid(pid, pid);  // whoever is first
    do {
      got = read(failure[0], &error, sizeof error);
    } while (got < 0 && errno == EINTR);
  }
  close(failure[0]);
  int pid_descriptor = pid > 0 && got == 0 ? int(syscall(SYS_pidfd_open, pid, 0)) : -1;
  if (pid_descriptor < 0) {
    if (pid > 0 && got == 0) {
      error = errno;
      kill(-pid, SIGKILL);
    }
    if (pid > 0) waitpid(pid, nullptr, 0);
    close(output[0]);
    if (pid < 0) error = fork_error;
    Errc code = error == ENOENT ? Errc::kNotFound : error == EACCES ? Errc::kPermission : Errc::kIo;
    return base::fail(code, "cannot run " + command.arguments[0] + ": " + strerror(error));
  }
  std::unique_ptr<Process> process(new Process);
  process->pid_ = pid;
  process->thread_ = std::thread(&Process::supervise, process.get(), output[0], pid_descriptor,
                                 command, std::move(on_exit));
  return process;
}

// Reads the output until the process ends, whoever else holds the other end of the pipe.
void Process::supervise(int output, int pid_descriptor, Command command,
                        base::Callback<void(Exit)> on_exit) {
  fcntl(output, F_SETFL, O_NONBLOCK);
  LogFile log(command.log_file, command.log_limit);
  Tail tail;
  char buffer[16384];
  auto drain = [&] {
    ssize_t size;
    while ((size = read(output, buffer, sizeof buffer)) > 0) {
      log.write(buffer, size_t(size));
      tail.add({buffer, size_t(size)});
    }
    return size < 0 && errno != EAGAIN ? false : size != 0;
  };
  bool open = true;
  while (true) {
    pollfd waits[2] = {{pid_descriptor, POLLIN, 0}, {open ? output : -1, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR) break;
    if (waits[1].revents) open = drain();
    if (waits[0].revents) break;
  }
  drain();
  int status = 0;
  {
    // From here on the number may be another process's: nobody may send it a signal.
    std::lock_guard lock(mutex_);
    ended_ = true;
    siginfo_t info{};
    waitid(P_PID, id_t(pid_), &info, WEXITED | WNOWAIT);
    ::kill(-pid_, SIGKILL);  // children left behind; the unreaped leader keeps the group's number
    waitpid(pid_, &status, 0);
  }
  drain();
  close(output);
  close(pid_descriptor);
  on_exit(to_exit(status, tail.last_line()));
}

void Process::send(pid_t to, int signal) {
  std::lock_guard lock(mutex_);
  if (!ended_) ::kill(to, signal);
}

void Process::terminate() { send(pid_, SIGTERM); }
void Process::kill_all() { send(-pid_, SIGKILL); }

Process::~Process() {
  kill_all();
  thread_.join();
}

}  // namespace longhaul::local
