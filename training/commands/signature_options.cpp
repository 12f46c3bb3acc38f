#include "sigtape/training/commands/signature_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "sigtape/framework/check.h"
#include "sigtape/training/commands/resolve.h"

namespace sigtape {

namespace {

// Numbers separated by `separator`; `what` names them in messages.
template <class T>
std::vector<T> numbers_of(const char* option, const char* what,
                          std::string_view text, char separator) {
  std::vector<T> list;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    T number = 0;
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + end, number);
    require(error == std::errc() && stop == text.data() + end, option,
            ": expected ", what, " separated by '", separator, "', got '", text,
            "'");
    list.push_back(number);
    if (end == text.size()) return list;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::int64_t> numbers(const char* option, std::string_view text,
                                  char separator) {
  return numbers_of<std::int64_t>(option, "whole numbers", text, separator);
}

std::vector<std::int64_t> pair(const char* option, std::string_view text) {
  const auto list = numbers(option, text, ',');
  require(list.size() == 2, option, ": expected two numbers, got '", text, "'");
  return list;
}

// Calls body(part) for the parts of a text between spaces.
template <class Body>
void for_parts(std::string_view text, const Body& body) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) body(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

}  // namespace

std::optional<Windows> windows_of(const SignatureCommand& c) {
  require(c.window.has_value() + c.expanding.has_value() +
                  c.dyadic.has_value() + c.intervals.has_value() <=
              1,
          "--window, --expanding, --dyadic and --intervals: give one of them");
  if (c.window) {
    const auto n = pair("--window", *c.window);
    return Windows::sliding(n[0], n[1]);
  }
  if (c.expanding) {
    const auto n = pair("--expanding", *c.expanding);
    return Windows::expanding(n[0], n[1]);
  }
  if (c.dyadic) return Windows::dyadic(numbers("--dyadic", *c.dyadic, ' ')[0]);
  if (!c.intervals) return {};
  std::vector<PointInterval> list;
  for_parts(*c.intervals, [&](std::string_view part) {
    const auto n = pair("--intervals", part);
    list.push_back({n[0], n[1]});
  });
  return Windows::intervals(list);
}

std::optional<WordSet> words_of(const SignatureCommand& c,
                                std::int64_t channels) {
  if (c.weights) {
    const std::vector<double> weights = decimals("--weights", *c.weights);
    require(std::ssize(weights) == channels, "--weights: expected ", channels,
            " numbers, one for each channel, got ", weights.size());
    return WordSet::weighted(weights, *c.bound);
  }
  if (!c.words) return {};
  std::vector<Word> words;
  for_parts(*c.words, [&](std::string_view part) {
    words.push_back(numbers("--words", part, '.'));
  });
  const WordSet set(channels, words);
  require(set.depth() <= c.depth, "--words: expected words of at most ",
          c.depth, " letters, the depth, got one of ", set.depth());
  return set;
}

std::vector<double> decimals(const char* option, const std::string& text) {
  return numbers_of<double>(option, "numbers", text, ',');
}

bool reads_paths(const SignatureCommand& c) {
  return !c.from || *c.from == "paths";
}

bool changes_signature(const SignatureCommand& c) {
  return c.combine || c.join || c.dilate || c.normalise || c.level || c.invert;
}

namespace {

void check_paths(const SignatureCommand& c) {
  require(!c.channels, "--channels: only where --from is not paths");
  const bool windowed = windows_of(c).has_value();
  require(!windowed || !c.stream, "--stream: windows are a stream already");
  require(!(c.words || c.weights) || !(windowed || c.stream || c.scalar_term ||
                                       c.logsignature || changes_signature(c)),
          c.words ? "--words" : "--weights",
          ": cannot be had with windows, --stream, --scalar-term, "
          "--logsignature or what changes a signature");
  require(!changes_signature(c) || !(windowed || c.stream || c.scalar_term),
          "--combine, --join, --dilate, --normalise, --level and --invert: "
          "change one signature of each path; leave out windows, --stream and "
          "--scalar-term");
}

void check_signatures(const SignatureCommand& c) {
  require(c.channels.has_value(), "--from ", *c.from,
          ": needs --channels, of the paths that they are of");
  require(!(c.stream || c.basepoint || c.scalar_term || c.lengths || c.time ||
            c.lead_lag || c.scale || c.cumulative_sum || c.invisibility_reset ||
            c.weights || windows_of(c)),
          "--from ", *c.from,
          ": --stream, --basepoint, --scalar-term, --lengths, windows, "
          "--weights and transforms are for paths");
}

}  // namespace

void check_options(const SignatureCommand& c) {
  constexpr std::array kinds = {"paths", "signatures", "expand", "words",
                                "brackets"};
  require(
      !c.from || std::find(kinds.begin(), kinds.end(), *c.from) != kinds.end(),
      "--from: expected paths, signatures, expand, words or brackets, got '",
      c.from.value_or(""), "'");
  if (c.logsignature) logsignature_mode(*c.logsignature);
  require(!c.logsignature || !c.scalar_term,
          "--logsignature: a log-signature has no scalar term; leave out "
          "--scalar-term");
  require(c.weights.has_value() == c.bound.has_value(),
          "--weights and --bound belong together");
  require(!(c.words && c.weights), "--words, --weights: give one of them");
  require(!c.front || c.join, "--front: only with --join");
  require((c.words || c.weights) + c.level.has_value() + c.invert +
                  c.logsignature.has_value() <=
              1,
          "--words, --level, --invert and --logsignature: give one of them");
  reads_paths(c) ? check_paths(c) : check_signatures(c);
  require(c.cotangent.has_value() == c.gradient.has_value(),
          "--cotangent and --gradient belong together: the one is read, the "
          "other written");
  require(c.output || c.gradient,
          "nothing to do: give --output, or --cotangent and --gradient");
}

}  // namespace sigtape
