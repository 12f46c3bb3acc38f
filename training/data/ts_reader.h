#pragma once

#include <string>
#include <string_view>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// Reads a .ts file of the UEA, UCR and TSER archives: a header of lines that
/// begin with @ (see ts_header.h), then one case a line, its channels separated
/// by ':', the points of a channel by ',', the target behind the last ':'.
///
/// - `@classLabel true a b` makes classes in that order (sorted without a
///   list), `@targetLabel true` numbers; neither: no targets.
/// - Lengths may differ between cases, not between the channels of one.
/// - With `@timeStamps true` a point is "(stamp,value)"; stamps are numbers or
///   dates and must increase within a channel.
/// - "?" and "NaN" are missing values: see fill_missing.
///
/// Throws FileError for a file that cannot be read, DataError
/// "FILE:LINE: what was expected, what was found" for any other content.
Dataset read_ts(const std::string& path, MissingChoice missing);

/// The same from the file's content; `source` names it in messages.
Dataset parse_ts(const std::string& source, std::string_view text,
                 MissingChoice missing);

}  // namespace sigtape
