#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstJoinWithoutProtocol = 7;
constexpr int16_t kFirstSyncWithProtocol = 5;
constexpr int16_t kFirstLeaveOfSeveral = 3;

groups::Caller caller_of(const Call& call) {
  return {.client_id = std::string(call.request().client_id()),
          .client_host = "/" + call.request().connection()->client_host,
          .api_version = call.version()};
}

/// Decodes a request and goes on with it on the coordinator's loop: `act(request, call)`.
template <class Request, class Act>
void on_coordinator(Services& services, Call call, Act act) {
  auto request = call.decode<Request>();
  if (!request) return;
  services.groups_loop.post([request = std::move(*request), call = std::move(call),
                             act = std::move(act)]() mutable { act(request, call); });
}

}  // namespace

void handle_join_group(Services& services, Call call) {
  on_coordinator<protocol::JoinGroupRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        groups::Caller caller = caller_of(call);
        call.release_frame();
        groups.join(request, caller, [call = std::move(call)](auto response) mutable {
          bool failed = response.error_code != ErrorCode::kNone;
          if (failed && call.version() >= kFirstJoinWithoutProtocol) response.protocol_name.reset();
          call.respond(response);
        });
      });
}

void handle_sync_group(Services& services, Call call) {
  on_coordinator<protocol::SyncGroupRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        call.release_frame();
        bool named = request.protocol_type && request.protocol_name;
        if (!named && call.version() >= kFirstSyncWithProtocol) {
          return call.respond(
              protocol::SyncGroupResponse{.error_code = ErrorCode::kInconsistentGroupProtocol});
        }
        groups.sync(request, [call = std::move(call)](const auto& response) mutable {
          call.respond(response);
        });
      });
}

void handle_heartbeat(Services& services, Call call) {
  on_coordinator<protocol::HeartbeatRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        call.respond(groups.heartbeat(request));
      });
}

void handle_leave_group(Services& services, Call call) {
  on_coordinator<protocol::LeaveGroupRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        if (call.version() >= kFirstLeaveOfSeveral && request.members.empty()) {
          return call.respond(protocol::LeaveGroupResponse{});  // nobody left
        }
        call.respond(groups.leave(request));
      });
}

void handle_describe_groups(Services& services, Call call) {
  on_coordinator<protocol::DescribeGroupsRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        auto response = groups.describe(request, call.version());
        if (request.include_authorized_operations) {
          for (auto& group : response.groups) {
            bool shown = group.error_code == ErrorCode::kNone;
            if (shown) group.authorized_operations = kAllGroupOperations;
          }
        }
        call.respond(response);
      });
}

void handle_list_groups(Services& services, Call call) {
  on_coordinator<protocol::ListGroupsRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        call.respond(groups.list(request));
      });
}

void handle_delete_groups(Services& services, Call call) {
  on_coordinator<protocol::DeleteGroupsRequest>(
      services, std::move(call), [&groups = services.groups](auto& request, Call& call) {
        groups.remove(request, [call = std::move(call)](const auto& response) mutable {
          call.respond(response);
        });
      });
}

}  // namespace longhaul::broker::handlers
