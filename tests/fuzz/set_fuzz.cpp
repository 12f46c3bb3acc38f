// Lines as --set arguments, of `train` and of `cv`.
#include <vector>

#include "fuzz/fuzz.h"
#include "sigtape/training/config/load.h"

using namespace sigtape;

namespace {

constexpr const char* base = R"(data: {train: a.npz}
model:
  layers:
    - augment: {layer_sizes: [8, 4], kernel_size: 4}
    - signature: {depth: 3}
    - linear
train: {optimizer: {adam: {lr: 0.01}}}
)";

constexpr std::size_t most_overrides = 8;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < most_overrides) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto overrides = lines_of(fuzz::as_text(data, size));
  try {
    static const ConfigText text(base, "f.yaml");
    const Config config = text.with(overrides);
    fuzz::expect(parse_config(to_yaml(config), "f.yaml") == config,
                 "the resolved configuration to read back the same");
  } catch (const ConfigError& error) {
    fuzz::expect(!error.lines().empty(), "an error of at least one line");
  }
  try {
    for (const auto& settings : expand_grid(overrides))
      fuzz::expect(settings.size() == overrides.size(),
                   "a value for each override");
  } catch (const UsageError&) {
  }
  return 0;
}
