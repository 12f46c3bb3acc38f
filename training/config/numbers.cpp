#include "sigtape/training/config/numbers.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>

namespace sigtape::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::size_t sign_length(const std::string& text) {
  return !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
}

std::size_t skip_digits(const std::string& text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

bool is_not_finite(const std::string& text) {
  std::string name = lower(text.substr(sign_length(text)));
  if (!name.empty() && name[0] == '.') name.erase(0, 1);
  return name == "nan" || name == "inf" || name == "infinity";
}

// Why a text that starts like a number is none.
std::string hint_for(const std::string& text) {
  if (is_not_finite(text)) return "numbers must be finite";
  const std::size_t start = sign_length(text);
  if (start >= text.size() || !is_digit(text[start])) return "";
  if (text.find('_') != std::string::npos) return "no '_' in numbers";
  if (text[start] == '0' && start + 1 < text.size()) {
    const char next = text[start + 1];
    if (std::strchr("xXoObB", next)) return "numbers are decimal";
    if (is_digit(next)) return "a leading zero is not allowed";
  }
  return "";
}

const char* begin_of(const std::string& text) {
  return text.data() + (!text.empty() && text[0] == '+');
}

// -?digits[.digits][e[+-]digits], no leading zero before another digit.
bool is_decimal(const std::string& text) {
  const std::size_t start = sign_length(text);
  std::size_t at = skip_digits(text, start);
  std::size_t digits = at - start;
  if (digits > 1 && text[start] == '0') return false;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = skip_digits(text, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    at += 1 + (at + 1 < text.size() && std::strchr("+-", text[at + 1]));
    const std::size_t end = skip_digits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

}  // namespace

Parsed<std::int64_t> parse_integer(const std::string& text) {
  const std::size_t start = sign_length(text);
  const std::size_t end = skip_digits(text, start);
  const bool zero_first = end - start > 1 && text[start] == '0';
  if (end == start || end != text.size() || zero_first) {
    if (is_decimal(text)) return {{}, "write it without point or exponent"};
    return {{}, hint_for(text)};
  }
  std::int64_t value = 0;
  const auto result =
      std::from_chars(begin_of(text), text.data() + text.size(), value);
  if (result.ec != std::errc()) return {{}, "too large"};
  return {value, ""};
}

Parsed<double> parse_number(const std::string& text) {
  if (!is_decimal(text)) return {{}, hint_for(text)};
  double value = 0;
  const auto result =
      std::from_chars(begin_of(text), text.data() + text.size(), value);
  if (result.ec != std::errc() || !std::isfinite(value))
    return {{}, "not representable as a double"};
  return {value, ""};
}

Parsed<std::int64_t> parse_bytes(const std::string& text) {
  std::int64_t unit = 1;
  std::string digits = text;
  const char* units[] = {"KiB", "MiB", "GiB"};
  for (int i = 0; i < 3; ++i) {
    if (!digits.ends_with(units[i])) continue;
    digits.resize(digits.size() - 3);
    unit = std::int64_t{1} << (10 * (i + 1));
    break;
  }
  Parsed<std::int64_t> parsed = parse_integer(digits);
  std::int64_t bytes = 0;
  if (!parsed.value) return parsed;
  if (__builtin_mul_overflow(*parsed.value, unit, &bytes))
    return {{}, "too large"};
  return {bytes, ""};
}

bool looks_numeric(const std::string& text) {
  if (is_not_finite(text)) return true;
  const bool any = std::any_of(text.begin(), text.end(), is_digit);
  return any && text.find_first_not_of("0123456789+-.eE") == std::string::npos;
}

}  // namespace sigtape::config
