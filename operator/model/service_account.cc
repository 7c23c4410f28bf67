#include <nlohmann/json.hpp>

#include "operator/model/desired.h"

namespace longhaul::op::model {

kube::Json service_account(const RegionModel& model) {
  kube::Json account = owned_object(model, kube::kServiceAccount,
                                    region_prefix(model.cluster.name, model.region().name));
  account["automountServiceAccountToken"] = false;  // a broker never talks to Kubernetes
  return account;
}

}  // namespace longhaul::op::model
