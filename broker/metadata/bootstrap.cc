#include "broker/metadata/bootstrap.h"

#include "broker/metadata/features.h"
#include "broker/metadata/log_batch.h"

namespace longhaul::broker::metadata {
namespace {

constexpr uint64_t kLargestBootstrap = 64 << 20;

}  // namespace

MetadataRecords default_bootstrap() {
  MetadataRecords records;
  auto add = [&](const std::string& name, int16_t level) {
    protocol::FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    records.emplace_back(std::move(record));
  };
  add(kMetadataVersion, default_features().at(kMetadataVersion));
  for (const auto& [name, level] : default_features()) {
    if (name != kMetadataVersion) add(name, level);
  }
  return records;
}

base::Result<void> write_bootstrap(base::FileSystem& files, const std::string& log_dir,
                                   const MetadataRecords& records, int64_t now_ms) {
  base::Writer all;
  all.bytes(snapshot_header_batch({0, 0, now_ms}, 0));
  all.bytes(data_batch({1, 0, now_ms}, records));
  all.bytes(snapshot_footer_batch({1 + static_cast<int64_t>(records.size()), 0, now_ms}));
  return base::write_file_atomic(files, log_dir + "/" + kBootstrapName, all.view());
}

base::Result<MetadataRecords> read_bootstrap(base::FileSystem& files, const std::string& log_dir) {
  std::string path = log_dir + "/" + kBootstrapName;
  if (!files.exists(path)) return default_bootstrap();
  LH_ASSIGN(base::Bytes bytes, base::read_file(files, path, kLargestBootstrap));
  MetadataRecords result;
  records::BatchWalker walker(bytes);
  while (const records::BatchView* batch = walker.next()) {
    if (!records::crc_matches(batch->bytes))
      return base::fail(base::Errc::kCorrupt, path + ": bad checksum");
    auto entries = decode_batch(*batch);
    if (!entries) return base::fail_in(path, std::move(entries).error());
    for (LogEntry& entry : *entries) {
      if (auto* record = std::get_if<MetadataRecord>(&entry.what))
        result.push_back(std::move(*record));
    }
  }
  if (walker.error() || walker.position() != bytes.size())
    return base::fail(base::Errc::kCorrupt, path + ": malformed or cut off");
  return result;
}

}  // namespace longhaul::broker::metadata
