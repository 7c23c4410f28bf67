// Emits the enumerations and tables: API keys, error codes.
#include <algorithm>

#include "protocol/generator/code.h"
#include "protocol/generator/names.h"

namespace longhaul::protocol::generator {
namespace {

std::vector<Api> sorted_apis(const std::vector<Table>& tables) {
  std::vector<Api> apis;
  for (const Table& table : tables)
    if (table.api) apis.push_back(*table.api);
  std::sort(apis.begin(), apis.end(), [](const Api& a, const Api& b) { return a.key < b.key; });
  return apis;
}

}  // namespace

std::string api_key_header(const std::vector<Table>& tables) {
  Code code;
  code.raw("// Generated from protocol/schema/rpc.");
  code.raw("#pragma once");
  code.raw("#include <cstdint>");
  code.raw("namespace longhaul::protocol {");
  code.raw(
      "/// The number of an API on the wire. Other values of int16_t occur in hostile frames.");
  code.open("enum class ApiKey : int16_t {{");
  for (const Api& api : sorted_apis(tables)) code.line("k{} = {},", api.name, api.key);
  code.close("};");
  code.raw("}");
  return code.text();
}

std::string api_table_source(const std::vector<Table>& tables) {
  Code code;
  code.raw("// Generated from protocol/schema/rpc.");
  code.raw("#include \"protocol/api.h\"");
  code.raw("namespace longhaul::protocol {");
  code.open("static constexpr ApiInfo kApis[] = {{");
  for (const Api& api : sorted_apis(tables))
    code.line("{{ApiKey::k{0}, \"{0}\", {1}, {2}, {3}, {4}, {5}, {6}}},", api.name,
              api.versions.low, api.versions.high, api.first_flexible, api.on_broker,
              api.on_controller, api.latest_unstable);
  code.close("};");
  code.raw("std::span<const ApiInfo> apis() { return kApis; }");
  code.raw("}");
  return code.text();
}

std::string error_code_header(const std::vector<ErrorCodeRow>& rows) {
  Code code;
  code.raw("// Generated from protocol/schema/errors.yaml.");
  code.raw("#pragma once");
  code.raw("#include <cstdint>");
  code.raw("namespace longhaul::protocol {");
  code.raw("/// Kafka's error codes. Other values of int16_t may come from newer peers.");
  code.open("enum class ErrorCode : int16_t {{");
  for (const ErrorCodeRow& row : rows) code.line("k{} = {},", pascal_case(row.name), row.code);
  code.close("};");
  code.raw("}");
  return code.text();
}

std::string error_table_source(const std::vector<ErrorCodeRow>& rows) {
  Code code;
  code.raw("// Generated from protocol/schema/errors.yaml.");
  code.raw("#include \"protocol/error_code.h\"");
  code.raw("namespace longhaul::protocol {");
  code.open("static constexpr ErrorCodeInfo kErrorCodes[] = {{");
  for (const ErrorCodeRow& row : rows)
    code.line("{{ErrorCode::k{}, \"{}\", {}}},", pascal_case(row.name), row.name, row.retriable);
  code.close("};");
  code.raw("std::span<const ErrorCodeInfo> error_codes() { return kErrorCodes; }");
  code.raw("}");
  return code.text();
}

}  // namespace longhaul::protocol::generator
