#include "local/api/error.h"

#include <nlohmann/json.hpp>

namespace longhaul::local {

tl::unexpected<ApiError> invalid(const std::string& what, std::vector<Cause> causes) {
  std::string message = what + " is invalid: ";
  if (causes.size() > 1) message += "[";
  for (size_t i = 0; i < causes.size(); ++i) {
    if (i > 0) message += ", ";
    message += causes[i].field + ": " + causes[i].message;
  }
  if (causes.size() > 1) message += "]";
  return tl::unexpected<ApiError>(ApiError{422, "Invalid", std::move(message), std::move(causes)});
}

nlohmann::json status_of(const ApiError& error) {
  nlohmann::json status{
      {"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", nlohmann::json::object()},
      {"status", "Failure"}, {"message", error.message}, {"reason", error.reason},
      {"code", error.code}};
  for (const Cause& cause : error.causes)
    status["details"]["causes"].push_back(
        {{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  return status;
}

}  // namespace longhaul::local
