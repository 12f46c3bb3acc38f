#include "sigtape/training/config/problems.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include "sigtape/training/config/load.h"

namespace sigtape::config {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// A terminal must not obey what a file holds.
std::string printable(std::string text) {
  if (std::none_of(text.begin(), text.end(), is_control)) return text;
  constexpr const char* digits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_control(c))
      result += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
    else
      result += c;
  }
  return result;
}

}  // namespace

// As streams write it: six digits.
void Problems::append_number(std::string& message, double number) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%g", number);
  message += text.data();
}

std::string Problems::line(const Fault& fault) const {
  const Place& place = fault.place;
  const std::string from = place.source == 0
                               ? file_ + ":" + std::to_string(place.line) +
                                     ":" + std::to_string(place.column)
                               : "--set " + overrides_[place.source - 1];
  return printable(from + ": " + fault.message);
}

void Problems::raise() {
  if (faults_.empty()) return;
  std::stable_sort(faults_.begin(), faults_.end(),
                   [](const Fault& a, const Fault& b) {
                     const Place &p = a.place, &q = b.place;
                     return std::tie(p.source, p.line, p.column) <
                            std::tie(q.source, q.line, q.column);
                   });
  std::vector<std::string> lines;
  lines.reserve(faults_.size());
  for (const Fault& fault : faults_) lines.push_back(line(fault));
  throw ConfigError(std::move(lines));
}

}  // namespace sigtape::config
