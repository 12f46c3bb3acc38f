#include "sigtape/training/data/ts_header.h"

#include <algorithm>
#include <set>

#include "sigtape/training/data/dataset.h"
#include "sigtape/training/data/number.h"

namespace sigtape {

namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!(text = trimmed(text)).empty()) {
    parts.push_back(text.substr(0, text.find_first_of(" \t")));
    text.remove_prefix(parts.back().size());
  }
  return parts;
}

// One identifier with its values, and the line it stands on for messages.
struct Entry {
  const LineReader& lines;
  std::string_view name;
  std::vector<std::string_view> values;

  std::string value() const {
    return values.empty() ? "nothing" : in_quotes(values.front());
  }

  bool flag() const {
    const std::string word = values.empty() ? "" : lower_case(values.front());
    lines.require(word == "true" || word == "false",
                  "expected true or false after @", name, ", found ", value());
    return word == "true";
  }

  bool only_flag() const {
    lines.require(values.size() < 2, "expected one word after @", name,
                  ", found ", values.size());
    return flag();
  }

  std::int64_t count() const {
    constexpr double most = 1 << 30;
    const double number =
        values.size() == 1 ? parse_number(values[0]).value_or(0) : 0;
    lines.require(
        number >= 1 && number <= most &&
            values[0].find_first_not_of("0123456789") == std::string_view::npos,
        "expected a whole number of at least 1 after @", name, ", found ",
        value());
    return static_cast<std::int64_t>(number);
  }

  std::vector<std::string> classes() const {
    std::vector<std::string> names;
    for (std::size_t i = 1; i < values.size(); ++i) {
      lines.require(
          std::find(names.begin(), names.end(), values[i]) == names.end(),
          "expected different classes after @", name, ", found ",
          in_quotes(values[i]), " twice");
      names.emplace_back(values[i]);
    }
    return names;
  }
};

void store(TsHeader& header, const Entry& entry, const std::string& name) {
  if (name == "problemname") return;
  if (name == "timestamps") {
    header.time_stamps = entry.only_flag();
  } else if (name == "missing") {
    header.missing = entry.only_flag();
  } else if (name == "univariate") {
    header.univariate = entry.only_flag();
  } else if (name == "dimension") {
    header.dimensions = entry.count();
  } else if (name == "equallength") {
    header.equal_length = entry.only_flag();
  } else if (name == "serieslength") {
    header.series_length = entry.count();
  } else if (name == "targetlabel") {
    header.target_label = entry.only_flag();
  } else if (name == "classlabel") {
    header.class_label = entry.flag();
    header.classes = entry.classes();
    entry.lines.require(*header.class_label || header.classes.empty(),
                        "expected no classes after @classLabel false, found ",
                        listed(header.classes));
  } else {
    entry.lines.fail(
        "expected one of @problemName, @timeStamps, @missing, @univariate, "
        "@dimensions, @equalLength, @seriesLength, @classLabel, @targetLabel "
        "and @data, found ",
        in_quotes("@" + std::string(entry.name)));
  }
}

void check_consistent(const TsHeader& header, const LineReader& lines) {
  lines.require(
      !header.univariate.value_or(false) || header.dimensions.value_or(1) == 1,
      "expected one dimension with @univariate true, found @dimensions ",
      header.dimensions.value_or(1));
  lines.require(!(header.class_label.value_or(false) &&
                  header.target_label.value_or(false)),
                "expected @classLabel true or @targetLabel true, found both");
}

}  // namespace

TsHeader read_ts_header(LineReader& lines) {
  TsHeader header;
  std::set<std::string> seen;
  while (lines.next()) {
    const std::string_view line = trimmed(lines.line());
    if (line.empty() || line[0] == '#' || line[0] == '%') continue;
    lines.require(line[0] == '@',
                  "expected a line that begins with @ (or # for a comment) "
                  "before @data, found ",
                  in_quotes(line));
    auto values = words(line.substr(1));
    lines.require(!values.empty(), "expected an identifier after @, found '@'");
    const Entry entry{lines, values[0], {values.begin() + 1, values.end()}};
    std::string name = lower_case(entry.name);
    if (name == "dimensions") name = "dimension";
    if (name == "data") {
      lines.require(entry.values.empty(),
                    "expected nothing after @data, found ", entry.value());
      check_consistent(header, lines);
      return header;
    }
    lines.require(seen.insert(name).second, "expected @", entry.name,
                  " once, found it again");
    store(header, entry, name);
  }
  lines.fail("expected @data, found the end of the file");
}

}  // namespace sigtape
