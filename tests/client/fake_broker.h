// A broker on loopback that answers what a test tells it to, byte for byte.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "client/endpoint.h"
#include "protocol/frame.h"

namespace longhaul::tests {

/// Serves one connection after the other on a thread of its own.
class FakeBroker {
 public:
  /// Gets each request; gives the bytes to send back (frames with their lengths), or none.
  using Handler = std::function<base::Bytes(const protocol::RequestFrame&)>;

  explicit FakeBroker(Handler handler);
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  client::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  /// Requests so far, ApiVersions among them.
  int requests() const { return requests_; }
  int connections() const { return connections_; }
  /// Breaks off the connection of the moment.
  void drop_connection();

  /// A frame that answers `request`.
  template <class Response>
  static base::Bytes answer(const protocol::RequestFrame& request, const Response& response,
                            int16_t version) {
    protocol::Encoder encoder;
    auto encoded = protocol::encode_response(encoder, response, version, request.correlation_id);
    LH_ASSERT(encoded.has_value(), "the test's answer can be encoded");
    return encoder.take();
  }
  /// An answer to ApiVersions with these APIs in all versions that we know.
  static base::Bytes versions(const protocol::RequestFrame& request,
                              const std::vector<protocol::ApiKey>& keys);

 private:
  void serve();
  void serve_connection(int connection);

  const Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> requests_{0};
  std::atomic<int> connections_{0};
  std::atomic<int> connection_{-1};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace longhaul::tests
