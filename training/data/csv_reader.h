#pragma once

#include <string>
#include <string_view>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// Reads a .csv file in long form: a header line with the names of the columns,
/// then one point a line.
///
///     case,time,speed,heading,class
///     a,0.0,1.5,90,walk
///     a,0.1,1.7,85,walk
///     b,0.0,0.2,10,rest
///
/// - `case` (required): any text; the lines of one case stand together, its
///   points in order, and no case comes back.
/// - `time` (optional): numbers or dates that increase within a case.
/// - `class` (any text; sorted, see Dataset::class_names), or `target`, or
///   `target_1`, `target_2`, ... (numbers); at most one of these three, the
///   same on every line of a case; without them there are no targets.
/// - every other column is a channel, in the order of the columns.
///
/// Cells may stand in double quotes (then "" is a quote, and commas and line
/// ends belong to the cell); lines end with LF or CRLF; a byte order mark and
/// empty lines are passed over. A channel's cell that is empty, "?" or "NaN" is
/// a missing value: see fill_missing.
///
/// Throws FileError for a file that cannot be read, DataError
/// "FILE:LINE: what was expected, what was found" for any other content.
Dataset read_csv(const std::string& path, MissingChoice missing);

/// The same from the file's content; `source` names it in messages.
Dataset parse_csv(const std::string& source, std::string_view text,
                  MissingChoice missing);

}  // namespace sigtape
