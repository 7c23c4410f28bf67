// Options that Kafka had before version 4 and that files brought along may still hold.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr std::string_view kQuorum =
    "metadata is kept by the controllers' own quorum (process.roles, controller.quorum.*)";
constexpr std::string_view kListeners = "listeners and advertised.listeners";
constexpr std::string_view kVersionless =
    "brokers agree on features by themselves, and logs hold format 2 only";
constexpr std::string_view kQuotas =
    "quotas belong to users and clients, and are not in this version";
constexpr std::string_view kNoEncoder = "passwords stand in files that only the broker reads";

constexpr Option gone(std::string_view name, std::string_view instead, Type type = kString) {
  return {name, type, null_default(), kLow, kReadOnly, "", dropped(instead)};
}

constexpr Option kDroppedOptions[] = {
    gone("advertised.host.name", kListeners),
    gone("advertised.port", kListeners),
    gone("auto.include.jmx.reporter", kPrometheus),
    gone("broker.id.generation.enable", "node.id is always given"),
    gone("control.plane.listener.name", "controller.listener.names"),
    gone("delegation.token.master.key", "delegation.token.secret.key", kPassword),
    gone("host.name", kListeners),
    gone("inter.broker.protocol.version", kVersionless),
    gone("log.message.downconversion.enable", kVersionless),
    gone("log.message.format.version", kVersionless),
    gone("log.message.timestamp.difference.max.ms",
         "log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms"),
    gone("offsets.commit.required.acks", "offset commits wait for all in-sync replicas"),
    gone("password.encoder.cipher.algorithm", kNoEncoder),
    gone("password.encoder.iterations", kNoEncoder),
    gone("password.encoder.key.length", kNoEncoder),
    gone("password.encoder.keyfactory.algorithm", kNoEncoder),
    gone("password.encoder.old.secret", kNoEncoder, kPassword),
    gone("password.encoder.secret", kNoEncoder, kPassword),
    gone("port", kListeners),
    gone("quota.consumer.default", kQuotas),
    gone("quota.producer.default", kQuotas),
    gone("reserved.broker.max.id", "node.id is always given"),
    gone("zookeeper.clientCnxnSocket", kQuorum),
    gone("zookeeper.connect", kQuorum),
    gone("zookeeper.connection.timeout.ms", kQuorum),
    gone("zookeeper.max.in.flight.requests", kQuorum),
    gone("zookeeper.metadata.migration.enable", kQuorum),
    gone("zookeeper.session.timeout.ms", kQuorum),
    gone("zookeeper.set.acl", kQuorum),
    gone("zookeeper.ssl.cipher.suites", kQuorum),
    gone("zookeeper.ssl.client.enable", kQuorum),
    gone("zookeeper.ssl.crl.enable", kQuorum),
    gone("zookeeper.ssl.enabled.protocols", kQuorum),
    gone("zookeeper.ssl.endpoint.identification.algorithm", kQuorum),
    gone("zookeeper.ssl.keystore.location", kQuorum),
    gone("zookeeper.ssl.keystore.password", kQuorum, kPassword),
    gone("zookeeper.ssl.keystore.type", kQuorum),
    gone("zookeeper.ssl.ocsp.enable", kQuorum),
    gone("zookeeper.ssl.protocol", kQuorum),
    gone("zookeeper.ssl.truststore.location", kQuorum),
    gone("zookeeper.ssl.truststore.password", kQuorum, kPassword),
    gone("zookeeper.ssl.truststore.type", kQuorum),
    gone("zookeeper.sync.time.ms", kQuorum),
};

}  // namespace

std::span<const Option> dropped_options() { return kDroppedOptions; }

}  // namespace longhaul::broker::config
