#include "protocol/messages/fetch.h"

#include "broker/handlers/ask_quorum.h"
#include "broker/handlers/fetch_operation.h"
#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {

void handle_fetch(Services& services, Call call) {
  if (call.request().connection()->controller_listener)
    return by_quorum<protocol::FetchRequest>(services, std::move(call));
  auto request = call.decode<protocol::FetchRequest>();
  if (!request) return;
  FetchPlan plan = services.fetch_sessions.open(*request, call.version());
  if (plan.error != protocol::ErrorCode::kNone) {
    protocol::FetchResponse response;
    response.error_code = plan.error;
    return call.respond(response);
  }
  std::make_shared<FetchOperation>(services, std::move(call), *request, std::move(plan))->start();
}

}  // namespace longhaul::broker::handlers
