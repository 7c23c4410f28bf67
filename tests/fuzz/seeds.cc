#include "tests/fuzz/seeds.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/assert.h"
#include "protocol/api.h"
#include "protocol/frame.h"
#include "protocol/reflection/message_type.h"
#include "tests/golden/vectors.h"

namespace longhaul::fuzz {
namespace {

/// The layout that check_message takes apart.
base::Bytes message_seed(const golden::Vector& vector) {
  auto types = protocol::message_types();
  const auto* type = protocol::find_message_type(vector.message);
  base::Writer writer;
  writer.uint16(static_cast<uint16_t>(type - types.data()));
  writer.uint8(static_cast<uint8_t>(vector.version - type->min_version));
  writer.bytes(vector.bytes);
  return writer.take();
}

/// The vector as a request frame without its length; empty when it is not a request.
base::Bytes frame_seed(const golden::Vector& vector) {
  for (const protocol::ApiInfo& api : protocol::apis()) {
    if (vector.message != std::string(api.name) + "Request") continue;
    protocol::Encoder encoder;
    protocol::begin_request(encoder, api, vector.version, 7, "client");
    base::Writer writer;
    writer.bytes(encoder.view().subspan(4));
    writer.bytes(vector.bytes);
    return writer.take();
  }
  return {};
}

void write_seeds(Seeds kind, const std::filesystem::path& folder) {
  auto vectors = golden::load_vectors();
  LH_ASSERT(vectors.has_value(), "no golden vectors to make seeds of");
  std::filesystem::create_directories(folder);
  for (size_t i = 0; i < vectors->size(); ++i) {
    const golden::Vector& vector = (*vectors)[i];
    base::Bytes seed = kind == Seeds::kMessages ? message_seed(vector) : frame_seed(vector);
    if (seed.empty()) continue;
    std::ofstream(folder / ("golden-" + std::to_string(i)), std::ios::binary)
        << base::as_text(seed);
  }
}

}  // namespace

void add_seeds(Seeds kind, int* argc, char*** argv) {
  bool runs_a_file = std::any_of(*argv + 1, *argv + *argc, [](const char* argument) {
    return std::filesystem::is_regular_file(argument);
  });
  if (runs_a_file) return;
  static std::string folder =
      std::string(LONGHAUL_FUZZ_CORPUS) + (kind == Seeds::kMessages ? "/messages" : "/frames");
  static std::vector<char*> arguments(*argv, *argv + *argc);
  write_seeds(kind, folder);
  arguments.push_back(folder.data());
  arguments.push_back(nullptr);
  *argc += 1;
  *argv = arguments.data();
}

}  // namespace longhaul::fuzz
