// labelSelector and fieldSelector of lists and watches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "local/api/kind.h"

namespace longhaul::local {

/// Both selectors of a request; everything must match.
class Selector {
 public:
  /// Equality and set-based labels ("a=b,c!=d,e in (f,g),h,!i"); fields by equality, for
  /// metadata.name, metadata.namespace and what Kubernetes knows of Pods and Events. 400 if
  /// malformed or not supported.
  static Answer<Selector> parse(const Kind& kind, std::string_view labels, std::string_view fields);

  bool matches(const Json& object) const;
  bool empty() const { return labels_.empty() && fields_.empty(); }

 private:
  enum class Operator { kIn, kNotIn, kExists, kAbsent };
  struct Label {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  struct Field {
    std::vector<std::string> path;
    std::string value;
    bool equal;
  };
  static Answer<Label> parse_label(std::string_view term);
  static Answer<Field> parse_field(const Kind& kind, std::string_view term);

  std::vector<Label> labels_;
  std::vector<Field> fields_;
};

/// The same for a metav1.LabelSelector (matchLabels, matchExpressions) in an object.
bool selector_matches(const Json& label_selector, const Json& labels);

}  // namespace longhaul::local
