#include "sigtape/training/exit_code.h"

#include <filesystem>
#include <new>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

template <class E>
bool is(const std::exception& error) {
  return dynamic_cast<const E*>(&error) != nullptr;
}

}  // namespace

ExitCode exit_code_of(const std::exception& error) {
  if (is<DataError>(error)) return ExitCode::data;
  if (is<NumericError>(error)) return ExitCode::numeric;
  if (is<FileError>(error) || is<std::filesystem::filesystem_error>(error)) {
    return ExitCode::file_system;
  }
  if (is<DeviceError>(error) || is<MemoryError>(error) ||
      is<std::bad_alloc>(error)) {
    return ExitCode::device;
  }
  return ExitCode::usage;
}

}  // namespace sigtape
