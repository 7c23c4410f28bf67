// The inside of IoThread, for the .cc files of this room.
#pragma once

#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <thread>

#include "client/io_thread.h"

namespace longhaul::client {

struct IoThread::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  std::map<base::TimerId, boost::asio::steady_timer> timers;
  base::TimerId next_timer = 1;
  std::thread thread;
};

}  // namespace longhaul::client
