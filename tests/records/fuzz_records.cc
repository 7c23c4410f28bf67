// libFuzzer: bytes as a producer could send them, with the CRC made right so that what lies behind
// it is reached. What validate() takes has to be readable to the last record.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "records/record.h"
#include "records/validate.h"

namespace longhaul::records {
namespace {

constexpr size_t kPlainLimit = 1 << 20;

void read_everything(ByteView batch, Codecs& codecs) {
  auto header = parse_header(batch);
  LH_ASSERT(header && crc_matches(batch), "a batch that was taken has a right header");
  Bytes scratch;
  auto plain = plain_payload(codecs, *header, batch.subspan(kHeaderSize), kPlainLimit, scratch);
  LH_ASSERT(plain, "a batch that was taken can be decompressed");
  RecordReader reader(*header, *plain);
  int32_t offset_delta = 0;
  while (const Record* record = reader.next()) {
    LH_ASSERT(record->offset_delta == offset_delta++, "offsets are consecutive");
    HeaderReader headers(*record);
    int32_t count = 0;
    while (headers.next()) ++count;
    LH_ASSERT(count == record->header_count, "every header can be read");
  }
  LH_ASSERT(!reader.error() && offset_delta == header->record_count, "every record can be read");
}

void run(ByteView input) {
  if (input.size() < 2 + kHeaderSize) return;
  Codecs codecs;
  ValidationOptions options;
  options.max_plain_bytes = kPlainLimit;
  options.compacted = (input[0] & 1) != 0;
  if ((input[0] & 2) != 0) options.timestamp_type = TimestampType::kLogAppendTime;
  if (input[1] < 5) options.target_codec = static_cast<Codec>(input[1]);
  Bytes batch(input.begin() + 2, input.end());
  base::store_big_endian(batch.data() + kLengthAt,
                         static_cast<int32_t>(batch.size() - kLogOverhead));
  base::store_big_endian(batch.data() + kCrcAt, compute_crc(batch));
  auto result = validate(batch, options, 1'700'000'000'000, codecs);
  if (!result) return;
  read_everything(result->rebuilt ? ByteView(*result->rebuilt) : ByteView(batch), codecs);
}

}  // namespace
}  // namespace longhaul::records

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  longhaul::records::run({data, size});
  return 0;
}
