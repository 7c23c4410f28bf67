#include "operator/api/names.h"

#include "operator/kube/difference.h"

namespace longhaul::op::api {

std::string check_dns_label(std::string_view name, size_t longest) {
  if (name.empty()) return "must not be empty";
  if (name.size() > longest)
    return "must be at most " + std::to_string(longest) + " characters long";
  auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  bool good = is_lower(name.front()) && name.back() != '-';
  for (char c : name) good = good && (is_lower(c) || is_digit(c) || c == '-');
  return good ? "" : "must be lower-case letters, digits and '-', beginning with a letter";
}

std::string check_topic_name(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name == "." || name == "..") return "must not be \".\" or \"..\"";
  if (name.size() > 249) return "must be at most 249 characters long";
  for (char c : name) {
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '.' || c == '_' || c == '-';
    if (!good) return "may hold only letters, digits, '.', '_' and '-'";
  }
  if (name == "__consumer_offsets" || name == "__transaction_state" ||
      name == "__cluster_metadata" || name == "__share_group_state")
    return "is one of Kafka's internal topics";
  return "";
}

std::string check_quantity(const std::string& text) {
  if (text.empty()) return "must be given, such as 100Gi";
  base::Result<double> value = kube::parse_quantity(text);
  if (!value) return value.error().message;
  return *value > 0 ? "" : "must be above 0";
}

}  // namespace longhaul::op::api
