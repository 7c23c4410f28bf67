// Gets what has rotted on our disks from other replicas.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "base/log.h"
#include "broker/handlers/services.h"
#include "broker/log/log.h"
#include "client/channel.h"
#include "protocol/messages/fetch.h"

namespace longhaul::broker::app {

/// Asks the other members of the ISR, the leader first, for the batches that should lie where one
/// is damaged, and puts them there. One at a time.
class LogRepair : public std::enable_shared_from_this<LogRepair> {
 public:
  struct Params {
    base::EventLoop& loop;
    base::Executor& workers;  // for the disk
    base::Logger logger;
    int32_t broker_id = -1;
    const handlers::CurrentImage& image;
    /// A connection to that broker, or null.
    std::function<std::shared_ptr<client::Channel>(int32_t broker_id)> channel;
  };

  explicit LogRepair(Params params) : params_(std::move(params)) {}

  /// From any thread. What cannot be mended is said in the log.
  void repair(std::shared_ptr<log::Log> log, log::Damage damage);
  /// Nothing is asked any more. On the loop.
  void stop();

 private:
  using FetchResponse = protocol::FetchResponse;

  struct Job {
    std::shared_ptr<log::Log> log;
    log::Damage damage;
    std::vector<int32_t> peers = {};  // that were not asked yet; the next one last
    base::Bytes batches = {};         // what that one has sent
    int64_t next = 0;                 // the offset behind them
  };

  void begin();
  void ask();
  void answered(const base::Result<client::Reply<FetchResponse>>& reply);
  base::Result<void> take(const FetchResponse& response);
  void tried(const base::Result<bool>& fits);
  void next_peer(const std::string& why);
  void done();

  const Params params_;
  std::deque<Job> jobs_;  // the first one is under way
  bool stopped_ = false;
};

}  // namespace longhaul::broker::app
