// Emits the declaration of a message.
#include "protocol/generator/code.h"

namespace longhaul::protocol::generator {
namespace {

std::string field_comment(const Field& field, Versions container) {
  std::string comment;
  auto add = [&](const std::string& part) { comment += (comment.empty() ? "" : ", ") + part; };
  if (field.versions.empty())
    add("in no version here");
  else if (!field.versions.covers(container))
    add("versions " + field.versions.to_string());
  if (field.can_be_null() && !field.nullable.covers(field.versions))
    add("null in versions " + field.nullable.to_string());
  if (field.tag) add(fmt::format("tag {}", *field.tag));
  if (field.ignorable) add("ignorable");
  return comment.empty() ? "" : "  ///< " + comment;
}

void emit_members(Code& code, const Struct& type, const Message& message) {
  for (const Field& field : type.fields)
    code.line("{} {}{};{}", member_type(field, message), field.member, initializer(field, message),
              field_comment(field, type.versions));
}

void emit_constants(Code& code, const Message& message) {
  code.line("static constexpr const char* kName = \"{}\";", message.name);
  if (!message.api_name.empty())
    code.line("static constexpr ApiKey kApiKey = ApiKey::k{};", message.api_name);
  else if (message.api_key)
    code.line("static constexpr int16_t kApiKey = {};", *message.api_key);
  code.line("static constexpr int16_t kMinVersion = {};", message.versions.low);
  code.line("static constexpr int16_t kMaxVersion = {};", message.versions.high);
  if (message.flexible.empty())
    code.line("static constexpr int16_t kFirstFlexible = kNeverFlexible;");
  else
    code.line("static constexpr int16_t kFirstFlexible = {};", message.flexible.low);
}

void emit_decode_from_bytes(Code& code, const Message& message) {
  bool exact = message.use == Message::Use::kMetadata;
  code.raw(exact ? "/// The same from bytes that must hold nothing else."
                 : "/// The same from the beginning of `bytes`; what follows is not looked at.");
  code.open("static base::Result<{}> decode(base::ByteView bytes, int16_t version) {{",
            message.name);
  code.raw("base::Reader reader(bytes);");
  if (exact) {
    code.raw("auto message = decode(reader, version);");
    code.raw("if (message && reader.remaining() != 0)");
    code.raw("  return trailing_bytes(kName, version, reader.remaining());");
    code.raw("return message;");
  } else {
    code.raw("return decode(reader, version);");
  }
  code.close();
}

}  // namespace

void emit_message_declaration(Code& code, const Message& message) {
  if (message.api_key && !message.api_name.empty())
    code.line("/// Key {}, versions {}.", *message.api_key, message.versions.to_string());
  else
    code.line("/// Versions {}.", message.versions.to_string());
  code.open("struct {} {{", message.name);
  emit_constants(code, message);
  for (const Struct& type : message.structs) {
    code.raw("");
    if (!type.versions.covers(message.versions))
      code.line("/// Versions {}.", type.versions.to_string());
    code.open("struct {} {{", type.name);
    emit_members(code, type, message);
    code.line("bool operator==(const {}&) const = default;", type.name);
    code.close("};");
  }
  code.raw("");
  emit_members(code, message.root, message);
  code.raw("");
  code.raw("/// Reads one from where the reader stands and leaves the reader behind it.");
  code.line("static base::Result<{}> decode(base::Reader& reader, int16_t version);", message.name);
  emit_decode_from_bytes(code, message);
  code.raw("/// Appends it, or leaves the encoder as it was and says what cannot be encoded.");
  code.raw("base::Result<void> encode(Encoder& encoder, int16_t version) const;");
  code.raw("/// The bytes that encode() appends, without those spliced in.");
  code.raw("size_t encoded_size(int16_t version) const;");
  code.line("bool operator==(const {}&) const = default;", message.name);
  code.close("};");
}

}  // namespace longhaul::protocol::generator
