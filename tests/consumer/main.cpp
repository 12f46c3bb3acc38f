#include <sigtape/framework/version.h>
#include <sigtape/layers/signature/channels.h>
#include <sigtape/training/exit_code.h>

#include <iostream>
#include <stdexcept>

int main() {
  const auto channels = sigtape::signature_channels(3, 4);
  const auto code = sigtape::exit_code_of(std::runtime_error("consumer"));
  std::cout << "sigtape " << sigtape::version() << ": " << channels
            << " channels\n";
  return channels == 120 && code == sigtape::ExitCode::usage ? 0 : 1;
}
