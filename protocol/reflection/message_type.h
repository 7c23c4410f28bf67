// All messages behind one interface, for tests, fuzzing and dump tools; the product links none of
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/encoder.h"
#include "protocol/reflection/field_visitor.h"

namespace longhaul::protocol {

/// A message whose type is known only at run time.
class AnyMessage {
 public:
  virtual ~AnyMessage() = default;
  virtual base::Result<void> encode(Encoder& encoder, int16_t version) const = 0;
  virtual size_t encoded_size(int16_t version) const = 0;
  /// Shows the fields that `version` has.
  virtual void visit(int16_t version, FieldVisitor& visitor) const = 0;
  /// Whether `other` is of the same type and equal.
  virtual bool equals(const AnyMessage& other) const = 0;
};

struct MessageType {
  std::string_view name;  ///< "FetchRequest"
  int16_t min_version;
  int16_t max_version;
  int16_t first_flexible;  ///< or kNeverFlexible
  std::unique_ptr<AnyMessage> (*make)();
  /// Views in the result point into what the reader reads.
  base::Result<std::unique_ptr<AnyMessage>> (*decode)(base::Reader& reader, int16_t version);
};

/// Every message of every schema table.
std::span<const MessageType> message_types();
/// nullptr when there is none of this name.
const MessageType* find_message_type(std::string_view name);

}  // namespace longhaul::protocol
