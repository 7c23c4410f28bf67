// How a message becomes an AnyMessage; for the generated table of message types only.
#pragma once

#include <memory>
#include <utility>

#include "protocol/reflection/message_type.h"

namespace longhaul::protocol {

/// `visit(const Message&, int16_t, FieldVisitor&)` is generated.
template <class Message>
class Holder : public AnyMessage {
 public:
  explicit Holder(Message message) : message_(std::move(message)) {}

  base::Result<void> encode(Encoder& encoder, int16_t version) const override {
    return message_.encode(encoder, version);
  }
  size_t encoded_size(int16_t version) const override { return message_.encoded_size(version); }
  void visit(int16_t version, FieldVisitor& visitor) const override {
    longhaul::protocol::visit(message_, version, visitor);
  }
  bool equals(const AnyMessage& other) const override {
    auto same = dynamic_cast<const Holder*>(&other);
    return same != nullptr && same->message_ == message_;
  }

 private:
  Message message_;
};

template <class Message>
constexpr MessageType type_of() {
  return {
      Message::kName,
      Message::kMinVersion,
      Message::kMaxVersion,
      Message::kFirstFlexible,
      []() -> std::unique_ptr<AnyMessage> { return std::make_unique<Holder<Message>>(Message()); },
      [](base::Reader& reader, int16_t version) -> base::Result<std::unique_ptr<AnyMessage>> {
        LH_ASSIGN(auto message, Message::decode(reader, version));
        return std::make_unique<Holder<Message>>(std::move(message));
      }};
}

}  // namespace longhaul::protocol
