// A session on a socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "broker/net/reactor.h"
#include "broker/net/session.h"
#include "broker/net/socket.h"

namespace longhaul::broker::net {

class Connection;

/// Who keeps a reactor's connections.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  /// The connection is closed and may be forgotten. On its reactor.
  virtual void closed(Connection& connection) = 0;
};

/// What the connections of one reactor share. Lives as long as the last of them.
struct ConnectionContext {
  Reactor& reactor;
  SessionContext session;
  base::Executor& workers;  // for reads that would wait for a disk
  ConnectionOwner& owner;
  base::Logger log;
  std::vector<uint8_t> scratch;  // where small frames are read and file blocks pass through

  // Of the reactor: whose turn it is now, and who was given an answer in that turn.
  Connection* current = nullptr;
  std::vector<std::shared_ptr<Connection>> answered = {};
};

/// Lives and dies on one reactor; only `deliver` and `memory_freed` come from other threads.
class Connection final : public EventHandler,
                         public ReplySink,
                         public FramePool::Waiter,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ConnectionContext> context, Descriptor socket,
             std::shared_ptr<ConnectionInfo> info);

  /// Begins to read. Once, on the reactor.
  void start();
  void ready(uint32_t events) override;
  void deliver(uint64_t sequence, Outcome outcome) override;
  void memory_freed() override;

  /// Answers what is in flight and closes.
  void drain();
  /// Closes at once; a reason that is not empty is logged.
  void close(const std::string& why);
  bool closed() const { return !socket_.open(); }

  const ConnectionInfo& info() const { return *session_.info(); }
  /// When bytes last went in or out.
  std::chrono::steady_clock::time_point last_active() const { return last_active_; }
  /// Waits for nothing but its client: that it sends, or that it takes what was sent to it.
  bool waits_for_client() const { return session_.pending() == 0; }
  /// A request has begun to come in and holds memory.
  bool in_frame() const { return session_.in_frame(); }
  /// When it last was not in a frame, or another 64 KiB of its frame had come: a client that sends
  /// byte by byte is active all the time, and gets nowhere.
  std::chrono::steady_clock::time_point last_progress() const { return last_progress_; }

 private:
  void pump();
  void take_turn();
  void run_answered();
  void read_once();
  bool can_go_on() const;
  void flush();
  bool send_memory();
  bool send_file();
  bool send_copied(const base::FileSlice& range);
  bool sent(ssize_t result);
  bool is_at_hand(const base::FileSlice& range);
  void fetch_from_disk(base::FileSlice range);

  std::shared_ptr<ConnectionContext> context_;
  Descriptor socket_;
  Session session_;
  std::chrono::steady_clock::time_point last_active_;
  std::chrono::steady_clock::time_point last_progress_;
  size_t since_progress_ = 0;  // bytes
  bool readable_ = false;
  bool writable_ = true;
  bool peer_done_ = false;  // it has closed its side: read to the end
  bool answered_ = false;   // in context_->answered
  bool granted_ = false;    // the pool has offered memory
  bool draining_ = false;
  bool waits_for_disk_ = false;
  uint64_t quota_ = 0;  // bytes it may still send in this turn
  // The part of the file range at the head of the queue that is known to be in memory.
  const base::File* at_hand_file_ = nullptr;
  uint64_t at_hand_from_ = 0, at_hand_to_ = 0;
};

}  // namespace longhaul::broker::net
