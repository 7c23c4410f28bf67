// A walk over the fields of a message, for tests and dump tools; the product links none of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"

namespace longhaul::protocol {

/// Receives the fields of a message in the order of its schema. A struct is begin_struct, any
/// number of (field, value), end_struct; an array is begin_array, values, end_array.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void begin_struct() = 0;
  virtual void end_struct() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  /// The name that Kafka's JSON form gives the field: "maxWaitMs".
  virtual void field(std::string_view name) = 0;
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(int64_t value) = 0;
  virtual void real(double value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void bytes(base::ByteView value) = 0;
  virtual void uuid(const base::Uuid& value) = 0;
};

}  // namespace longhaul::protocol
