// Topics that come into being because somebody asks for them.
#pragma once

#include <set>
#include <string>

#include "base/task.h"
#include "broker/handlers/services.h"
#include "broker/metadata/topic_name.h"
#include "protocol/messages/create_topics.h"

namespace longhaul::broker::handlers {

using metadata::kOffsetsTopic;

/// Creates topics with the broker's defaults, internal ones with their own settings
/// (offsets.topic.*). `done` is called on `loop` once they can be used, or could not be created.
void auto_create_topics(Services& services, const std::set<std::string>& names,
                        base::EventLoop& loop,
                        base::Callback<void(protocol::CreateTopicsResponse)> done);

}  // namespace longhaul::broker::handlers
