// Options of listeners, connections and threads: Kafka 4.3's names, types, defaults and ranges.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kNetOptions[] = {
    {"advertised.listeners", kList, null_default(), kHigh, kReadOnly, "", at_start()},
    {"background.threads", kInt, is("10"), kHigh, kClusterWide, "[1,...]",
     never("num.io.threads workers do this")},
    {"connection.failed.authentication.delay.ms", kInt, is("100"), kLow, kReadOnly, "[0,...]",
     not_yet(kNoTlsYet)},
    {"connections.max.idle.ms", kLong, is("600000"), kMedium, kReadOnly, "", at_start()},
    {"connections.max.reauth.ms", kLong, is("0"), kMedium, kReadOnly, "", not_yet(kNoTlsYet)},
    {"early.start.listeners", kList, null_default(), kHigh, kReadOnly, "", not_yet(kToCome)},
    {"inter.broker.listener.name", kString, null_default(), kMedium, kReadOnly, "", at_start()},
    {"listener.security.protocol.map", kString,
     is("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"), kLow,
     kPerBroker, "", at_start()},
    {"listeners", kList, is("PLAINTEXT://:9092"), kHigh, kPerBroker, "", at_start()},
    {"max.connection.creation.rate", kInt, is("2147483647"), kMedium, kClusterWide, "[0,...]",
     not_yet(kNoQuotasYet)},
    {"max.connections", kInt, is("2147483647"), kMedium, kClusterWide, "[0,...]", at_start()},
    {"max.connections.per.ip", kInt, is("2147483647"), kMedium, kClusterWide, "[0,...]",
     at_start()},
    {"max.connections.per.ip.overrides", kString, is(""), kMedium, kClusterWide, "", at_start()},
    {"num.io.threads", kInt, is("8"), kHigh, kClusterWide, "[1,...]", at_start()},
    {"num.network.threads", kInt, is("3"), kHigh, kClusterWide, "[1,...]", at_start()},
    {"queued.max.request.bytes", kLong, is("-1"), kMedium, kReadOnly, "", at_start()},
    {"queued.max.requests", kInt, is("500"), kHigh, kReadOnly, "[1,...]",
     never("requests run on the thread that read them; queued.max.request.bytes bounds them")},
    {"replica.socket.receive.buffer.bytes", kInt, is("65536"), kHigh, kReadOnly, "",
     not_yet(kToCome)},
    {"replica.socket.timeout.ms", kInt, is("30000"), kHigh, kReadOnly, ""},
    {"request.timeout.ms", kInt, is("30000"), kHigh, kReadOnly, "", not_yet(kToCome)},
    {"security.inter.broker.protocol", kString, is("PLAINTEXT"), kMedium, kReadOnly,
     "[PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL]", at_start()},
    {"socket.connection.setup.timeout.max.ms", kLong, is("30000"), kMedium, kReadOnly, "",
     not_yet(kToCome)},
    {"socket.connection.setup.timeout.ms", kLong, is("10000"), kMedium, kReadOnly, "",
     not_yet(kToCome)},
    {"socket.listen.backlog.size", kInt, is("50"), kMedium, kReadOnly, "[1,...]", at_start()},
    {"socket.receive.buffer.bytes", kInt, is("102400"), kHigh, kReadOnly, "", at_start()},
    {"socket.request.max.bytes", kInt, is("104857600"), kHigh, kReadOnly, "[1,...]", at_start()},
    // Kafka: 102400. Why not here: docs/decisions/0008-send-buffer.md.
    {"socket.send.buffer.bytes", kInt, is("524288"), kHigh, kReadOnly, "", at_start()},
};

}  // namespace

std::span<const Option> net_options() { return kNetOptions; }

}  // namespace longhaul::broker::config
