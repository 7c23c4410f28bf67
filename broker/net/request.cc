#include "broker/net/request.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/frame.h"

namespace longhaul::broker::net {
namespace {

/// From here on the kernel's way without a copy is the cheaper one. In bytes.
constexpr uint64_t kSmallResponse = 64 * 1024;

}  // namespace

uint64_t Response::size() const {
  uint64_t total = head.size();
  for (const Splice& splice : splices) total += splice.slice.size;
  return total;
}

Response make_response(protocol::Encoder encoder, std::vector<base::FileSlice> slices) {
  Response response;
  auto next = slices.begin();
  for (const protocol::Splice& splice : encoder.splices()) {
    uint64_t missing = splice.size;
    while (missing > 0) {
      LH_ASSERT(next != slices.end() && next->size <= missing,
                "the slices of a response do not fill its splices");
      missing -= next->size;
      response.splices.push_back({splice.position, std::move(*next)});
      ++next;
    }
  }
  LH_ASSERT(next == slices.end(), "a response has slices that it does not announce");
  response.head = encoder.take();
  return response;
}

void take_in_small_slices(Response& response) {
  if (response.splices.empty() || response.size() > kSmallResponse) return;
  base::Bytes whole(response.size());
  size_t filled = 0;
  size_t taken = 0;  // of the head
  auto take_head = [&](size_t end) {
    std::copy(response.head.begin() + static_cast<std::ptrdiff_t>(taken),
              response.head.begin() + static_cast<std::ptrdiff_t>(end),
              whole.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += end - taken;
    taken = end;
  };
  for (const Response::Splice& splice : response.splices) {
    take_head(splice.position);
    auto place = std::span(whole).subspan(filled, static_cast<size_t>(splice.slice.size));
    if (!place.empty() && !splice.slice.file->read_resident(splice.slice.offset, place)) return;
    filled += place.size();
  }
  take_head(response.head.size());
  response.head = std::move(whole);
  response.splices.clear();
}

uint64_t WhenClosed::add(base::Task task) {
  if (closed_) {
    task();
    return 0;
  }
  tasks_.emplace(++last_id_, std::move(task));
  return last_id_;
}

void WhenClosed::run() {
  closed_ = true;
  for (auto tasks = std::exchange(tasks_, {}); auto& [id, task] : tasks) task();
}

base::Result<Request> Request::parse(FrameBuffer frame, std::shared_ptr<ConnectionInfo> connection,
                                     base::EventLoop& loop, base::Clock::Monotonic received_at) {
  LH_ASSIGN(protocol::RequestFrame parsed, protocol::parse_request(frame.view()));
  Request request;
  request.api_ = parsed.api;
  request.api_version_ = parsed.version;
  request.correlation_id_ = parsed.correlation_id;
  request.client_id_ = parsed.client_id.value_or(std::string_view());
  request.body_at_ = frame.size() - parsed.body.size();
  request.frame_ = std::move(frame);
  request.connection_ = std::move(connection);
  request.loop_ = &loop;
  request.received_at_ = received_at;
  return request;
}

void Request::release_frame() {
  frame_ = {};
  client_id_ = {};
  body_at_ = 0;
}

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this != &other) {
    drop();
    sink_ = std::move(other.sink_);
    sequence_ = other.sequence_;
  }
  return *this;
}

void Reply::send(Response response) {
  deliver({Outcome::Kind::kResponse, std::move(response), {}});
}

void Reply::none() { deliver({}); }

void Reply::close(std::string why) { deliver({Outcome::Kind::kClose, {}, std::move(why)}); }

void Reply::deliver(Outcome outcome) {
  LH_ASSERT(sink_, "a request was answered twice");
  std::shared_ptr<ReplySink> sink = std::move(sink_);
  sink->deliver(sequence_, std::move(outcome));
}

void Reply::drop() {
  if (sink_) close("a request was dropped without an answer");
}

}  // namespace longhaul::broker::net
