#include "client/io_thread.h"

#include <pthread.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "client/io_thread_impl.h"

namespace longhaul::client {

IoThread::IoThread(const std::string& name) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([this] { impl_->context.run(); });
  pthread_setname_np(impl_->thread.native_handle(), name.substr(0, 15).c_str());
}

IoThread::~IoThread() { stop(); }

void IoThread::stop() {
  if (!impl_->thread.joinable()) return;
  // Behind what was posted before, so that connections that were closed have told their callers.
  boost::asio::post(impl_->context, [this] { impl_->context.stop(); });
  impl_->thread.join();
}

void IoThread::post(base::Task task) {
  boost::asio::post(impl_->context, [task = std::move(task)]() mutable { task(); });
}

void IoThread::dispatch(base::Task task) {
  boost::asio::dispatch(impl_->context, [task = std::move(task)]() mutable { task(); });
}

base::TimerId IoThread::after(std::chrono::microseconds delay, base::Task task) {
  base::TimerId id = impl_->next_timer++;
  auto& timer = impl_->timers.emplace(id, impl_->context).first->second;
  timer.expires_after(delay);
  timer.async_wait([this, id, task = std::move(task)](boost::system::error_code) mutable {
    if (impl_->timers.erase(id) > 0) task();  // else it was cancelled
  });
  return id;
}

bool IoThread::cancel(base::TimerId timer) { return impl_->timers.erase(timer) > 0; }

}  // namespace longhaul::client
