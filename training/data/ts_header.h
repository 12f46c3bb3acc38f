#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sigtape/training/data/text.h"

namespace sigtape {

/// What the lines before @data of a .ts file declare. Both published
/// specifications are met: that of aeon and tsml and that of sktime.
struct TsHeader {
  std::optional<bool> time_stamps, missing, univariate, equal_length;
  std::optional<std::int64_t> dimensions, series_length;
  std::optional<bool> class_label, target_label;
  /// The classes after @classLabel true, possibly none.
  std::vector<std::string> classes;
};

/// Reads up to and with the @data line. Identifiers are met in any case and
/// order; lines that begin with # or % and empty ones are passed over. An
/// unknown or repeated identifier, a wrong value, a contradiction and a text
/// without @data are DataErrors with the line.
TsHeader read_ts_header(LineReader& lines);

}  // namespace sigtape
