#include "tests/golden/json_visitor.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace longhaul::golden {
namespace {

using nlohmann::json;

std::string base64(base::ByteView bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return text;
}

/// Builds values from the inside out: `open_` holds the structs and arrays not yet ended.
class JsonVisitor : public protocol::FieldVisitor {
 public:
  void begin_struct() override { open_.push_back({json::object(), {}}); }
  void end_struct() override { close(); }
  void begin_array() override { open_.push_back({json::array(), {}}); }
  void end_array() override { close(); }
  void field(std::string_view name) override { open_.back().field = name; }
  void null() override { add(nullptr); }
  void boolean(bool value) override { add(value); }
  void integer(int64_t value) override { add(value); }
  void real(double value) override { add(value); }
  void text(std::string_view value) override { add(std::string(value)); }
  void bytes(base::ByteView value) override { add(base64(value)); }
  void uuid(const base::Uuid& value) override { add(value.to_string()); }

  json take() { return std::move(result_); }

 private:
  struct Open {
    json value;
    std::string field;
  };

  void add(json value) {
    if (open_.empty())
      result_ = std::move(value);
    else if (open_.back().value.is_array())
      open_.back().value.push_back(std::move(value));
    else
      open_.back().value[open_.back().field] = std::move(value);
  }
  void close() {
    json value = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(value));
  }

  std::vector<Open> open_;
  json result_;
};

}  // namespace

nlohmann::json to_json(const protocol::AnyMessage& message, int16_t version) {
  JsonVisitor visitor;
  message.visit(version, visitor);
  return visitor.take();
}

}  // namespace longhaul::golden
