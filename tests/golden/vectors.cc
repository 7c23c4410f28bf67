#include "tests/golden/vectors.h"

#include <zlib.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace longhaul::golden {
namespace {

base::Result<std::string> unpack(const char* path) {
  gzFile file = gzopen(path, "rb");
  if (file == nullptr) return base::fail(base::Errc::kNotFound, path);
  std::string text;
  char buffer[1 << 16];
  int got = 0;
  while ((got = gzread(file, buffer, sizeof(buffer))) > 0)
    text.append(buffer, static_cast<size_t>(got));
  gzclose(file);
  if (got < 0) return base::fail(base::Errc::kCorrupt, path);
  return text;
}

base::Bytes from_hex(const std::string& hex) {
  base::Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace

base::Result<std::vector<Vector>> load_vectors() {
  LH_ASSIGN(std::istringstream lines, unpack(LONGHAUL_GOLDEN_FILE).map([](std::string text) {
    return std::istringstream(std::move(text));
  }));
  std::vector<Vector> vectors;
  for (std::string line; std::getline(lines, line);) {
    auto row = nlohmann::json::parse(line);
    vectors.push_back({row["message"], row["version"], from_hex(row["hex"]), row["value"].dump()});
  }
  return vectors;
}

}  // namespace longhaul::golden
