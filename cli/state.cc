#include "cli/state.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "operator/kube/object.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;

constexpr const char* kMarker = "longhaul-state";
constexpr uint64_t kSmall = 1 << 20;

}  // namespace

std::string default_state_directory() {
  const char* state = getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/longhaul";
  const char* home = getenv("HOME");
  return std::string(home && *home ? home : "/tmp") + "/.local/state/longhaul";
}

StateDirectory::StateDirectory(base::FileSystem& files, std::string path)
    : files_(files), path_(std::filesystem::absolute(path).lexically_normal().string()) {}

std::string StateDirectory::read_small(const std::string& name) {
  auto bytes = base::read_file(files_, path_ + "/" + name, kSmall);
  return bytes ? std::string(base::as_text(*bytes)) : "";
}

bool StateDirectory::is_ours() { return files_.exists(path_ + "/" + kMarker); }

Result<void> StateDirectory::create() {
  if (is_ours()) return {};
  if (files_.exists(path_)) {
    LH_ASSIGN(auto entries, files_.list(path_));
    if (!entries.empty())
      return base::fail(Errc::kInvalidArgument,
                        path_ + " holds other files; give an empty directory with --dir");
  }
  LH_TRY(files_.create_directories(path_));
  return base::write_file_atomic(files_, path_ + "/" + kMarker, base::as_bytes("1\n"));
}

Result<std::unique_ptr<base::FileLock>> StateDirectory::lock() {
  auto held = files_.lock(path_ + "/lock");
  if (held || held.error().code != Errc::kConflict) return held;
  auto other = running();
  std::string who = other ? " (process " + std::to_string(other->pid) + ")" : "";
  return base::fail(Errc::kConflict, "already running" + who + " in " + path_ +
                                         ": `longhaul status` shows it, `longhaul down` stops it, "
                                         "--dir starts another one elsewhere");
}

Result<Running> StateDirectory::running() {
  auto nothing = [&] {
    return base::fail(Errc::kNotFound,
                      "nothing is running in " + path_ + ": start with `longhaul up`");
  };
  if (!is_ours()) return nothing();
  // A lock that can be taken means that whatever up.json tells of has ended.
  if (auto held = files_.lock(path_ + "/lock")) return nothing();
  auto json = op::kube::parse_json(read_small("up.json"));
  if (!json) return base::fail(Errc::kUnavailable, "`longhaul up` is just starting in " + path_);
  Running out;
  out.pid = static_cast<pid_t>(op::kube::int_at(*json, {"pid"}));
  out.api = op::kube::string_at(*json, {"api"});
  out.kubeconfig = op::kube::string_at(*json, {"kubeconfig"});
  if (out.pid <= 1) return nothing();
  return out;
}

Result<void> StateDirectory::write_running(const Running& running) {
  op::kube::Json json{
      {"pid", running.pid}, {"api", running.api}, {"kubeconfig", running.kubeconfig}};
  std::string text = json.dump(2) + "\n";
  return base::write_file_atomic(files_, path_ + "/up.json", base::as_bytes(text));
}

void StateDirectory::remove_running() { (void)files_.remove(path_ + "/up.json"); }

uint16_t StateDirectory::last_port() {
  int port = atoi(read_small("port").c_str());
  return port > 0 && port < 65536 ? static_cast<uint16_t>(port) : 0;
}

// A lost hint costs nothing but a new port.
void StateDirectory::remember_port(uint16_t port) {
  std::string text = std::to_string(port) + "\n";
  (void)base::write_file_atomic(files_, path_ + "/port", base::as_bytes(text));
}

std::string StateDirectory::addresses() {
  std::string text = read_small("addresses");
  return text.substr(0, text.find('\n'));
}

void StateDirectory::remember_addresses(const std::string& first) {
  std::string text = first + "\n";
  (void)base::write_file_atomic(files_, path_ + "/addresses", base::as_bytes(text));
}

bool StateDirectory::had_example() { return files_.exists(path_ + "/example-applied"); }

void StateDirectory::remember_example() {
  (void)base::write_file_atomic(files_, path_ + "/example-applied", base::as_bytes("1\n"));
}

Result<void> StateDirectory::wipe() {
  if (!is_ours())
    return base::fail(Errc::kInvalidArgument, path_ + " was not made by `longhaul up`");
  LH_ASSIGN(auto entries, files_.list(path_));
  // The marker goes last: a wipe that was cut short can be done again.
  for (const base::DirectoryEntry& entry : entries) {
    std::string path = path_ + "/" + entry.name;
    if (entry.name == kMarker) continue;
    if (entry.is_directory)
      LH_TRY(files_.remove_all(path));
    else
      LH_TRY(files_.remove(path));
  }
  LH_TRY(files_.remove(path_ + "/" + kMarker));
  return files_.remove(path_);
}

}  // namespace longhaul::cli
