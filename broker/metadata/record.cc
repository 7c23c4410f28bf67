#include "broker/metadata/record.h"

#include <fmt/core.h>

#include <optional>
#include <type_traits>

#include "base/assert.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

constexpr uint32_t kFrameVersion = 1;

/// What metadata.version 4.3-IV0 writes: the newest version, but the oldest that can carry it where
/// Apache Kafka does so too.
template <class Record>
int16_t version_of(const Record& record) {
  if constexpr (std::is_same_v<Record, protocol::BrokerRegistrationChangeRecord>) {
    if (record.cordoned_log_dirs) return 3;
    if (!record.log_dirs.empty()) return 2;
    return record.in_controlled_shutdown != 0 ? 1 : 0;
  } else {
    return Record::kMaxVersion;
  }
}

template <size_t I = 0>
base::Result<MetadataRecord> decode_as(uint32_t key, uint32_t version, base::ByteView body) {
  if constexpr (I == std::variant_size_v<MetadataRecord>) {
    return fail(Errc::kUnsupported,
                fmt::format("metadata record type {} is not known to this version", key));
  } else {
    using Record = std::variant_alternative_t<I, MetadataRecord>;
    if (key != static_cast<uint32_t>(Record::kApiKey)) return decode_as<I + 1>(key, version, body);
    if (version > static_cast<uint32_t>(Record::kMaxVersion))
      return fail(Errc::kUnsupported, fmt::format("{} version {} is not known to this version",
                                                  Record::kName, version));
    auto record = Record::decode(body, static_cast<int16_t>(version));
    if (!record) return tl::unexpected(std::move(record).error());
    base::Result<MetadataRecord> known;
    known->template emplace<Record>(std::move(*record));
    return known;
  }
}

}  // namespace

base::Bytes encode_record(const MetadataRecord& record) {
  return std::visit(
      [](const auto& known) {
        int16_t version = version_of(known);
        protocol::Encoder body;
        bool encoded = known.encode(body, version).has_value();
        LH_ASSERT(encoded, "a controller makes only records that can be encoded");
        base::Writer frame(3 + body.size());
        frame.unsigned_varint(kFrameVersion);
        frame.unsigned_varint(static_cast<uint32_t>(known.kApiKey));
        frame.unsigned_varint(static_cast<uint32_t>(version));
        frame.bytes(body.view());
        return frame.take();
      },
      record);
}

base::Result<MetadataRecord> decode_record(base::ByteView value) {
  base::Reader reader(value);
  uint32_t frame = reader.unsigned_varint();
  uint32_t key = reader.unsigned_varint();
  uint32_t version = reader.unsigned_varint();
  if (!reader.ok()) return fail(Errc::kCorrupt, "metadata record is cut off");
  if (frame != kFrameVersion)
    return fail(Errc::kUnsupported, fmt::format("metadata record has frame version {}", frame));
  return decode_as(key, version, reader.rest());
}

const char* record_name(const MetadataRecord& record) {
  return std::visit([](const auto& known) { return known.kName; }, record);
}

}  // namespace longhaul::broker::metadata
