// What a seed chooses for a run: the broker's options, its topics, its machine and its clients.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "tests/sim/admin.h"
#include "tests/sim/connection.h"
#include "tests/sim/host.h"
#include "tests/sim/producer.h"

namespace longhaul::sim {

Speed choose_speed(base::Random& random);
ConnectionOptions choose_connection(base::Random& random);
/// The server.properties of one combined broker and controller, node 1 on host n1.
std::string choose_properties(base::Random& random);
/// One plain topic, one that is flushed with each batch, one with a short retention.
std::vector<NewTopic> choose_topics(base::Random& random);
ProducerOptions choose_producer(base::Random& random);

}  // namespace longhaul::sim
