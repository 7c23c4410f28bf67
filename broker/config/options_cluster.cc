// Options of the node, its cluster and its replicas: Kafka 4.3's names, types, defaults and ranges.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kClusterOptions[] = {
    {"auto.create.topics.enable", kBoolean, is("true"), kHigh, kReadOnly, "", at_start()},
    {"auto.leader.rebalance.enable", kBoolean, is("true"), kHigh, kReadOnly, "", at_start()},
    {"broker.heartbeat.interval.ms", kInt, is("2000"), kMedium, kReadOnly, "", at_start()},
    {"broker.id", kInt, is("-1"), kHigh, kReadOnly, "", at_start()},
    {"broker.rack", kString, null_default(), kMedium, kReadOnly, "", at_start()},
    {"broker.session.timeout.ms", kInt, is("9000"), kMedium, kReadOnly, "", at_start()},
    {"controlled.shutdown.enable", kBoolean, is("true"), kMedium, kReadOnly, "", at_start()},
    {"controller.listener.names", kList, must_be_given(), kHigh, kReadOnly, "", at_start()},
    {"controller.quorum.append.linger.ms", kInt, is("25"), kMedium, kReadOnly, "[0,...]",
     not_yet(kToCome)},
    {"controller.quorum.auto.join.enable", kBoolean, is("false"), kLow, kReadOnly, "",
     not_yet(kToCome)},
    {"controller.quorum.bootstrap.servers", kList, is(""), kHigh, kReadOnly, "non-empty list",
     at_start()},
    {"controller.quorum.election.backoff.max.ms", kInt, is("1000"), kHigh, kReadOnly, "[0,...]",
     at_start()},
    {"controller.quorum.election.timeout.ms", kInt, is("1000"), kHigh, kReadOnly, "[0,...]",
     at_start()},
    {"controller.quorum.fetch.max.bytes", kInt, is("1048576"), kLow, kReadOnly, "[1,...]",
     at_start()},
    {"controller.quorum.fetch.snapshot.max.bytes", kInt, is("1048576"), kLow, kReadOnly, "[1,...]",
     at_start()},
    {"controller.quorum.fetch.timeout.ms", kInt, is("2000"), kHigh, kReadOnly, "[0,...]",
     at_start()},
    {"controller.quorum.request.timeout.ms", kInt, is("2000"), kMedium, kReadOnly, "[0,...]",
     at_start()},
    {"controller.quorum.retry.backoff.ms", kInt, is("20"), kLow, kReadOnly, "[0,...]", at_start()},
    {"controller.quorum.voters", kList, is(""), kHigh, kReadOnly, "non-empty list", at_start()},
    {"controller.quota.window.num", kInt, is("11"), kLow, kReadOnly, "[1,...]",
     not_yet(kNoQuotasYet)},
    {"controller.quota.window.size.seconds", kInt, is("1"), kLow, kReadOnly, "[1,...]",
     not_yet(kNoQuotasYet)},
    {"controller.socket.timeout.ms", kInt, is("30000"), kMedium, kReadOnly, "", not_yet(kToCome)},
    {"default.replication.factor", kInt, is("1"), kMedium, kReadOnly, "", at_start()},
    {"follower.replication.throttled.rate", kLong, is("9223372036854775807"), kMedium, kClusterWide,
     "[0,...]", in_effect()},
    {"initial.broker.registration.timeout.ms", kInt, is("60000"), kMedium, kReadOnly, "",
     not_yet(kToCome)},
    {"leader.replication.throttled.rate", kLong, is("9223372036854775807"), kMedium, kClusterWide,
     "[0,...]", in_effect()},
    {"leader.imbalance.check.interval.seconds", kLong, is("300"), kHigh, kReadOnly, "[1,...]",
     at_start()},
    {"metadata.log.dir", kString, null_default(), kHigh, kReadOnly, "", at_start()},
    {"metadata.log.max.record.bytes.between.snapshots", kLong, is("20971520"), kHigh, kReadOnly,
     "[1,...]", at_start()},
    {"metadata.log.max.snapshot.interval.ms", kLong, is("3600000"), kHigh, kReadOnly, "[0,...]",
     at_start()},
    {"metadata.log.segment.bytes", kInt, is("1073741824"), kHigh, kReadOnly, "[8388608,...]",
     at_start()},
    {"metadata.log.segment.ms", kLong, is("604800000"), kHigh, kReadOnly, "", at_start()},
    {"metadata.max.idle.interval.ms", kInt, is("500"), kLow, kReadOnly, "[0,...]",
     never(kNoIdleRecords)},
    {"metadata.max.retention.bytes", kLong, is("104857600"), kHigh, kReadOnly, "", at_start()},
    {"metadata.max.retention.ms", kLong, is("604800000"), kHigh, kReadOnly, "", at_start()},
    {"min.insync.replicas", kInt, is("1"), kHigh, kClusterWide, "[1,...]", in_effect()},
    {"node.id", kInt, must_be_given(), kHigh, kReadOnly, "[0,...]", at_start()},
    {"num.partitions", kInt, is("1"), kMedium, kReadOnly, "[1,...]", at_start()},
    {"num.replica.fetchers", kInt, is("1"), kHigh, kClusterWide, "[1,...]", at_start()},
    {"process.roles", kList, must_be_given(), kHigh, kReadOnly, "[broker, controller]", at_start()},
    {"replica.fetch.backoff.ms", kInt, is("1000"), kMedium, kReadOnly, "[0,...]"},
    {"replica.fetch.max.bytes", kInt, is("1048576"), kMedium, kReadOnly, "[0,...]"},
    {"replica.fetch.min.bytes", kInt, is("1"), kHigh, kReadOnly, ""},
    {"replica.fetch.response.max.bytes", kInt, is("10485760"), kMedium, kReadOnly, "[0,...]"},
    {"replica.fetch.wait.max.ms", kInt, is("500"), kHigh, kReadOnly, ""},
    {"replica.high.watermark.checkpoint.interval.ms", kLong, is("5000"), kHigh, kReadOnly, "",
     at_start()},
    {"replica.lag.time.max.ms", kLong, is("30000"), kHigh, kReadOnly, ""},
    {"replica.selector.class", kString, null_default(), kMedium, kReadOnly, "", at_start()},
    {"replication.quota.window.num", kInt, is("11"), kLow, kReadOnly, "[1,...]", at_start()},
    {"replication.quota.window.size.seconds", kInt, is("1"), kLow, kReadOnly, "[1,...]",
     at_start()},
    {"unclean.leader.election.enable", kBoolean, is("false"), kHigh, kClusterWide, "", in_effect()},
};

}  // namespace

std::span<const Option> cluster_options() { return kClusterOptions; }

}  // namespace longhaul::broker::config
