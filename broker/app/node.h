// A broker node built out of its rooms, without threads and sockets: those are given to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/config/broker_config.h"
#include "broker/log/log_cleaner.h"
#include "broker/log/log_manager.h"
#include "broker/log/log_scrubber.h"
#include "broker/metadata/birth.h"
#include "broker/metadata/publisher.h"
#include "broker/net/request.h"
#include "client/channel.h"
#include "client/endpoint.h"

namespace longhaul::broker::app {

/// What a node runs on; all of it outlives the node. The loops may be one and the same.
struct NodeEnvironment {
  base::FileSystem& files;
  base::Clock& clock;
  base::Random& random;  // used on several loops: must be safe for that
  base::LogSink& log;
  base::EventLoop& metadata_loop;  // raft, controller, images
  base::EventLoop& groups_loop;    // group coordinator
  base::EventLoop& timers;         // housekeeping
  base::Executor& workers;         // whatever may block
  /// The node cannot go on (its metadata log failed): the process should end.
  std::function<void(const base::Error&)> on_fatal;
  /// Where `open` loads logs, several at once; null: on its caller's thread. Needed only there.
  base::Executor* recovery = nullptr;
  /// Asked now and then while `open` loads logs, from any thread: true ends it.
  std::function<bool()> cancelled = {};
  /// For work that may take hours: log.cleaner.threads and the scrubber. Null: the workers.
  base::Executor* background = nullptr;
  /// How that work waits, and learns that it is to stop. Absent: it never does.
  log::Pause pause = {};
  /// Connections to controllers: for requests of the quorum alone, and for those to the active
  /// controller. Used on the metadata loop; empty: there are no other nodes.
  std::function<std::shared_ptr<client::Channel>(const client::Endpoint&)> connect_quorum = {};
  std::function<std::shared_ptr<client::Channel>(const client::Endpoint&)> connect_controller = {};
  /// Whether an address refuses connections; on the metadata loop, answered on any.
  std::function<void(const client::Endpoint&, base::Callback<void(bool refused)>)> probe = {};
  /// Where followers fetch, one for each of num.replica.fetchers. None: on the metadata loop.
  std::vector<base::EventLoop*> fetcher_loops = {};
  /// A connection to the leader of partitions, for each lane of fetches one of its own. Any thread;
  /// empty: there are no other brokers.
  std::function<std::shared_ptr<client::Channel>(const client::Endpoint&, size_t lane)>
      connect_leader = {};
};

/// Usage: open, start, then hand requests to `handler()`; stop before destroying it.
class Node {
 public:
  /// Looks at the log directories (and formats them where longhaul.format allows it), and recovers
  /// all logs: takes as long as that takes. Errors are for the person who starts it; kCancelled
  /// if it was called off.
  static base::Result<std::unique_ptr<Node>> open(config::BrokerConfig config,
                                                  NodeEnvironment environment);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const metadata::Identity& identity() const;
  const config::BrokerConfig& config() const;
  net::RequestHandler& handler();

  /// Joins the quorum and registers under these addresses; from then on requests of other
  /// controllers may come. `ready` is called on the metadata loop once the node can be used: a
  /// broker is alive in the metadata, a controller alone knows the metadata.
  void start(const std::vector<config::Listener>& advertised, base::Task ready);
  /// True from then on, until stop.
  bool is_ready() const;
  /// Controlled shutdown: others lead what this broker leads, then the quorum if this is its
  /// leader, while requests are still answered. To be called before `stop`, unless the node has
  /// failed. `done` is called on the metadata loop, within half a minute.
  void resign(base::Task done);
  /// Orderly stop, when no more requests come: what waits is refused, logs are flushed and closed.
  /// `done` is called on a worker.
  void stop(base::Callback<void(base::Result<void>)> done);

  /// Subscribe before `start`, or on the metadata loop.
  metadata::ImagePublisher& images();
  log::LogManager& logs();
  log::LogCleaner& cleaner();
  log::LogScrubber& scrubber();

 private:
  struct Rooms;
  explicit Node(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

/// Where a node's directories are and what it may do with them, from its configuration.
metadata::BirthConfig birth_config(const config::BrokerConfig& config);

}  // namespace longhaul::broker::app
