#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sigtape {

/// `text` without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);

/// `text` with A-Z as a-z.
std::string lower_case(std::string_view text);

/// Whether `text` is a decimal number as C++ and Python write it, and nothing
/// else: its value; too small a one is 0, too large a one infinity. "nan" and
/// "inf" in any case and with a sign are numbers here, for the caller to
/// refuse. Independent of the locale.
std::optional<double> parse_number(std::string_view text);

/// Whether a field stands for a missing value: "?" or "NaN" in any case.
bool is_missing(std::string_view text);

/// A time stamp: a number, or a date with or without a time of day
/// ("2004-08-10", "2004-08-10 18:00:00.5", "2004-08-10T18:00", also with
/// slashes) as seconds since 1970. Nothing where it is neither.
std::optional<double> parse_time(std::string_view text);

/// `text` between quotes for a message: cut after 40 characters, bytes that
/// cannot be printed shown as "?".
std::string in_quotes(std::string_view text);

}  // namespace sigtape
