#include "broker/metadata/snapshot.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "broker/metadata/loader.h"
#include "broker/metadata/log_batch.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

constexpr size_t kRecordsPerBatch = 1'000;
/// Far above what an image that fits into memory can be.
constexpr uint64_t kLargestSnapshot = uint64_t{4} << 30;
/// The first batch, which names the voters.
constexpr size_t kLargestHeader = 1 << 20;

template <class T>
bool parse_digits(std::string_view text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

/// Appends batches to a file, offsets counting from 0 as Kafka's snapshots have them.
class SnapshotWriter {
 public:
  SnapshotWriter(base::File& file, int32_t epoch, int64_t now_ms)
      : file_(file), place_{0, epoch, now_ms} {}

  const BatchPlace& place() const { return place_; }
  base::Result<void> write(const base::Bytes& batch, size_t records) {
    LH_TRY(file_.write_at(position_, batch));
    position_ += batch.size();
    place_.base_offset += static_cast<int64_t>(records);
    return {};
  }

 private:
  base::File& file_;
  BatchPlace place_;
  uint64_t position_ = 0;
};

base::Result<void> write_image(SnapshotWriter& writer, const MetadataImage& image,
                               const raft::VoterSet& voters) {
  LH_TRY(writer.write(snapshot_header_batch(writer.place(), image.last_timestamp_ms, voters), 3));
  MetadataRecords records;
  base::Result<void> result;
  auto flush = [&] {
    if (result && !records.empty())
      result = writer.write(data_batch(writer.place(), records), records.size());
    records.clear();
  };
  image_records(image, [&](MetadataRecord record) {
    records.push_back(std::move(record));
    if (records.size() == kRecordsPerBatch) flush();
  });
  flush();
  LH_TRY(result);
  return writer.write(snapshot_footer_batch(writer.place()), 1);
}

base::Result<void> write_part(base::FileSystem& files, const std::string& path,
                              const MetadataImage& image, const raft::VoterSet& voters,
                              int64_t now_ms) {
  LH_ASSIGN(auto file, files.open(path, base::OpenMode::kCreateNew));
  SnapshotWriter writer(*file, image.provenance.epoch, now_ms);
  LH_TRY(write_image(writer, image, voters));
  return file->sync();
}

/// Takes a snapshot's entries in: header first, footer last.
class SnapshotReader {
 public:
  SnapshotReader() : loader_(std::make_shared<const MetadataImage>()) {}

  base::Result<void> add(const std::vector<LogEntry>& entries, int32_t epoch) {
    for (const LogEntry& entry : entries) {
      if (ended_) return fail(Errc::kCorrupt, "something follows the footer");
      const auto* header = std::get_if<SnapshotHeader>(&entry.what);
      if (begun_ == (header != nullptr))
        return fail(Errc::kCorrupt, "the header is missing or not the first record");
      begun_ = true;
      if (header != nullptr) timestamp_ms_ = header->last_contained_timestamp_ms;
      if (const auto* voters = std::get_if<raft::VoterSet>(&entry.what)) voters_ = *voters;
      ended_ = std::holds_alternative<SnapshotFooter>(entry.what);
    }
    return loader_.add(entries, epoch, timestamp_ms_);
  }

  base::Result<Snapshot> finish(const raft::OffsetAndEpoch& id) {
    if (!ended_) return fail(Errc::kCorrupt, "the footer is missing: the file is cut off");
    LH_ASSIGN(auto step, loader_.step());
    auto image = std::make_shared<MetadataImage>(*step->after);
    image->provenance = id;
    image->last_timestamp_ms = timestamp_ms_;
    return Snapshot{id, std::move(image), voters_};
  }

 private:
  ImageLoader loader_;
  raft::VoterSet voters_;
  int64_t timestamp_ms_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

base::Result<Snapshot> parse_snapshot(base::ByteView bytes, const raft::OffsetAndEpoch& id) {
  SnapshotReader reader;
  records::BatchWalker walker(bytes);
  while (const records::BatchView* batch = walker.next()) {
    if (!records::crc_matches(batch->bytes))
      return fail(Errc::kCorrupt,
                  fmt::format("bad checksum at byte {}", walker.position() - batch->bytes.size()));
    LH_ASSIGN(auto entries, decode_batch(*batch));
    LH_TRY(reader.add(entries, id.epoch));
  }
  if (walker.error()) return tl::unexpected(*walker.error());
  if (walker.position() != bytes.size())
    return fail(Errc::kCorrupt, fmt::format("cut off after byte {}", walker.position()));
  return reader.finish(id);
}

}  // namespace

std::string snapshot_name(const raft::OffsetAndEpoch& id) {
  return fmt::format("{:020}-{:010}{}", id.offset, id.epoch, kCheckpointExtension);
}

std::optional<raft::OffsetAndEpoch> parse_snapshot_name(std::string_view name) {
  constexpr size_t kOffsetDigits = 20, kEpochDigits = 10;
  raft::OffsetAndEpoch id;
  if (name.size() != kOffsetDigits + 1 + kEpochDigits + kCheckpointExtension.size() ||
      name[kOffsetDigits] != '-' || !name.ends_with(kCheckpointExtension) ||
      !parse_digits(name.substr(0, kOffsetDigits), id.offset) ||
      !parse_digits(name.substr(kOffsetDigits + 1, kEpochDigits), id.epoch))
    return std::nullopt;
  return id;
}

base::Result<void> write_snapshot(base::FileSystem& files, const std::string& directory,
                                  const MetadataImage& image, const raft::VoterSet& voters,
                                  int64_t now_ms) {
  std::string path = directory + "/" + snapshot_name(image.provenance);
  std::string part = path + ".part";
  if (files.exists(part)) LH_TRY(files.remove(part));
  auto written = write_part(files, part, image, voters, now_ms);
  if (written) written = files.rename(part, path);
  // On a full disk the next attempt needs the space.
  if (!written) (void)files.remove(part);
  LH_TRY(written);
  return files.sync_directory(directory);
}

base::Result<Snapshot> read_snapshot(base::FileSystem& files, const std::string& directory,
                                     const raft::OffsetAndEpoch& id) {
  return read_snapshot_file(files, directory + "/" + snapshot_name(id), id);
}

base::Result<Snapshot> read_snapshot_file(base::FileSystem& files, const std::string& path,
                                          const raft::OffsetAndEpoch& id) {
  LH_ASSIGN(base::Bytes bytes, base::read_file(files, path, kLargestSnapshot));
  auto snapshot = parse_snapshot(bytes, id);
  if (!snapshot) return base::fail_in(path, std::move(snapshot).error());
  return snapshot;
}

base::Result<int64_t> read_snapshot_timestamp(base::FileSystem& files, const std::string& directory,
                                              const raft::OffsetAndEpoch& id) {
  std::string path = directory + "/" + snapshot_name(id);
  LH_ASSIGN(auto file, files.open(path, base::OpenMode::kRead));
  base::Bytes bytes(kLargestHeader);
  LH_ASSIGN(size_t got, file->read_at(0, bytes));
  records::BatchWalker walker(base::ByteView(bytes).first(got));
  const records::BatchView* batch = walker.next();
  if (batch == nullptr || !records::crc_matches(batch->bytes))
    return fail(Errc::kCorrupt, path + ": no header");
  LH_ASSIGN(auto entries, decode_batch(*batch));
  const auto* header =
      entries.empty() ? nullptr : std::get_if<SnapshotHeader>(&entries.front().what);
  if (header == nullptr) return fail(Errc::kCorrupt, path + ": no header");
  return header->last_contained_timestamp_ms;
}

base::Result<std::vector<raft::OffsetAndEpoch>> list_snapshots(base::FileSystem& files,
                                                               const std::string& directory) {
  std::vector<raft::OffsetAndEpoch> ids;
  if (!files.exists(directory)) return ids;
  LH_ASSIGN(auto entries, files.list(directory));
  for (const base::DirectoryEntry& entry : entries) {
    if (auto id = parse_snapshot_name(entry.name)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace longhaul::broker::metadata
