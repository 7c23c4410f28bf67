#include "broker/handlers/forward.h"

namespace longhaul::broker::handlers {

using metadata::ControllerClient;

void handle_create_topics(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::create_topics);
}

void handle_delete_topics(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::delete_topics);
}

void handle_create_partitions(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::create_partitions);
}

void handle_incremental_alter_configs(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::incremental_alter_configs);
}

void handle_alter_configs(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::alter_configs);
}

}  // namespace longhaul::broker::handlers
