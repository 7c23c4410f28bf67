// longhaul-broker: server.properties in, a broker out.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/uuid.h"
#include "broker/app/format_command.h"
#include "broker/app/server_command.h"

int main(int argc, char** argv) {
  using namespace longhaul;
  // One heap for all threads: they share most of what they allocate, and what a thread of many has
  // given back would stay with it.
  mallopt(M_ARENA_MAX, 2);

  CLI::App app{"A Kafka-compatible broker"};
  app.set_version_flag("--version", "longhaul-broker " LONGHAUL_VERSION);
  std::string config_file;
  app.add_option("server.properties", config_file, "the broker's configuration");

  auto* format = app.add_subcommand("format", "Format the log directories, as kafka-storage does");
  broker::app::FormatArguments arguments;
  format->add_option("-c,--config", arguments.config_file, "the broker's configuration")
      ->required();
  format->add_option("-t,--cluster-id", arguments.cluster_id, "the cluster's ID")->required();
  auto* founding = format->add_option_group("founding");
  founding->add_flag("-s,--standalone", arguments.standalone,
                     "be the first voter of a new cluster's quorum");
  founding->add_flag("-N,--no-initial-controllers", arguments.no_initial_controllers,
                     "found nothing: join a quorum that exists");
  founding->add_option("-I,--initial-controllers", arguments.initial_controllers,
                       "the first voters, ID@HOST:PORT:DIRECTORY_ID,…");
  founding->require_option(0, 1);
  format->add_flag("-g,--ignore-formatted", arguments.ignore_formatted,
                   "leave directories alone that are formatted already");
  auto* random_uuid = app.add_subcommand("random-uuid", "Print a new cluster ID");
  app.require_subcommand(0, 1);
  CLI11_PARSE(app, argc, argv);

  if (*random_uuid) {
    base::SystemRandom random;
    std::printf("%s\n", base::Uuid::random(random).to_string().c_str());
    return 0;
  }
  auto outcome =
      *format ? broker::app::run_format(arguments) : broker::app::run_server(config_file);
  if (outcome) return 0;
  std::fprintf(stderr, "longhaul-broker: %s\n", outcome.error().message.c_str());
  return 1;
}
