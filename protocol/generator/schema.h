// The schema tables as the generator sees them: docs/formats/wire.md says what each word means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace longhaul::protocol::generator {

/// A range of versions, both ends included; empty when `low > high`.
struct Versions {
  static constexpr int kForever = 32767;
  int low = 0;
  int high = -1;

  /// "3", "3-5", "3+" or "none"; throws std::runtime_error on anything else.
  static Versions parse(const std::string& text);
  bool empty() const { return low > high; }
  bool contains(int version) const { return low <= version && version <= high; }
  bool covers(Versions other) const {
    return other.empty() || (low <= other.low && other.high <= high);
  }
  Versions intersect(Versions other) const;
  /// The smallest range that covers both.
  Versions hull(Versions other) const;
  /// "3", "3-5", "3+".
  std::string to_string() const;
};

enum class Kind {
  kBool,
  kInt8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kFloat64,
  kUuid,
  kErrorCode,  ///< an int16 whose name says that it is an error code
  kString,
  kBytes,
  kRecords,
  kStruct,
};

struct Field {
  std::string name;    ///< as in the table
  std::string member;  ///< its name in C++
  Kind kind = Kind::kInt8;
  bool array = false;
  std::string struct_name;  ///< for kStruct
  Versions versions;        ///< already cut to the versions of the struct that holds it
  Versions nullable;        ///< likewise
  std::optional<int> tag;   ///< a tagged field has one
  std::string default_value;
  bool ignorable = false;
  bool never_compact = false;  ///< keeps the old length encoding in flexible versions

  bool can_be_null() const { return !nullable.empty(); }
  bool default_is_null() const { return default_value == "null"; }
};

struct Struct {
  std::string name;
  Versions versions;  ///< the versions in which it is used
  std::vector<Field> fields;
};

struct Message {
  enum class Use { kRequest, kResponse, kHeader, kData, kMetadata, kCoordinator };
  std::string name;
  Use use = Use::kData;
  std::optional<int> api_key;
  std::string api_name;  ///< for requests and responses
  Versions versions;
  Versions flexible;            ///< cut to `versions`
  std::vector<Struct> structs;  ///< what a struct uses comes before it
  Struct root;                  ///< its own fields
};

struct Api {
  std::string name;
  int key = 0;
  bool on_broker = false;
  bool on_controller = false;
  bool latest_unstable = false;
  Versions versions;
  int first_flexible = Versions::kForever;
};

/// One table: a request and its response, or one stored record.
struct Table {
  std::string stem;  ///< file name without its end; names the header
  std::optional<Api> api;
  std::vector<Message> messages;
};

struct ErrorCodeRow {
  int code = 0;
  std::string name;
  bool retriable = false;
};

/// Throws std::runtime_error, with the path and what is wrong, on anything not understood.
Table load_table(const std::string& path);
std::vector<ErrorCodeRow> load_error_codes(const std::string& path);

}  // namespace longhaul::protocol::generator
