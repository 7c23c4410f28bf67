// What a seed chooses for a run: the broker's options, its topics, its machine and its clients.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "tests/sim/admin.h"
#include "tests/sim/connection.h"
#include "tests/sim/producer.h"
#include "tests/sim/region.h"

namespace longhaul::sim {

Speed choose_speed(base::Random& random);
ConnectionOptions choose_connection(base::Random& random, const RegionShape& shape);
/// What is the same in the server.properties of all nodes of a cluster with so many.
std::string choose_properties(base::Random& random, int32_t nodes);
/// One plain topic, one that is flushed with each batch, one with a short retention.
std::vector<NewTopic> choose_topics(base::Random& random);
/// One node alone, or three to five of which three are controllers.
RegionShape choose_shape(uint64_t seed);
/// The first one's records are promised, wherever it sends them.
ProducerOptions choose_producer(base::Random& random, const RegionShape& shape, bool is_first);

}  // namespace longhaul::sim
