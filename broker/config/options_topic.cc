// Options of topics: Kafka 4.3's names, types, defaults and ranges.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kTopicOptions[] = {
    {"cleanup.policy", kList, is("delete"), kMedium, kClusterWide, "[compact, delete]",
     in_effect()},
    {"compression.gzip.level", kInt, is("-1"), kMedium, kClusterWide, "[1,...,9] or -1",
     in_effect()},
    {"compression.lz4.level", kInt, is("9"), kMedium, kClusterWide, "[1,...,17]", in_effect()},
    {"compression.type", kString, is("producer"), kMedium, kClusterWide,
     "[uncompressed, zstd, lz4, snappy, gzip, producer]", in_effect()},
    {"compression.zstd.level", kInt, is("3"), kMedium, kClusterWide, "[-131072,...,22]",
     in_effect()},
    {"delete.retention.ms", kLong, is("86400000"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"file.delete.delay.ms", kLong, is("60000"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"flush.messages", kLong, is("9223372036854775807"), kMedium, kClusterWide, "[1,...]",
     in_effect()},
    {"flush.ms", kLong, is("9223372036854775807"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"follower.replication.throttled.replicas", kList, is(""), kMedium, kClusterWide,
     "[partitionId]:[brokerId],[partitionId]:[brokerId],...", in_effect()},
    {"index.interval.bytes", kInt, is("4096"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"leader.replication.throttled.replicas", kList, is(""), kMedium, kClusterWide,
     "[partitionId]:[brokerId],[partitionId]:[brokerId],...", in_effect()},
    {"local.retention.bytes", kLong, is("-2"), kMedium, kClusterWide, "[-2,...]", never(kNoTiers)},
    {"local.retention.ms", kLong, is("-2"), kMedium, kClusterWide, "[-2,...]", never(kNoTiers)},
    {"longhaul.durability", kString, is("kafka"), kHigh, kClusterWide, "[kafka, fsync]",
     in_effect()},
    {"max.compaction.lag.ms", kLong, is("9223372036854775807"), kMedium, kClusterWide, "[1,...]",
     in_effect()},
    {"max.message.bytes", kInt, is("1048588"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"message.timestamp.after.max.ms", kLong, is("3600000"), kMedium, kClusterWide, "[0,...]",
     in_effect()},
    {"message.timestamp.before.max.ms", kLong, is("9223372036854775807"), kMedium, kClusterWide,
     "[0,...]", in_effect()},
    {"message.timestamp.type", kString, is("CreateTime"), kMedium, kClusterWide,
     "[CreateTime, LogAppendTime]", in_effect()},
    {"min.cleanable.dirty.ratio", kDouble, is("0.5"), kMedium, kClusterWide, "[0,...,1]",
     in_effect()},
    {"min.compaction.lag.ms", kLong, is("0"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"min.insync.replicas", kInt, is("1"), kMedium, kClusterWide, "[1,...]", in_effect()},
    {"preallocate", kBoolean, is("false"), kMedium, kClusterWide, "", never(kNoPreallocation)},
    {"remote.log.copy.disable", kBoolean, is("false"), kMedium, kClusterWide, "", never(kNoTiers)},
    {"remote.log.delete.on.disable", kBoolean, is("false"), kMedium, kClusterWide, "",
     never(kNoTiers)},
    {"remote.storage.enable", kBoolean, is("false"), kMedium, kClusterWide, "", never(kNoTiers)},
    {"retention.bytes", kLong, is("-1"), kMedium, kClusterWide, "", in_effect()},
    {"retention.ms", kLong, is("604800000"), kMedium, kClusterWide, "[-1,...]", in_effect()},
    {"segment.bytes", kInt, is("1073741824"), kMedium, kClusterWide, "[1048576,...]", in_effect()},
    {"segment.index.bytes", kInt, is("10485760"), kMedium, kClusterWide, "[4,...]", in_effect()},
    {"segment.jitter.ms", kLong, is("0"), kMedium, kClusterWide, "[0,...]", in_effect()},
    {"segment.ms", kLong, is("604800000"), kMedium, kClusterWide, "[1,...]", in_effect()},
    {"unclean.leader.election.enable", kBoolean, is("false"), kMedium, kClusterWide, "",
     in_effect()},
};

}  // namespace

std::span<const Option> topic_options() { return kTopicOptions; }

}  // namespace longhaul::broker::config
