#include "client/probe.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <utility>

#include "client/io_thread_impl.h"

namespace longhaul::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// On the I/O thread, but for `start`.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& context, Endpoint endpoint, base::Callback<void(bool)> done)
      : context_(context),
        endpoint_(std::move(endpoint)),
        resolver_(context),
        socket_(context),
        timer_(context),
        done_(std::move(done)) {}

  void start(std::chrono::milliseconds timeout) {
    asio::post(context_, [self = shared_from_this(), timeout] { self->resolve(timeout); });
  }

 private:
  void resolve(std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->finish(false);
    });
    resolver_.async_resolve(
        endpoint_.host, std::to_string(endpoint_.port),
        [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
          if (error || !self->done_) return self->finish(false);
          self->connect(found);
        });
  }

  void connect(const tcp::resolver::results_type& found) {
    auto note = [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
      if (error && error != asio::error::connection_refused) self->other_error_ = true;
      return true;
    };
    asio::async_connect(
        socket_, found, note, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
          self->finish(error == asio::error::connection_refused && !self->other_error_);
        });
  }

  void finish(bool refused) {
    if (!done_) return;
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    std::exchange(done_, {})(refused);
  }

  asio::io_context& context_;
  const Endpoint endpoint_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  base::Callback<void(bool)> done_;
  bool other_error_ = false;
};

}  // namespace

void probe(IoThread& thread, const Endpoint& endpoint, std::chrono::milliseconds timeout,
           base::Callback<void(bool refused)> done) {
  std::make_shared<Attempt>(thread.impl().context, endpoint, std::move(done))->start(timeout);
}

}  // namespace longhaul::client
