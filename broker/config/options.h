// The table of options: every one that a broker or a topic may be given, in files by subject.
#pragma once

#include <span>

#include "broker/config/option.h"

namespace longhaul::broker::config {

// Kafka's broker options.
std::span<const Option> cluster_options();
std::span<const Option> extensions_options();
std::span<const Option> groups_options();
std::span<const Option> log_options();
std::span<const Option> net_options();
std::span<const Option> security_options();
std::span<const Option> transactions_options();
/// Broker options of our own; all begin with "longhaul.".
std::span<const Option> longhaul_options();
/// Broker options that older Kafkas had and Kafka 4 has not.
std::span<const Option> dropped_options();

/// Kafka's topic options.
std::span<const Option> topic_options();

// What stands in the place of an option without effect, where several share the reason.
inline constexpr std::string_view kClassicGroupsYet =
    "groups follow the classic protocol in this version";
inline constexpr std::string_view kNoIdleRecords =
    "the controller writes nothing while nothing changes";
inline constexpr std::string_view kNoKerberos = "Kerberos (GSSAPI) is not offered";
inline constexpr std::string_view kNoPlugins = "Java classes cannot be loaded here";
inline constexpr std::string_view kNoPurgatory =
    "requests that wait are dropped from memory as soon as they are answered";
inline constexpr std::string_view kNoPreallocation =
    "segments grow as they are written, which costs nothing on Linux";
inline constexpr std::string_view kNoQuotasYet = "clients have no quotas in this version";
inline constexpr std::string_view kNoShareGroups = "share groups are not offered";
inline constexpr std::string_view kNoStreamsGroups =
    "streams groups are not offered; Kafka Streams uses the classic protocol";
inline constexpr std::string_view kNoTiers = "tiered storage is not offered";
inline constexpr std::string_view kNoTlsYet =
    "listeners are plain text and clients anonymous in this version";
inline constexpr std::string_view kNoTransactionsYet =
    "there are idempotent producers but no transactions in this version";
inline constexpr std::string_view kOneMover =
    "of all replicas on their way to another log directory one is copied at a time";
inline constexpr std::string_view kOpenSsl = "TLS is OpenSSL's, not Java's";
inline constexpr std::string_view kPrometheus =
    "metrics are counters and histograms for Prometheus (longhaul.metrics.listener)";
inline constexpr std::string_view kToCome = "it keeps its default in this version";

}  // namespace longhaul::broker::config
