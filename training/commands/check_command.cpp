#include <cstdio>

#include "sigtape/framework/check.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/model_factory.h"

namespace sigtape {

ExitCode check_command(const CheckCommand& command) {
  ExitCode result = ExitCode::ok;
  for (const std::string& path : command.configs) {
    try {
      make_model(load_config(path).model, 1);
      std::printf("%s: ok\n", path.c_str());
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      if (result == ExitCode::ok) result = exit_code_of(error);
    }
  }
  return result;
}

}  // namespace sigtape
