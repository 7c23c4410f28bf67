// Batches of the metadata log and of snapshots: metadata records, and the control records of raft
// (docs/formats/metadata-log.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/metadata/record.h"
#include "broker/raft/outputs.h"
#include "records/batch.h"

namespace longhaul::broker::metadata {

/// The first record of a leader's epoch.
struct LeaderChange {
  int32_t leader = -1;
};
struct KraftVersion {
  int16_t level = 0;
};
struct SnapshotHeader {
  int64_t last_contained_timestamp_ms = 0;
};
struct SnapshotFooter {};

/// What stands at one offset.
struct LogEntry {
  int64_t offset = 0;
  std::variant<MetadataRecord, LeaderChange, KraftVersion, raft::VoterSet, SnapshotHeader,
               SnapshotFooter>
      what;
};

/// Where a batch goes and what it carries outside its records.
struct BatchPlace {
  int64_t base_offset = 0;
  int32_t epoch = 0;
  int64_t timestamp_ms = 0;
};

/// At least one record.
base::Bytes data_batch(const BatchPlace& place, std::span<const MetadataRecord> records);
base::Bytes leader_change_batch(const raft::AppendControl& control, int64_t timestamp_ms);
/// VotersRecord alone.
base::Bytes voters_batch(const raft::AppendVoters& control, int64_t timestamp_ms);
/// SnapshotHeader, then KRaftVersionRecord 1 and VotersRecord. Three records.
base::Bytes snapshot_header_batch(const BatchPlace& place, int64_t last_contained_timestamp_ms,
                                  const raft::VoterSet& voters);
/// SnapshotHeader alone, as bootstrap.checkpoint has it.
base::Bytes snapshot_header_batch(const BatchPlace& place, int64_t last_contained_timestamp_ms);
base::Bytes snapshot_footer_batch(const BatchPlace& place);

/// All entries of one batch whose CRC was checked. kCorrupt or kUnsupported, with the offset.
base::Result<std::vector<LogEntry>> decode_batch(const records::BatchView& batch);

}  // namespace longhaul::broker::metadata
