// Names and values that Kubernetes and Kafka accept. Each check gives what is wrong, or "".
#pragma once

#include <string>
#include <string_view>

namespace longhaul::op::api {

/// RFC 1035 label: what a Service may be called. Lower-case letters, digits, '-'.
std::string check_dns_label(std::string_view name, size_t longest);
/// A Kafka topic's name.
std::string check_topic_name(std::string_view name);
/// A positive Kubernetes quantity.
std::string check_quantity(const std::string& text);

}  // namespace longhaul::op::api
