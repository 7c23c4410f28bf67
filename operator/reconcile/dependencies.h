// What reconcilers need of the world.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "operator/model/desired.h"
#include "operator/reconcile/caches.h"
#include "operator/reconcile/kafka.h"
#include "operator/reconcile/writer.h"

namespace longhaul::op::reconcile {

/// References must outlive the reconcilers. `random` is used from several threads.
struct Dependencies {
  Caches& caches;
  Writer& writer;
  Kafka& kafka;
  const base::Clock& clock;
  base::Random& random;
  model::ModelOptions model;
  base::Logger logger;
};

}  // namespace longhaul::op::reconcile
