// Responses on their way out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/net/request.h"

namespace longhaul::broker::net {

/// What a connection has yet to send, in order, as parts in memory and ranges of files. Knows
/// nothing of sockets: `gather` or `file_range` say what comes next, `consumed` how much of it
/// went out.
class OutputQueue {
 public:
  void push(Response response);

  bool empty() const { return first_ == responses_.size(); }
  /// Responses not completely sent.
  size_t count() const { return responses_.size() - first_; }
  /// Bytes in memory not yet sent (file ranges cost none).
  uint64_t bytes_in_memory() const { return bytes_in_memory_; }

  /// Fills `parts` with the next bytes in memory, over several responses, up to the next file
  /// range; returns how many parts there are. 0 if a file range comes first, or nothing.
  size_t gather(std::span<base::ByteView> parts) const;
  /// The unsent part of the file range that comes next; its size is 0 if memory comes first.
  base::FileSlice file_range() const;
  /// A file range comes somewhere in the first response.
  bool has_file_range() const {
    return !empty() && place_.splice < responses_[first_].splices.size();
  }
  /// `bytes` of what `gather` or `file_range` gave went out.
  void consumed(uint64_t bytes);
  /// Copies what comes next, from memory or files, and consumes it; for those who have no socket.
  base::Result<size_t> read(std::span<uint8_t> out);
  void clear();

 private:
  /// A place in a response: so much of its head and so many of its slices are behind it.
  struct Place {
    size_t head = 0;
    size_t splice = 0;
    uint64_t in_slice = 0;
  };
  static bool finished(const Response& response, const Place& place);
  /// Bytes of the head from `place` to the next slice or the end.
  static size_t head_run(const Response& response, const Place& place);
  void skip_empty_slices();
  void pop_finished();

  std::vector<Response> responses_;  // those before first_ are sent
  size_t first_ = 0;
  Place place_;  // in responses_[first_]
  uint64_t bytes_in_memory_ = 0;
};

}  // namespace longhaul::broker::net
