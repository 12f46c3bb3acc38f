#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace sigtape {

/// Base of every exception this library throws. The message is one or more
/// sentences that name the operation, what was expected and what was given.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A wrong argument, shape, type or configuration (exit code 2).
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A data file whose content cannot be used (exit code 3).
class DataError : public Error {
 public:
  using Error::Error;
};

/// A loss, gradient or weight that is not finite (exit code 4).
class NumericError : public Error {
 public:
  using Error::Error;
};

/// A file or folder that cannot be read or written (exit code 5).
class FileError : public Error {
 public:
  using Error::Error;
};

/// A device that is missing, or that failed (exit code 6).
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// More memory than there is, or than the limit allows (exit code 6).
class MemoryError : public Error {
 public:
  using Error::Error;
};

/// Throws E with the parts streamed one after another into its message.
template <class E = UsageError, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw E(message.str());
}

/// Throws E with the message made of `parts` unless `condition` holds. The
/// parts are formatted only then, so a check in a hot path allocates nothing.
template <class E = UsageError, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail<E>(parts...);
}

}  // namespace sigtape
