// Any bytes as a configuration file: a ConfigError with at least one line, or
// a configuration that its own YAML reads back as.
#include "fuzz/fuzz.h"
#include "sigtape/training/config/load.h"

using namespace sigtape;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  try {
    const Config config = parse_config(text, "f.yaml");
    fuzz::expect(parse_config(to_yaml(config), "f.yaml") == config,
                 "the resolved configuration to read back the same");
  } catch (const ConfigError& error) {
    fuzz::expect(!error.lines().empty(), "an error of at least one line");
  }
  return 0;
}
