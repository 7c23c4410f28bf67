#include "cli/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace longhaul::cli {
namespace {

volatile sig_atomic_t g_child = 0;

// Ctrl-C while we wait ends what is being started.
void forward(int signal) {
  if (g_child > 0) kill(g_child, signal);
}

int run_child(int output, int ready, const std::string& log_file,
              const std::function<int(const ReadySignal&)>& body) {
  setsid();
  int input = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(input, 0);
  dup2(output, 1);
  dup2(output, 2);
  close(output);
  int code = body([&] {
    fflush(stdout);
    fflush(stderr);
    int log = open(log_file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    char good = 0;
    (void)!write(ready, &good, 1);
    dup2(log >= 0 ? log : input, 1);
    dup2(log >= 0 ? log : input, 2);
    if (log >= 0) close(log);
  });
  fflush(stdout);
  fflush(stderr);
  return code;
}

int wait_for_child(int output, int ready) {
  char buffer[4096];
  ssize_t size;
  while ((size = read(output, buffer, sizeof buffer)) > 0 || (size < 0 && errno == EINTR))
    if (size > 0) fwrite(buffer, 1, static_cast<size_t>(size), stdout);
  fflush(stdout);
  char good = 1;
  do {
    size = read(ready, &good, 1);
  } while (size < 0 && errno == EINTR);
  if (size == 1) return 0;
  int status = 0;
  while (waitpid(g_child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

}  // namespace

int run_detached(const std::string& log_file, const std::function<int(const ReadySignal&)>& body) {
  int output[2], ready[2];
  if (pipe2(output, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) {
    perror("longhaul: pipe");
    return 1;
  }
  fflush(stdout);
  struct sigaction action {};
  action.sa_handler = forward;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  pid_t child = fork();
  if (child < 0) {
    perror("longhaul: fork");
    return 1;
  }
  if (child == 0) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    close(output[0]);
    close(ready[0]);
    return run_child(output[1], ready[1], log_file, body);
  }
  g_child = child;
  close(output[1]);
  close(ready[1]);
  return wait_for_child(output[0], ready[0]);
}

}  // namespace longhaul::cli
