#include "operator/kube/transport.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace longhaul::op::kube {

base::Result<Json> call(Transport& transport, const Request& request) {
  LH_ASSIGN(Response response, transport.send(request));
  base::Result<Json> object = read_response(response);
  if (!object)
    return base::fail_in(fmt::format("{} {}", to_string(request.method), request.path),
                         object.error());
  return object;
}

}  // namespace longhaul::op::kube
