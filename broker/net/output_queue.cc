#include "broker/net/output_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::net {

void OutputQueue::push(Response response) {
  bytes_in_memory_ += response.head.size();
  responses_.push_back(std::move(response));
  if (count() == 1) {
    skip_empty_slices();
    pop_finished();
  }
}

bool OutputQueue::finished(const Response& response, const Place& place) {
  return place.head == response.head.size() && place.splice == response.splices.size();
}

size_t OutputQueue::head_run(const Response& response, const Place& place) {
  size_t end = place.splice < response.splices.size() ? response.splices[place.splice].position
                                                      : response.head.size();
  return end - place.head;
}

size_t OutputQueue::gather(std::span<base::ByteView> parts) const {
  size_t filled = 0;
  Place place = place_;
  for (size_t i = first_; i < responses_.size() && filled < parts.size(); ++i, place = {}) {
    const Response& response = responses_[i];
    size_t run = head_run(response, place);
    if (run > 0) parts[filled++] = {response.head.data() + place.head, run};
    if (place.splice < response.splices.size()) break;
  }
  return filled;
}

base::FileSlice OutputQueue::file_range() const {
  if (empty() || head_run(responses_[first_], place_) > 0) return {};
  const Response& response = responses_[first_];
  if (place_.splice == response.splices.size()) return {};
  base::FileSlice slice = response.splices[place_.splice].slice;
  slice.offset += place_.in_slice;
  slice.size -= place_.in_slice;
  return slice;
}

void OutputQueue::skip_empty_slices() {
  if (empty()) return;
  const Response& response = responses_[first_];
  while (place_.splice < response.splices.size() &&
         response.splices[place_.splice].position == place_.head &&
         response.splices[place_.splice].slice.size == place_.in_slice) {
    ++place_.splice;
    place_.in_slice = 0;
  }
}

void OutputQueue::pop_finished() {
  while (!empty() && finished(responses_[first_], place_)) {
    responses_[first_] = {};
    ++first_;
    place_ = {};
    skip_empty_slices();
  }
  if (empty()) {
    responses_.clear();
    first_ = 0;
    if (responses_.capacity() > 16) responses_.shrink_to_fit();
  }
}

void OutputQueue::consumed(uint64_t bytes) {
  while (bytes > 0) {
    LH_ASSERT(!empty(), "more was sent than there was to send");
    const Response& response = responses_[first_];
    size_t run = head_run(response, place_);
    if (run > 0) {
      size_t sent = static_cast<size_t>(std::min<uint64_t>(run, bytes));
      place_.head += sent;
      bytes_in_memory_ -= sent;
      bytes -= sent;
    } else {
      uint64_t left = response.splices[place_.splice].slice.size - place_.in_slice;
      uint64_t sent = std::min(left, bytes);
      place_.in_slice += sent;
      bytes -= sent;
    }
    skip_empty_slices();
    pop_finished();
  }
}

base::Result<size_t> OutputQueue::read(std::span<uint8_t> out) {
  size_t filled = 0;
  while (!empty() && filled < out.size()) {
    std::span<uint8_t> room = out.subspan(filled);
    base::ByteView part;
    size_t copied = 0;
    if (gather({&part, 1}) == 1) {
      copied = std::min(part.size(), room.size());
      std::memcpy(room.data(), part.data(), copied);
    } else {
      base::FileSlice range = file_range();
      copied = static_cast<size_t>(std::min<uint64_t>(range.size, room.size()));
      LH_ASSIGN(size_t got, range.file->read_at(range.offset, room.first(copied)));
      if (got < copied) {
        return base::fail(base::Errc::kIo, "a file shrank while a range of it was being sent");
      }
    }
    consumed(copied);
    filled += copied;
  }
  return filled;
}

void OutputQueue::clear() { *this = OutputQueue(); }

}  // namespace longhaul::broker::net
