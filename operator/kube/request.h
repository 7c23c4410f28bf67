// Kubernetes API requests as plain values, built without I/O, and how answers are read.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/kube/object.h"

namespace longhaul::op::kube {

enum class Method { kGet, kPost, kPut, kPatch, kDelete };
std::string_view to_string(Method method);

struct Request {
  Method method = Method::kGet;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string content_type;  // empty: no body
  std::string body;

  /// Path and query as they stand in the request line, percent-encoded.
  std::string target() const;
};

struct Response {
  int status = 0;  // HTTP's
  std::string body;
};

/// Which objects a list or watch means. Empty fields select everything.
struct Scope {
  std::string name_space;
  std::string label_selector;
  auto operator<=>(const Scope&) const = default;
};

Request get(const ResourceType& type, std::string_view name_space, std::string_view name);
/// One page; `continue_token` is the last page's metadata.continue.
Request list(const ResourceType& type, const Scope& scope, int limit,
             std::string_view continue_token);
/// A list of the one object of that name, whatever its labels; empty if there is none.
Request find(const ResourceType& type, std::string_view name_space, std::string_view name);
/// Changes after `resource_version`, with bookmarks; the server ends it after `timeout_seconds`.
Request watch(const ResourceType& type, const Scope& scope, std::string_view resource_version,
              int timeout_seconds);
Request create(const ResourceType& type, const Json& object);
/// PUT; with metadata.resourceVersion in the object it fails (409) if somebody was faster.
Request replace(const ResourceType& type, const Json& object);
/// Server-side apply in the name of `field_manager`, taking over fields others had set.
Request apply(const ResourceType& type, const Json& object, std::string_view field_manager);
/// The same for the status subresource.
Request apply_status(const ResourceType& type, const Json& object, std::string_view field_manager);
/// JSON merge patch (RFC 7386).
Request merge_patch(const ResourceType& type, std::string_view name_space, std::string_view name,
                    const Json& patch);
/// Background deletion; with a `uid`, only of the object that has it (409 otherwise).
Request remove(const ResourceType& type, std::string_view name_space, std::string_view name,
               std::string_view uid);

/// The object in an answer, or the error that a Status object (or a bare HTTP status) tells:
/// 404 kNotFound, 409 kAlreadyExists or kConflict, 401 and 403 kPermission, 400, 415 and 422
/// kInvalidArgument, 410 kCancelled (the version asked for is gone), 429 and 5xx kUnavailable.
base::Result<Json> read_response(const Response& response);
/// The error of a Status object, as in a watch's ERROR event.
base::Error status_error(const Json& status, int http_status);

}  // namespace longhaul::op::kube
