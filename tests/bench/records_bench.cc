// The inner loops of produce: CRC, validation of plain and compressed batches. Bytes per second are
// of the batch as sent.
#include <benchmark/benchmark.h>

#include "base/crc32c.h"
#include "records/validate.h"
#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

void bytes_processed(benchmark::State& state, size_t size) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * size));
}

void crc32c_hardware(benchmark::State& state) {
  if (!base::crc32c_has_hardware()) return state.SkipWithError("no CRC instruction");
  Bytes bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(base::crc32c_extend_hardware(0, bytes));
  bytes_processed(state, bytes.size());
}
BENCHMARK(crc32c_hardware)->Arg(61)->Arg(1 << 10)->Arg(16 << 10)->Arg(256 << 10)->Arg(4 << 20);

void crc32c_tables(benchmark::State& state) {
  Bytes bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(base::crc32c_extend_tables(0, bytes));
  bytes_processed(state, bytes.size());
}
BENCHMARK(crc32c_tables)->Arg(16 << 10);

/// Arguments: bytes of a value, records, codec.
void validate_batch(benchmark::State& state) {
  Codecs codecs;
  auto records = static_cast<int>(state.range(1));
  Bytes batch = bulk_batch(codecs, {.codec = static_cast<Codec>(state.range(2))}, records,
                           static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    auto result = validate(batch, {}, kNow, codecs);
    if (!result) return state.SkipWithError(result.error().message.c_str());
    benchmark::DoNotOptimize(result);
  }
  bytes_processed(state, batch.size());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * records);
}
BENCHMARK(validate_batch)
    ->Args({1000, 250, 0})  // 256 KiB batches of 1 kB records
    ->Args({90, 150, 0})    // 16 KiB batches of 100 B records
    ->Args({90, 1, 0})
    ->Args({90, 150, 1})
    ->Args({90, 150, 2})
    ->Args({90, 150, 3})
    ->Args({90, 150, 4})
    ->Args({1000, 250, 4});

void stamp_append_time(benchmark::State& state) {
  Codecs codecs;
  Bytes batch = bulk_batch(codecs, {}, 250, 1000);
  int64_t now = kNow;
  for (auto _ : state) set_max_timestamp(batch, TimestampType::kLogAppendTime, ++now);
}
BENCHMARK(stamp_append_time);

void read_records(benchmark::State& state) {
  Codecs codecs;
  Bytes batch = bulk_batch(codecs, {}, 150, 90);
  for (auto _ : state) {
    RecordReader reader(*parse_header(batch), ByteView(batch).subspan(kHeaderSize));
    while (const Record* record = reader.next()) benchmark::DoNotOptimize(record->offset);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 150);
}
BENCHMARK(read_records);

}  // namespace
}  // namespace longhaul::records
