// libFuzzer: a batch whose payload a hostile sender chose, in a header that gets it past the first
// checks. What validate() takes has to be readable to the last record.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "records/builder.h"
#include "records/record.h"
#include "records/validate.h"

namespace longhaul::records {
namespace {

constexpr size_t kPlainLimit = 1 << 20;
constexpr int64_t kNow = 1'700'000'000'000;

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

/// A batch with this payload, compressed here if `compress_it`, else taken as it is.
Bytes make_batch(ByteView payload, Codec codec, uint8_t count, bool compress_it, Codecs& codecs) {
  Bytes batch(kHeaderSize);
  LH_ASSERT(compress(codecs, compress_it ? codec : Codec::kNone, {}, payload, batch),
            "a codec failed although its output has no bound");
  BatchHeader header;
  header.attributes = static_cast<int16_t>(codec);
  header.last_offset_delta = count - 1;
  header.record_count = count;
  header.base_timestamp = kNow;
  store_header(batch, header);
  return batch;
}

/// Four bytes of settings, then the payload.
void run(ByteView input) {
  if (input.size() < 4) return;
  Codecs codecs;
  ValidationOptions options;
  options.max_plain_bytes = kPlainLimit;
  options.compacted = (input[0] & 1) != 0;
  if ((input[0] & 2) != 0) options.timestamp_type = TimestampType::kLogAppendTime;
  if (input[1] < 5) options.target_codec = static_cast<Codec>(input[1]);
  Bytes batch = make_batch(input.subspan(4), static_cast<Codec>(input[2] % 5), input[3],
                           (input[0] & 4) != 0, codecs);
  auto result = validate(batch, options, kNow, codecs);
  if (!result) return;
  read_everything(result->rebuilt ? ByteView(*result->rebuilt) : ByteView(batch), codecs);
}

}  // namespace
}  // namespace longhaul::records

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  longhaul::records::run({data, size});
  return 0;
}
