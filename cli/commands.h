// The commands that talk to what is running, one file each. All give an exit code: 0 done, 1 not
// done (the reason is on standard error), 2 wrong usage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/kubernetes.h"

namespace longhaul::cli {

/// `apply -f`: server-side apply of files, directories, or standard input ("-").
int run_apply(const GlobalOptions& global, const std::vector<std::string>& files);

/// `status`: clusters, brokers, topics and what is wrong with them.
int run_status(const GlobalOptions& global);

/// Which Kafka cluster a command means.
struct KafkaOptions {
  std::string bootstrap;  // --bootstrap; empty: that of the only cluster in Kubernetes
  std::string cluster;    // --cluster, where there are several
  std::string region;     // --region, where it has several
};

int run_topic_list(const GlobalOptions& global, const KafkaOptions& kafka, bool internal);
int run_topic_describe(const GlobalOptions& global, const KafkaOptions& kafka,
                       const std::string& topic);

struct NewTopic {
  std::string name;
  int32_t partitions = -1;  // -1: the cluster's default
  int16_t replicas = -1;
  std::vector<std::string> config;  // "name=value"
};
int run_topic_create(const GlobalOptions& global, const KafkaOptions& kafka, const NewTopic& topic);
int run_topic_delete(const GlobalOptions& global, const KafkaOptions& kafka,
                     const std::string& topic);

struct ProduceOptions {
  std::string topic;
  std::string key_separator;         // --key-separator; empty: no keys
  std::vector<std::string> headers;  // "name=value", for every record
  std::string codec = "none";        // --compression
  std::optional<int32_t> partition;  // --partition; absent: by key, else in turn
};
/// `produce`: a record per line of standard input.
int run_produce(const GlobalOptions& global, const KafkaOptions& kafka,
                const ProduceOptions& options);

struct ConsumeOptions {
  std::string topic;
  std::optional<int32_t> partition;  // absent: all
  std::optional<int64_t> offset;     // --offset, with --partition
  bool from_beginning = false;       // else from the end
  bool until_end = false;            // stop at what the end is at the start
  bool keys = false;                 // "key<TAB>value"
  bool json = false;                 // an object per line, with everything
  int64_t max_messages = 0;          // 0: no limit
};
/// `consume`: records to standard output, until there are enough or Ctrl-C.
int run_consume(const GlobalOptions& global, const KafkaOptions& kafka,
                const ConsumeOptions& options);

/// Prints "longhaul: …" for an error; the exit code.
int report(const base::Result<void>& result);

}  // namespace longhaul::cli
