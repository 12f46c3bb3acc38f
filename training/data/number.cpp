#include "sigtape/training/data/number.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace sigtape {

namespace {

// from_chars tells neither from the other; the exponent's sign does, and a
// mantissa without exponent that is out of range is too long to be small.
double out_of_range(std::string_view text) {
  const bool negative = text.front() == '-';
  const bool small = text.find("e-") != std::string_view::npos ||
                     text.find("E-") != std::string_view::npos ||
                     text.substr(negative).starts_with("0.");
  const double size = small ? 0.0 : std::numeric_limits<double>::infinity();
  return negative ? -size : size;
}

// Takes a number of one to `digits` digits from the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  int value = 0;
  std::size_t used = 0;
  while (used < digits && used < text.size() && text[used] >= '0' &&
         text[used] <= '9') {
    value = 10 * value + (text[used++] - '0');
  }
  if (used == 0) return std::nullopt;
  text.remove_prefix(used);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// Seconds since midnight of "18:00", "18:00:00" or "18:00:00.25".
std::optional<double> parse_time_of_day(std::string_view text) {
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  double seconds = 0;
  if (take(text, ":")) {
    if (text.empty() || text.front() < '0' || text.front() > '9') {
      return std::nullopt;
    }
    const auto parsed = parse_number(text);
    if (!parsed || !(*parsed < 61)) return std::nullopt;
    seconds = *parsed;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return *hour * 3600.0 + *minute * 60.0 + seconds;
}

std::optional<double> parse_date(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-/")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-/")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const double midnight =
      86400.0 * static_cast<double>(
                    std::chrono::sys_days(date).time_since_epoch().count());
  if (text.empty()) return midnight;
  if (!take(text, " T")) return std::nullopt;
  const auto time = parse_time_of_day(text);
  if (!time) return std::nullopt;
  return midnight + *time;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) return out_of_range(text);
  return value;
}

bool is_missing(std::string_view text) {
  return text == "?" || lower_case(text) == "nan";
}

std::optional<double> parse_time(std::string_view text) {
  const auto number = parse_number(text);
  if (!number) return parse_date(text);
  return std::isfinite(*number) ? number : std::nullopt;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string shown = "'";
  for (const char c : text.substr(0, most)) {
    shown += c >= ' ' && c <= '~' ? c : '?';
  }
  return shown + (text.size() > most ? "...'" : "'");
}

}  // namespace sigtape
