#pragma once

#include <string>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/config/problems.h"

namespace sigtape {

/// Everything that is wrong with one configuration. what() holds one line per
/// fault: "FILE:LINE:COLUMN: message", or "--set KEY=VALUE: message".
class ConfigError : public UsageError {
 public:
  explicit ConfigError(std::vector<std::string> lines);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

/// A configuration as written, read once for the many that overrides make of
/// it.
class ConfigText {
 public:
  /// `file` is the text's name in messages and in the default of run_dir.
  ConfigText(const std::string& text, std::string file);

  /// The text of the file at `path`. Throws FileError where it cannot be read.
  static ConfigText load(const std::string& path);

  /// What load_config gives. Throws ConfigError with every fault of the text
  /// and of `overrides`.
  Config with(const std::vector<std::string>& overrides) const;

 private:
  std::string file_;
  config::Problems problems_;
  config::Node root_;
};

/// Reads the configuration file at `path` and applies `overrides`, each
/// "a.b=value" with a YAML value; a layer is named by its number, as in
/// "model.layers.1.depth=3". Later overrides win. Throws FileError where the
/// file cannot be read, ConfigError with every fault of its content.
Config load_config(const std::string& path,
                   const std::vector<std::string>& overrides = {});

/// The same for a text; `file` is its name in messages and in the default of
/// run_dir.
Config parse_config(const std::string& text, const std::string& file,
                    const std::vector<std::string>& overrides = {});

/// The resolved configuration as YAML: every key with its value, presets
/// expanded, numbers in as many digits as it takes. parse_config of it gives
/// an equal Config.
std::string to_yaml(const Config& config);

/// The most combinations that expand_grid makes.
inline constexpr std::size_t kMostSettings = 10000;

/// Every combination of overrides like "key=a,b,c", the last one varying
/// fastest; commas inside [], {} and quotes do not split. Without overrides:
/// one empty combination. Throws UsageError for an empty value, a missing "=",
/// a key given twice and more than kMostSettings combinations.
std::vector<std::vector<std::string>> expand_grid(
    const std::vector<std::string>& overrides);

/// The reference page of all keys, in Markdown (docs/configuration.md).
std::string reference_page();

/// A JSON Schema (draft 2020-12) of configuration files
/// (docs/sigtape.schema.json).
std::string json_schema();

}  // namespace sigtape
