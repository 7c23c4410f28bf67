#include "operator/kube/request.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace longhaul::op::kube {
namespace {

std::string percent_encoded(std::string_view text, std::string_view keep) {
  std::string out;
  for (unsigned char c : text) {
    if (isalnum(c) ||
        std::string_view("-._~").find(static_cast<char>(c)) != std::string_view::npos ||
        keep.find(static_cast<char>(c)) != std::string_view::npos)
      out.push_back(static_cast<char>(c));
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

Request with_body(Method method, std::string path, std::string_view content_type,
                  const Json& body) {
  return {method, std::move(path), {}, std::string(content_type), body.dump()};
}

void add_scope(Request& request, const Scope& scope) {
  if (!scope.label_selector.empty())
    request.query.emplace_back("labelSelector", scope.label_selector);
}

base::Errc code_of(int http_status, const std::string& reason) {
  if (reason == "AlreadyExists") return base::Errc::kAlreadyExists;
  switch (http_status) {
    case 401:
    case 403:
      return base::Errc::kPermission;
    case 404:
      return base::Errc::kNotFound;
    case 409:
      return base::Errc::kConflict;
    case 410:
      return base::Errc::kCancelled;
    default:
      break;
  }
  if (http_status == 429 || http_status >= 500) return base::Errc::kUnavailable;
  return base::Errc::kInvalidArgument;
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
  }
  return "GET";
}

std::string Request::target() const {
  std::string out = percent_encoded(path, "/:");
  char separator = '?';
  for (const auto& [name, value] : query) {
    out.push_back(separator);
    out.append(percent_encoded(name, "")).append("=").append(percent_encoded(value, ""));
    separator = '&';
  }
  return out;
}

Request get(const ResourceType& type, std::string_view name_space, std::string_view name) {
  return {Method::kGet, type.object_path(name_space, name), {}, {}, {}};
}

Request list(const ResourceType& type, const Scope& scope, int limit,
             std::string_view continue_token) {
  Request request{Method::kGet, type.collection_path(scope.name_space), {}, {}, {}};
  add_scope(request, scope);
  request.query.emplace_back("limit", std::to_string(limit));
  if (!continue_token.empty()) request.query.emplace_back("continue", std::string(continue_token));
  return request;
}

Request find(const ResourceType& type, std::string_view name_space, std::string_view name) {
  Request request = list(type, {std::string(name_space), ""}, 1, "");
  request.query.emplace_back("fieldSelector", "metadata.name=" + std::string(name));
  return request;
}

Request watch(const ResourceType& type, const Scope& scope, std::string_view resource_version,
              int timeout_seconds) {
  Request request{Method::kGet, type.collection_path(scope.name_space), {}, {}, {}};
  add_scope(request, scope);
  request.query.emplace_back("watch", "true");
  request.query.emplace_back("allowWatchBookmarks", "true");
  request.query.emplace_back("resourceVersion", std::string(resource_version));
  request.query.emplace_back("timeoutSeconds", std::to_string(timeout_seconds));
  return request;
}

Request create(const ResourceType& type, const Json& object) {
  return with_body(Method::kPost, type.collection_path(namespace_of(object)), "application/json",
                   object);
}

Request replace(const ResourceType& type, const Json& object) {
  return with_body(Method::kPut, type.object_path(namespace_of(object), name_of(object)),
                   "application/json", object);
}

Request apply(const ResourceType& type, const Json& object, std::string_view field_manager) {
  Request request =
      with_body(Method::kPatch, type.object_path(namespace_of(object), name_of(object)),
                "application/apply-patch+yaml", object);
  request.query.emplace_back("fieldManager", std::string(field_manager));
  request.query.emplace_back("force", "true");
  return request;
}

Request apply_status(const ResourceType& type, const Json& object, std::string_view field_manager) {
  Request request = apply(type, object, field_manager);
  request.path += "/status";
  return request;
}

Request merge_patch(const ResourceType& type, std::string_view name_space, std::string_view name,
                    const Json& patch) {
  return with_body(Method::kPatch, type.object_path(name_space, name),
                   "application/merge-patch+json", patch);
}

Request remove(const ResourceType& type, std::string_view name_space, std::string_view name,
               std::string_view uid) {
  Json options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  options["propagationPolicy"] = "Background";
  if (!uid.empty()) options["preconditions"]["uid"] = std::string(uid);
  return with_body(Method::kDelete, type.object_path(name_space, name), "application/json",
                   options);
}

base::Error status_error(const Json& status, int http_status) {
  std::string reason = string_at(status, {"reason"});
  std::string message = string_at(status, {"message"});
  int code = static_cast<int>(int_at(status, {"code"}, http_status));
  if (message.empty()) message = reason.empty() ? fmt::format("HTTP status {}", code) : reason;
  if (code == 403) message += " (is the operator's RBAC installed?)";
  return {code_of(code, reason), message};
}

base::Result<Json> read_response(const Response& response) {
  base::Result<Json> body = parse_json(response.body);
  if (response.status >= 200 && response.status < 300) {
    if (!body) return base::fail_in("answer of the Kubernetes API", body.error());
    return body;
  }
  if (body && body->is_object())
    return tl::unexpected<base::Error>(status_error(*body, response.status));
  return base::fail(code_of(response.status, ""), fmt::format("HTTP status {}: {}", response.status,
                                                              response.body.substr(0, 200)));
}

}  // namespace longhaul::op::kube
