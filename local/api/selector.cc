#include "local/api/selector.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

std::string trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

// Splits at commas outside parentheses.
std::vector<std::string> split_terms(std::string_view text) {
  std::vector<std::string> terms;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ',';
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    if (std::string term = trim(text.substr(start, i - start)); !term.empty())
      terms.push_back(std::move(term));
    start = i + 1;
  }
  return terms;
}

const std::string* label_value(const Json& labels, const std::string& key) {
  if (!labels.is_object()) return nullptr;
  auto found = labels.find(key);
  if (found == labels.end() || !found->is_string()) return nullptr;
  return &found->get_ref<const std::string&>();
}

bool contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool is_label_key(std::string_view key) {
  return !key.empty() && key.size() <= 317 &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
         });
}

}  // namespace

Answer<Selector> Selector::parse(const Kind& kind, std::string_view labels,
                                 std::string_view fields) {
  Selector selector;
  for (const std::string& term : split_terms(labels)) {
    LH_ASSIGN(Label label, parse_label(term));
    selector.labels_.push_back(std::move(label));
  }
  for (const std::string& term : split_terms(fields)) {
    LH_ASSIGN(Field field, parse_field(kind, term));
    selector.fields_.push_back(std::move(field));
  }
  return selector;
}

Answer<Selector::Label> Selector::parse_label(std::string_view term) {
  auto bad = [&] {
    return bad_request("unable to parse requirement: \"" + std::string(term) + "\"");
  };
  Label label{"", Operator::kExists, {}};
  if (size_t open = term.find('('); open != term.npos) {
    std::string head = trim(term.substr(0, open));
    if (!term.ends_with(')')) return bad();
    size_t space = head.find_last_of(' ');
    if (space == head.npos) return bad();
    std::string op = head.substr(space + 1);
    if (op != "in" && op != "notin") return bad();
    label.key = trim(std::string_view(head).substr(0, space));
    label.op = op == "in" ? Operator::kIn : Operator::kNotIn;
    label.values = split_terms(term.substr(open + 1, term.size() - open - 2));
  } else if (size_t at = term.find('='); at != term.npos) {
    bool negated = at > 0 && term[at - 1] == '!';
    std::string_view value = term.substr(at + 1);
    if (value.starts_with('=')) value.remove_prefix(1);
    label = {trim(term.substr(0, negated ? at - 1 : at)),
             negated ? Operator::kNotIn : Operator::kIn,
             {trim(value)}};
  } else if (term.starts_with('!')) {
    label = {trim(term.substr(1)), Operator::kAbsent, {}};
  } else {
    label.key = std::string(term);
  }
  if (!is_label_key(label.key)) return bad();
  return label;
}

Answer<Selector::Field> Selector::parse_field(const Kind& kind, std::string_view term) {
  size_t at = term.find('=');
  if (at == term.npos) return bad_request("invalid field selector: \"" + std::string(term) + "\"");
  bool negated = at > 0 && term[at - 1] == '!';
  std::string name = trim(term.substr(0, negated ? at - 1 : at));
  std::string_view value = term.substr(at + 1);
  if (value.starts_with('=')) value.remove_prefix(1);
  bool known = name == "metadata.name" || name == "metadata.namespace" ||
               (kind.name == "Pod" &&
                (name == "status.phase" || name == "spec.nodeName" || name == "status.podIP")) ||
               (kind.name == "Event" &&
                (name.starts_with("involvedObject.") || name == "reason" || name == "type")) ||
               (kind.name == "Secret" && name == "type") ||
               (kind.name == "Namespace" && name == "status.phase");
  if (!known) return bad_request("field label not supported: " + name);
  Field field{{}, trim(value), !negated};
  for (size_t start = 0; start <= name.size();) {
    size_t dot = std::min(name.find('.', start), name.size());
    field.path.push_back(name.substr(start, dot - start));
    start = dot + 1;
  }
  return field;
}

bool Selector::matches(const Json& object) const {
  const Json& labels = op::kube::at_path(object, {"metadata", "labels"});
  for (const Label& label : labels_) {
    const std::string* value = label_value(labels, label.key);
    bool matched = false;
    switch (label.op) {
      case Operator::kIn:
        matched = value && contains(label.values, *value);
        break;
      case Operator::kNotIn:
        matched = !value || !contains(label.values, *value);
        break;
      case Operator::kExists:
        matched = value != nullptr;
        break;
      case Operator::kAbsent:
        matched = value == nullptr;
        break;
    }
    if (!matched) return false;
  }
  for (const Field& field : fields_) {
    const Json* at = &object;
    for (const std::string& step : field.path) at = &op::kube::at_path(*at, {step});
    std::string actual = at->is_string() ? at->get<std::string>() : "";
    if ((actual == field.value) != field.equal) return false;
  }
  return true;
}

bool selector_matches(const Json& label_selector, const Json& labels) {
  if (!label_selector.is_object() || label_selector.empty()) return false;
  for (auto& [key, wanted] : op::kube::at_path(label_selector, {"matchLabels"}).items()) {
    const std::string* value = label_value(labels, key);
    if (!value || wanted != *value) return false;
  }
  for (const Json& one : op::kube::at_path(label_selector, {"matchExpressions"})) {
    const std::string* value = label_value(labels, op::kube::string_at(one, {"key"}));
    std::string op = op::kube::string_at(one, {"operator"});
    const Json& values = op::kube::at_path(one, {"values"});
    bool in = value && std::find(values.begin(), values.end(), Json(*value)) != values.end();
    if (op == "In" ? !in : op == "NotIn" ? in : op == "Exists" ? !value : value != nullptr)
      return false;
  }
  return true;
}

}  // namespace longhaul::local
