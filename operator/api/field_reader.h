// Reading typed fields out of JSON, collecting every mistake with its path.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::op::api {

using Json = nlohmann::json;

/// A field and what is wrong with it: {"spec.regions[0].name", "must not be empty"}.
struct FieldError {
  std::string path;
  std::string message;
  bool operator==(const FieldError&) const = default;
  std::string to_string() const { return path + ": " + message; }
};
using FieldErrors = std::vector<FieldError>;
/// One line with all of them, at most `limit`, the rest counted.
std::string join(const FieldErrors& errors, size_t limit = 5);

/// One JSON object. Getters give the fallback when the field is absent or null, and note an error
/// when it has another type. `finish` notes fields that nobody asked for.
class FieldReader {
 public:
  /// Reads `object`, which must outlive the reader, at `path`; notes an error if it is no object.
  FieldReader(const Json& object, std::string path, FieldErrors& errors);

  std::string text(const char* name, std::string fallback = {});
  int64_t integer(const char* name, int64_t fallback);
  bool boolean(const char* name, bool fallback);
  std::vector<std::string> texts(const char* name);
  /// A map whose values may be texts, numbers or booleans; they become texts.
  std::map<std::string, std::string> scalars(const char* name);
  /// A nested object, or null if absent. A reader for it is made with `path_of(name)`.
  const Json* object(const char* name);
  /// The elements of a list, empty if absent. Their paths are `path_of(name, index)`.
  std::vector<const Json*> list(const char* name);
  bool has(const char* name) const;

  std::string path_of(std::string_view name) const;
  std::string path_of(std::string_view name, size_t index) const;
  void fail(std::string_view name, std::string message);
  void finish();

 private:
  const Json* field(const char* name);
  void wrong_type(const char* name, const char* expected, const Json& found);

  const Json* object_;  // null if it is no object
  const std::string path_;
  FieldErrors& errors_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace longhaul::op::api
