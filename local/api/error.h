// Refusals as a Kubernetes API gives them: a metav1.Status.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace longhaul::local {

/// One entry of `details.causes`: which field, and what is wrong with it.
struct Cause {
  std::string reason;   // FieldValueInvalid, FieldManagerConflict, …
  std::string message;  // for people
  std::string field;  // "spec.replicas", or ".spec.replicas" for conflicts, as Kubernetes writes it
};

/// A refusal. `code` is the HTTP status, `reason` the machine's word for it.
struct ApiError {
  int code = 500;
  std::string reason;
  std::string message;
  std::vector<Cause> causes = {};
};

/// A value, or the refusal that the client gets.
template <class T = void>
using Answer = tl::expected<T, ApiError>;

inline tl::unexpected<ApiError> refuse(int code, std::string reason, std::string message) {
  return tl::unexpected<ApiError>(ApiError{code, std::move(reason), std::move(message)});
}
inline tl::unexpected<ApiError> bad_request(std::string message) {
  return refuse(400, "BadRequest", std::move(message));
}
inline tl::unexpected<ApiError> conflict(std::string message) {
  return refuse(409, "Conflict", std::move(message));
}
/// 422 with a cause per field. `what` is "KafkaTopic.longhaul.dev \"orders\"".
tl::unexpected<ApiError> invalid(const std::string& what, std::vector<Cause> causes);

/// The error as the body of a response (kind Status).
nlohmann::json status_of(const ApiError& error);

}  // namespace longhaul::local
