#include "broker/app/format_command.h"

#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/posix_file_system.h"
#include "base/random.h"
#include "broker/app/node.h"
#include "broker/config/environment.h"
#include "broker/metadata/birth.h"

namespace longhaul::broker::app {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

base::Result<config::LoadedConfig> read_config_file(const std::string& path) {
  if (path.empty()) {
    return base::fail(base::Errc::kInvalidArgument,
                      "no configuration was given; usage: longhaul-broker server.properties");
  }
  base::PosixFileSystem files;
  LH_ASSIGN(auto bytes, base::read_file(files, path, kMaxConfigBytes));
  auto text = config::expand_environment(base::as_text(bytes), environment_variable);
  if (!text) return base::fail_in(path, std::move(text.error()));
  auto loaded = config::load_broker_config(*text);
  if (!loaded) return base::fail_in(path, std::move(loaded.error()));
  return loaded;
}

base::Result<void> run_format(const FormatArguments& arguments) {
  LH_ASSIGN(auto loaded, read_config_file(arguments.config_file));
  base::PosixFileSystem files;
  base::SystemClock clock;
  base::SystemRandom random;
  metadata::FormatOptions options;
  options.birth = birth_config(loaded.config);
  options.birth.cluster_id = arguments.cluster_id;
  options.standalone = arguments.standalone;
  if (!arguments.initial_controllers.empty()) {
    LH_ASSIGN(options.birth.initial_controllers,
              parse_initial_controllers(arguments.initial_controllers,
                                        loaded.config.controller_listeners.front()));
  }
  options.ignore_formatted = arguments.ignore_formatted;
  LH_ASSIGN(auto identity, metadata::format(files, clock, random, options));
  for (const std::string& directory : identity.formatted) {
    std::printf("Formatted %s for cluster %s.\n", directory.c_str(), identity.cluster_id.c_str());
  }
  if (identity.formatted.empty()) std::printf("All log directories are formatted already.\n");
  return {};
}

}  // namespace longhaul::broker::app
