// Errors as values: what every fallible function of ours returns.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace longhaul::base {

/// What kind of failure happened, as far as a caller may want to act on it.
enum class Errc {
  kInvalidArgument,  ///< the caller or the user gave something that cannot be accepted
  kCorrupt,          ///< stored or received bytes contradict their own format
  kNotFound,
  kAlreadyExists,
  kNoSpace,   ///< the disk or a quota is full
  kIo,        ///< any other failure of a disk or a socket
  kTooLarge,  ///< a size or count is above its limit
  kTimedOut,
  kUnavailable,  ///< may work later
  kUnsupported,
  kCancelled,
  kPermission,
  kConflict,  ///< somebody else changed it first
};

/// An error that a person can read: what happened, where, and where it helps, what to do.
struct Error {
  Errc code;
  std::string message;
};

/// A value or an `Error`. The only way of reporting what can go wrong (exceptions: constructors
/// at start-up; `LH_ASSERT`: what cannot happen).
template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// Puts `where` before the message of an error on its way up: "where: message".
inline tl::unexpected<Error> fail_in(const std::string& where, Error error) {
  error.message = where + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace longhaul::base

#define LH_CONCAT_INNER(a, b) a##b
#define LH_CONCAT(a, b) LH_CONCAT_INNER(a, b)

/// Returns the error of a `Result<void>` expression to the caller.
#define LH_TRY(expression)                                 \
  do {                                                     \
    if (auto lh_result = (expression); !lh_result)         \
      return tl::unexpected(std::move(lh_result).error()); \
  } while (0)

/// `LH_ASSIGN(auto x, f());` declares x from a Result, or returns its error to the caller.
#define LH_ASSIGN(declaration, expression)                                     \
  auto LH_CONCAT(lh_result_, __LINE__) = (expression);                         \
  if (!LH_CONCAT(lh_result_, __LINE__))                                        \
    return tl::unexpected(std::move(LH_CONCAT(lh_result_, __LINE__)).error()); \
  declaration = std::move(*LH_CONCAT(lh_result_, __LINE__))
