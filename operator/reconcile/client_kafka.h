// The operator's view of brokers over Kafka's protocol.
#pragma once

#include <memory>

#include "operator/reconcile/kafka.h"

namespace longhaul::op::reconcile {

/// One I/O thread and one connection per broker address.
std::unique_ptr<Kafka> make_client_kafka();

}  // namespace longhaul::op::reconcile
