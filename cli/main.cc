// longhaul: the command for people.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/state.h"
#include "cli/up.h"

namespace {

using namespace longhaul::cli;  // NOLINT: this file is nothing but the list of its commands

/// Everything that options are parsed into.
struct Options {
  GlobalOptions global;
  UpOptions up;
  DownOptions down;
  KafkaOptions kafka;
  NewTopic topic;
  ProduceOptions produce;
  ConsumeOptions consume;
  std::vector<std::string> files;
  bool internal = false;
};

void add_kafka_options(CLI::App* command, KafkaOptions& kafka) {
  command->add_option("--bootstrap", kafka.bootstrap,
                      "Brokers, HOST:PORT[,…] (default: those of the running `longhaul up`)");
  command->add_option("--cluster", kafka.cluster, "KafkaCluster, where there are several");
  command->add_option("--region", kafka.region, "Region of the cluster, where it has several");
}

void add_up(CLI::App& app, Options& options, int& code) {
  CLI::App* up = app.add_subcommand("up", "Run a Kubernetes API, the operator and brokers here");
  auto* example = up->add_option("--example", options.up.example,
                                 "YAML to apply at the start (default: a cluster with one broker "
                                 "and a topic, the first time)");
  up->add_flag("--no-example", options.up.no_example, "Apply nothing at the start")
      ->excludes(example);
  up->add_flag("--detach", options.up.detach, "Return once all is ready and leave it running");
  up->add_option("--port", options.up.port,
                 "Port of the Kubernetes API on 127.0.0.1 (default: the last one, or a free one)")
      ->check(CLI::Range(1, 65535));
  up->add_option("--addresses", options.up.addresses,
                 "Where the loopback addresses of brokers begin (default: the last ones, or the "
                 "first of 127.77.N.0 that nobody uses)");
  up->add_option("--programs", options.up.programs,
                 "Directory of longhaul-operator and longhaul-broker (default: this program's)");
  up->add_option("--timeout", options.up.timeout_seconds, "Seconds until all must be ready")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
  up->callback([&options, &code] {
    options.up.directory = options.global.directory;
    code = run_up(options.up);
  });

  CLI::App* down = app.add_subcommand("down", "Stop what `longhaul up` started");
  down->add_flag("--wipe", options.down.wipe, "Delete its data too");
  down->callback([&options, &code] {
    options.down.directory = options.global.directory;
    code = run_down(options.down);
  });
}

void add_kubernetes(CLI::App& app, Options& options, int& code) {
  CLI::App* apply = app.add_subcommand("apply", "Apply KafkaClusters, KafkaTopics and the like");
  apply->add_option("-f,--filename", options.files, "File, directory, or - for standard input")
      ->required();
  apply->callback([&options, &code] { code = run_apply(options.global, options.files); });

  CLI::App* status = app.add_subcommand("status", "Show clusters, brokers and topics");
  status->callback([&options, &code] { code = run_status(options.global); });
}

void add_topic(CLI::App& app, Options& options, int& code) {
  CLI::App* topic = app.add_subcommand("topic", "List, describe, create and delete topics");
  topic->require_subcommand(1);

  CLI::App* list = topic->add_subcommand("list", "List topics");
  list->add_flag("--internal", options.internal, "Kafka's own topics too");
  add_kafka_options(list, options.kafka);
  list->callback([&options, &code] {
    code = run_topic_list(options.global, options.kafka, options.internal);
  });

  CLI::App* describe = topic->add_subcommand("describe", "Show partitions and options of a topic");
  describe->add_option("name", options.topic.name, "Topic")->required();
  add_kafka_options(describe, options.kafka);
  describe->callback([&options, &code] {
    code = run_topic_describe(options.global, options.kafka, options.topic.name);
  });

  CLI::App* create = topic->add_subcommand("create", "Create a topic");
  create->add_option("name", options.topic.name, "Topic")->required();
  create
      ->add_option("--partitions", options.topic.partitions,
                   "Partitions (default: the cluster's num.partitions)")
      ->check(CLI::Range(1, 100000));
  create
      ->add_option("--replicas", options.topic.replicas,
                   "Replicas (default: the cluster's default.replication.factor)")
      ->check(CLI::Range(1, 32767));
  create->add_option("--config", options.topic.config, "NAME=VALUE, any number of times");
  add_kafka_options(create, options.kafka);
  create->callback(
      [&options, &code] { code = run_topic_create(options.global, options.kafka, options.topic); });

  CLI::App* remove = topic->add_subcommand("delete", "Delete a topic and its records");
  remove->add_option("name", options.topic.name, "Topic")->required();
  add_kafka_options(remove, options.kafka);
  remove->callback([&options, &code] {
    code = run_topic_delete(options.global, options.kafka, options.topic.name);
  });
}

void add_produce(CLI::App& app, Options& options, int& code) {
  ProduceOptions& produce = options.produce;
  CLI::App* command = app.add_subcommand("produce", "Write a record per line of standard input");
  command->add_option("topic", produce.topic, "Topic")->required();
  command->add_option("--key-separator", produce.key_separator,
                      "What stands between key and value in a line (default: lines have no key)");
  command->add_option("--header", produce.headers, "NAME=VALUE for every record, repeatable");
  command->add_option("--compression", produce.codec, "Codec")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command->add_option("--partition", produce.partition,
                      "Partition (default: by key; without keys one after the other)");
  add_kafka_options(command, options.kafka);
  command->callback(
      [&options, &code] { code = run_produce(options.global, options.kafka, options.produce); });
}

void add_consume(CLI::App& app, Options& options, int& code) {
  ConsumeOptions& consume = options.consume;
  CLI::App* command = app.add_subcommand("consume", "Print records, one per line, until Ctrl-C");
  command->add_option("topic", consume.topic, "Topic")->required();
  auto* partition = command->add_option("--partition", consume.partition, "Only this partition");
  auto* offset = command->add_option("--offset", consume.offset, "Begin at this offset");
  auto* beginning = command->add_flag("--from-beginning", consume.from_beginning,
                                      "Begin with the oldest record (default: with the next)");
  offset->needs(partition)->excludes(beginning);
  command->add_flag("--until-end", consume.until_end,
                    "Stop where the topic ended when the command began");
  command->add_option("--max-messages", consume.max_messages, "Stop after so many")
      ->check(CLI::PositiveNumber);
  auto* keys = command->add_flag("--keys", consume.keys, "Key and a tab before each value");
  command->add_flag("--json", consume.json, "An object per line with everything in a record")
      ->excludes(keys);
  add_kafka_options(command, options.kafka);
  command->callback(
      [&options, &code] { code = run_consume(options.global, options.kafka, options.consume); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Kafka clusters across continents: run, look at and use them.", "longhaul"};
  app.set_version_flag("--version", LONGHAUL_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --dir and the like may stand behind the command
  Options options;
  int code = 0;
  options.global.directory = default_state_directory();
  app.add_option("--dir", options.global.directory, "State of `longhaul up`")
      ->capture_default_str();
  app.add_option("--kubeconfig", options.global.kubeconfig,
                 "Another Kubernetes than the one of `longhaul up`");
  app.add_option("--context", options.global.context, "Context of the kubeconfig");
  app.add_option("-n,--namespace", options.global.name_space, "Namespace");
  add_up(app, options, code);
  add_kubernetes(app, options, code);
  add_topic(app, options, code);
  add_produce(app, options, code);
  add_consume(app, options, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return code;
}
