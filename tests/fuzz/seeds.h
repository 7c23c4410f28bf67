// Seeds for the fuzzers, made from the golden vectors when a fuzzer starts.
#pragma once

namespace longhaul::fuzz {

enum class Seeds { kMessages, kFrames };

/// For LLVMFuzzerInitialize: writes the seeds below the build directory and adds that folder to the
/// arguments as a corpus, unless they name a file to run again. What the fuzzer finds new stays
/// there when no other folder comes first.
void add_seeds(Seeds kind, int* argc, char*** argv);

}  // namespace longhaul::fuzz
