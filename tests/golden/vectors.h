// Messages as Apache Kafka's own code serialises them: golden.jsonl.gz.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::golden {

struct Vector {
  std::string message;  ///< "FetchRequest"
  int16_t version = 0;
  base::Bytes bytes;
  std::string json;  ///< the value in Kafka's JSON form
};

/// All of them, in the order of the file.
base::Result<std::vector<Vector>> load_vectors();

}  // namespace longhaul::golden
