#include "protocol/reflection/message_type.h"

namespace longhaul::protocol {

const MessageType* find_message_type(std::string_view name) {
  for (const MessageType& type : message_types())
    if (type.name == name) return &type;
  return nullptr;
}

}  // namespace longhaul::protocol
