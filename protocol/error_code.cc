#include "protocol/error_code.h"

namespace longhaul::protocol {
namespace {

const ErrorCodeInfo* find(ErrorCode code) {
  for (const ErrorCodeInfo& info : error_codes())
    if (info.code == code) return &info;
  return nullptr;
}

}  // namespace

std::string name(ErrorCode code) {
  const ErrorCodeInfo* info = find(code);
  if (info == nullptr) return "ERROR_" + std::to_string(static_cast<int16_t>(code));
  return std::string(info->name);
}

bool is_retriable(ErrorCode code) {
  const ErrorCodeInfo* info = find(code);
  return info != nullptr && info->retriable;
}

}  // namespace longhaul::protocol
