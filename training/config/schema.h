#pragma once

#include "sigtape/training/config/config.h"
#include "sigtape/training/config/field.h"

namespace sigtape::config {

/// The table of all keys: the section at the top level, for objects of type
/// Config; the others hang below it. Built once.
const Section& schema();

/// The model as written: a preset or a list of layers.
struct ModelForm {
  std::optional<std::string> type;
  std::optional<std::int64_t> depth;
  std::optional<std::int64_t> out;
  std::vector<LayerConfig> layers;
};

/// Data as written in a map: two files, random numbers, or a generator's paths.
struct SourceForm {
  std::optional<std::string> x;
  std::optional<std::string> y;
  std::optional<RandomSource> random;
  std::optional<std::string> generator;
  std::optional<std::int64_t> cases;
  std::optional<std::int64_t> length;
  std::optional<double> duration;
  std::optional<std::vector<double>> hurst;
  std::optional<std::vector<double>> speed;
  std::optional<std::vector<double>> volatility;
  std::optional<double> level;
  std::optional<double> drift;
  std::optional<double> start;
};

/// The layers of signet, signet2 or signet3 with a signature depth, where the
/// last linear layer has `out` outputs; names as the paper's models have them.
std::vector<LayerConfig> preset_layers(const std::string& type,
                                       std::int64_t depth,
                                       std::optional<std::int64_t> out);

/// The parameter prefix of layer `index` without a name of its own.
std::string default_name(std::size_t index);

}  // namespace sigtape::config
