// Loopback addresses for brokers.
#pragma once

#include <string>

namespace longhaul::cli {

/// The first of 127.77.0.0, 127.77.1.0 … on whose first pod address nobody serves Kafka: another
/// user's `longhaul up` does not get in the way. 127.77.0.0 if all are in use.
std::string free_loopback_base();

}  // namespace longhaul::cli
