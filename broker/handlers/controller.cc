// What brokers and controllers ask the active controller (KIP-631, 730, 919).
#include "broker/handlers/forward.h"

namespace longhaul::broker::handlers {

using metadata::ControllerClient;

void handle_broker_registration(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::register_broker);
}

void handle_broker_heartbeat(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::broker_heartbeat);
}

void handle_controller_registration(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::register_controller);
}

void handle_allocate_producer_ids(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::allocate_producer_ids);
}

}  // namespace longhaul::broker::handlers
