// Options of Longhaul's own. An unknown name that begins with "longhaul." stops the start.
#include "broker/config/options.h"

namespace longhaul::broker::config {
namespace {

using enum Type;
using enum Importance;
using enum Update;

constexpr Option kLonghaulOptions[] = {
    {"longhaul.cluster.id", kString, null_default(), kHigh, kReadOnly, "", at_start()},
    {"longhaul.directory.id", kString, null_default(), kMedium, kReadOnly, "", at_start()},
    {"longhaul.durability", kString, is("kafka"), kHigh, kClusterWide, "[kafka, fsync]",
     in_effect()},
    {"longhaul.format", kString, is("refuse"), kHigh, kReadOnly, "[refuse, join, found]",
     at_start()},
    {"longhaul.metrics.listener", kString, null_default(), kMedium, kReadOnly, "", at_start()},
    {"longhaul.region.ordinal", kInt, is("0"), kMedium, kReadOnly, "[0,...,32767]", at_start()},
    {"longhaul.request.memory.bytes", kLong, is("67108864"), kMedium, kReadOnly, "[1048576,...]",
     at_start()},
    {"longhaul.scrub.bytes.per.second", kLong, is("4194304"), kLow, kReadOnly, "[0,...]",
     at_start()},
};

}  // namespace

std::span<const Option> longhaul_options() { return kLonghaulOptions; }

}  // namespace longhaul::broker::config
