// Options of producer IDs and transactions: Kafka 4.3's names, types, defaults and ranges.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kTransactionsOptions[] = {
    {"add.partitions.to.txn.retry.backoff.max.ms", kInt, is("100"), kHigh, kReadOnly, "[0,...]",
     not_yet(kNoTransactionsYet)},
    {"add.partitions.to.txn.retry.backoff.ms", kInt, is("20"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"producer.id.expiration.ms", kInt, is("86400000"), kLow, kClusterWide, "[1,...]", at_start()},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms", kInt, is("10000"), kLow,
     kReadOnly, "[1,...]", not_yet(kNoTransactionsYet)},
    {"transaction.max.timeout.ms", kInt, is("900000"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.partition.verification.enable", kBoolean, is("true"), kLow, kClusterWide, "",
     not_yet(kNoTransactionsYet)},
    {"transaction.remove.expired.transaction.cleanup.interval.ms", kInt, is("3600000"), kLow,
     kReadOnly, "[1,...]", not_yet(kNoTransactionsYet)},
    {"transaction.state.log.load.buffer.size", kInt, is("5242880"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.state.log.min.isr", kInt, is("2"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.state.log.num.partitions", kInt, is("50"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.state.log.replication.factor", kShort, is("3"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.state.log.segment.bytes", kInt, is("104857600"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
    {"transaction.two.phase.commit.enable", kBoolean, is("false"), kLow, kReadOnly, "",
     not_yet(kNoTransactionsYet)},
    {"transactional.id.expiration.ms", kInt, is("604800000"), kHigh, kReadOnly, "[1,...]",
     not_yet(kNoTransactionsYet)},
};

}  // namespace

std::span<const Option> transactions_options() { return kTransactionsOptions; }

}  // namespace longhaul::broker::config
