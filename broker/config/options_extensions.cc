// Options of tiered storage, metrics, quotas and plug-ins: Kafka 4.3's names, types, defaults and
// ranges.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kExtensionsOptions[] = {
    {"alter.config.policy.class.name", kClass, null_default(), kLow, kReadOnly, "",
     never(kNoPlugins)},
    {"client.quota.callback.class", kClass, null_default(), kLow, kReadOnly, "", never(kNoPlugins)},
    {"config.providers", kList, is(""), kLow, kClusterWide, "",
     never("${env:NAME} is replaced without it; there are no other providers")},
    {"create.topic.policy.class.name", kClass, null_default(), kLow, kReadOnly, "",
     never(kNoPlugins)},
    {"follower.fetch.last.tiered.offset.enable", kBoolean, is("false"), kMedium, kClusterWide, "",
     never(kNoTiers)},
    {"kafka.metrics.polling.interval.secs", kInt, is("10"), kLow, kReadOnly, "[1,...]",
     never(kPrometheus)},
    {"kafka.metrics.reporters", kList, is(""), kLow, kReadOnly, "", never(kPrometheus)},
    {"metric.reporters", kList, is("org.apache.kafka.common.metrics.JmxReporter"), kLow,
     kClusterWide, "", never(kPrometheus)},
    {"metrics.num.samples", kInt, is("2"), kLow, kReadOnly, "[1,...]", never(kPrometheus)},
    {"metrics.recording.level", kString, is("INFO"), kLow, kReadOnly, "", never(kPrometheus)},
    {"metrics.sample.window.ms", kLong, is("30000"), kLow, kReadOnly, "[1,...]",
     never(kPrometheus)},
    {"quota.window.num", kInt, is("11"), kLow, kReadOnly, "[1,...]", not_yet(kNoQuotasYet)},
    {"quota.window.size.seconds", kInt, is("1"), kLow, kReadOnly, "[1,...]", not_yet(kNoQuotasYet)},
    {"remote.fetch.max.wait.ms", kInt, is("500"), kMedium, kClusterWide, "[1,...]",
     never(kNoTiers)},
    {"remote.list.offsets.request.timeout.ms", kLong, is("30000"), kMedium, kClusterWide, "[1,...]",
     never(kNoTiers)},
    {"remote.log.index.file.cache.total.size.bytes", kLong, is("1073741824"), kLow, kClusterWide,
     "[1,...]", never(kNoTiers)},
    {"remote.log.manager.copier.thread.pool.size", kInt, is("10"), kMedium, kClusterWide, "[1,...]",
     never(kNoTiers)},
    {"remote.log.manager.copy.max.bytes.per.second", kLong, is("9223372036854775807"), kMedium,
     kClusterWide, "[1,...]", never(kNoTiers)},
    {"remote.log.manager.copy.quota.window.num", kInt, is("11"), kMedium, kReadOnly, "[1,...]",
     never(kNoTiers)},
    {"remote.log.manager.copy.quota.window.size.seconds", kInt, is("1"), kMedium, kReadOnly,
     "[1,...]", never(kNoTiers)},
    {"remote.log.manager.expiration.thread.pool.size", kInt, is("10"), kMedium, kClusterWide,
     "[1,...]", never(kNoTiers)},
    {"remote.log.manager.fetch.max.bytes.per.second", kLong, is("9223372036854775807"), kMedium,
     kClusterWide, "[1,...]", never(kNoTiers)},
    {"remote.log.manager.fetch.quota.window.num", kInt, is("11"), kMedium, kReadOnly, "[1,...]",
     never(kNoTiers)},
    {"remote.log.manager.fetch.quota.window.size.seconds", kInt, is("1"), kMedium, kReadOnly,
     "[1,...]", never(kNoTiers)},
    {"remote.log.manager.follower.thread.pool.size", kInt, is("2"), kMedium, kClusterWide,
     "[1,...]", never(kNoTiers)},
    {"remote.log.manager.task.interval.ms", kLong, is("30000"), kLow, kReadOnly, "[1,...]",
     never(kNoTiers)},
    {"remote.log.manager.thread.pool.size", kInt, is("2"), kMedium, kReadOnly, "[1,...]",
     never(kNoTiers)},
    {"remote.log.metadata.custom.metadata.max.bytes", kInt, is("128"), kLow, kReadOnly, "[0,...]",
     never(kNoTiers)},
    {"remote.log.metadata.manager.class.name", kString,
     is("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"),
     kMedium, kReadOnly, "non-empty string", never(kNoTiers)},
    {"remote.log.metadata.manager.class.path", kString, null_default(), kMedium, kReadOnly, "",
     never(kNoTiers)},
    {"remote.log.metadata.manager.impl.prefix", kString, is("rlmm.config."), kMedium, kReadOnly,
     "non-empty string", never(kNoTiers)},
    {"remote.log.metadata.manager.listener.name", kString, null_default(), kMedium, kReadOnly,
     "non-empty string", never(kNoTiers)},
    {"remote.log.reader.max.pending.tasks", kInt, is("100"), kMedium, kReadOnly, "[1,...]",
     never(kNoTiers)},
    {"remote.log.reader.threads", kInt, is("10"), kMedium, kClusterWide, "[1,...]",
     never(kNoTiers)},
    {"remote.log.storage.manager.class.name", kString, null_default(), kMedium, kReadOnly,
     "non-empty string", never(kNoTiers)},
    {"remote.log.storage.manager.class.path", kString, null_default(), kMedium, kReadOnly, "",
     never(kNoTiers)},
    {"remote.log.storage.manager.impl.prefix", kString, is("rsm.config."), kMedium, kReadOnly,
     "non-empty string", never(kNoTiers)},
    {"remote.log.storage.system.enable", kBoolean, is("false"), kMedium, kReadOnly, "",
     never(kNoTiers)},
    {"telemetry.max.bytes", kInt, is("1048576"), kLow, kReadOnly, "[1,...]", never(kPrometheus)},
};

}  // namespace

std::span<const Option> extensions_options() { return kExtensionsOptions; }

}  // namespace longhaul::broker::config
