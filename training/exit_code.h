#pragma once

#include <exception>

namespace sigtape {

/// What sigtrain returns to the shell. 130 and 143 stand for an interrupted
/// training whose checkpoint has been saved.
enum class ExitCode : int {
  ok = 0,
  usage = 2,
  data = 3,
  numeric = 4,
  file_system = 5,
  device = 6,
  interrupted = 130,
  terminated = 143,
};

/// The exit code of an exception that ended a command: see check.h. Running
/// out of memory counts as `device`, a foreign exception as `usage`.
ExitCode exit_code_of(const std::exception& error);

}  // namespace sigtape
