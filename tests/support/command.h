#pragma once

#include <string>

namespace sigtape::test {

/// How a shell command ended: its exit code (-1 where it could not start or
/// was killed), and its standard output and error as one text.
struct CommandResult {
  int code;
  std::string text;
};

/// Runs `command` with the shell, in the current folder.
CommandResult run_command(const std::string& command);

}  // namespace sigtape::test
