// libFuzzer over the decoders of all messages in all versions.
#include "tests/fuzz/decoders.h"
#include "tests/fuzz/seeds.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  longhaul::fuzz::add_seeds(longhaul::fuzz::Seeds::kMessages, argc, argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  longhaul::fuzz::check_message({data, size});
  return 0;
}
