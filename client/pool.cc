#include "client/pool.h"

namespace longhaul::client {

Pool::~Pool() {
  for (auto& [endpoint, channel] : channels_) channel->close();
}

std::shared_ptr<Channel> Pool::to(const Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Channel>& channel = channels_[endpoint];
  if (channel && channel->is_open()) return channel;
  channel = connect(thread_, endpoint, options_);
  std::shared_ptr<Channel> made = channel;
  std::erase_if(channels_, [](const auto& entry) { return !entry.second->is_open(); });
  return made;
}

void Pool::close(const Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  auto found = channels_.find(endpoint);
  if (found == channels_.end()) return;
  found->second->close();
  channels_.erase(found);
}

}  // namespace longhaul::client
