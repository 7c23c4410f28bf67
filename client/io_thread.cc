#include "client/io_thread.h"

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "client/io_thread_impl.h"

namespace longhaul::client {

IoThread::IoThread(const std::string& name) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([this] { impl_->context.run(); });
  pthread_setname_np(impl_->thread.native_handle(), name.substr(0, 15).c_str());
}

IoThread::~IoThread() {
  // Behind what was posted before, so that connections that were closed have told their callers.
  boost::asio::post(impl_->context, [this] { impl_->context.stop(); });
  impl_->thread.join();
}

}  // namespace longhaul::client
