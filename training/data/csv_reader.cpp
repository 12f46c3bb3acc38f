#include "sigtape/training/data/csv_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/csv_record.h"
#include "sigtape/training/data/missing.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/text.h"

namespace sigtape {

namespace {

// What each column is.
struct Columns {
  std::vector<std::string> names;
  std::optional<std::size_t> case_name, time, class_name;
  std::vector<std::size_t> channels, targets;
};

// The number N of "target_N", 1 of "target", 0 of any other name.
std::int64_t target_number(const std::string& name) {
  constexpr std::string_view prefix = "target_";
  if (name == "target") return 1;
  if (!name.starts_with(prefix)) return 0;
  const std::string digits = name.substr(prefix.size());
  const bool whole =
      !digits.empty() && digits.size() < 10 && digits[0] != '0' &&
      digits.find_first_not_of("0123456789") == std::string::npos;
  return whole ? std::stoll(digits) : 0;
}

class CsvReader {
 public:
  CsvReader(const std::string& source, std::string_view text,
            MissingChoice missing)
      : records_(source, text), missing_(missing) {
    data_.source = source;
  }

  Dataset read();

 private:
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail<DataError>(records_.where(), ": ", parts...);
  }
  void read_header();
  void sort_column(std::size_t column);
  void check_columns() const;
  void read_point();
  void begin_case();
  void check_constant(std::size_t column) const;
  void read_time(const std::string& cell);
  void read_channel(std::size_t column);
  void end_case();

  CsvRecords records_;
  MissingChoice missing_;
  Columns columns_;
  Dataset data_;
  std::vector<std::string> class_of_case_;
  std::set<std::string> seen_;
  // The case being read: its first record, where that stands, its points.
  std::vector<std::string> first_;
  std::string where_;
  std::vector<double> points_;
  double last_time_ = 0;
};

Dataset CsvReader::read() {
  read_header();
  while (records_.next()) read_point();
  require(!first_.empty(), "expected at least one line of data, found none");
  end_case();
  if (columns_.class_name) set_classes(data_, class_of_case_);
  return std::move(data_);
}

void CsvReader::read_header() {
  require(records_.next(),
          "expected a header line with the names of the columns, found none");
  columns_.names = records_.cells();
  for (std::size_t i = 0; i < columns_.names.size(); ++i) sort_column(i);
  check_columns();
  data_.channels = static_cast<std::int64_t>(columns_.channels.size());
  data_.outputs = static_cast<std::int64_t>(columns_.targets.size());
  if (data_.outputs > 0) data_.target = TargetKind::numbers;
}

void CsvReader::sort_column(std::size_t column) {
  const std::string& name = columns_.names[column];
  require(!name.empty(), "expected a name for column ", column + 1,
          ", found none");
  const auto before =
      columns_.names.begin() + static_cast<std::ptrdiff_t>(column);
  require(std::find(columns_.names.begin(), before, name) == before,
          "expected column ", in_quotes(name), " once, found it again");
  if (name == "case") {
    columns_.case_name = column;
  } else if (name == "time") {
    columns_.time = column;
  } else if (name == "class") {
    columns_.class_name = column;
  } else if (target_number(name) > 0) {
    columns_.targets.push_back(column);
  } else {
    columns_.channels.push_back(column);
  }
}

void CsvReader::check_columns() const {
  const auto& names = columns_.names;
  require(columns_.case_name.has_value(),
          "expected a column named 'case', found ", listed(names));
  require(!columns_.channels.empty(),
          "expected a column for at least one channel, found ", listed(names));
  require(!columns_.class_name || columns_.targets.empty(),
          "expected a column 'class' or 'target', found both");
  const auto& targets = columns_.targets;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string expected = "target_" + std::to_string(i + 1);
    const std::string& found = names[targets[i]];
    require(found == expected || (found == "target" && targets.size() == 1),
            "expected the column ", in_quotes(expected), ", found ",
            in_quotes(found));
  }
}

void CsvReader::read_point() {
  const auto& cells = records_.cells();
  require(cells.size() == columns_.names.size(), "expected ",
          counted(static_cast<std::int64_t>(columns_.names.size()), "cell"),
          " as in the header, found ", cells.size());
  const bool same = !first_.empty() &&
                    cells[*columns_.case_name] == first_[*columns_.case_name];
  if (!same) begin_case();
  if (columns_.class_name) check_constant(*columns_.class_name);
  for (const std::size_t column : columns_.targets) check_constant(column);
  if (columns_.time) read_time(cells[*columns_.time]);
  for (const std::size_t column : columns_.channels) read_channel(column);
}

void CsvReader::begin_case() {
  if (!first_.empty()) end_case();
  first_ = records_.cells();
  where_ = records_.where();
  last_time_ = -std::numeric_limits<double>::infinity();
  const std::string& name = first_[*columns_.case_name];
  require(!name.empty(), "expected the name of a case, found nothing");
  require(seen_.insert(name).second, "expected the lines of case ",
          in_quotes(name), " together, found more after another case");
  if (columns_.class_name) {
    class_of_case_.push_back(first_[*columns_.class_name]);
    require(!class_of_case_.back().empty(), "expected a class, found nothing");
  }
  for (const std::size_t column : columns_.targets) {
    const auto number = parse_number(first_[column]);
    require(number && std::isfinite(*number),
            "expected a finite number in column ",
            in_quotes(columns_.names[column]), ", found ",
            in_quotes(first_[column]), " (a column 'class' holds names)");
    data_.numbers.push_back(*number);
  }
}

void CsvReader::check_constant(std::size_t column) const {
  const std::string& found = records_.cells()[column];
  require(found == first_[column], "expected ", in_quotes(first_[column]),
          " in column ", in_quotes(columns_.names[column]),
          " on every line of the case, found ", in_quotes(found));
}

void CsvReader::read_time(const std::string& cell) {
  const auto time = parse_time(cell);
  require(time.has_value(),
          "expected a number or a date in column 'time', found ",
          in_quotes(cell));
  require(*time > last_time_,
          "expected a later time than on the line before, found ",
          in_quotes(cell));
  last_time_ = *time;
  data_.times.push_back(last_time_);
}

void CsvReader::read_channel(std::size_t column) {
  const std::string& cell = records_.cells()[column];
  if (cell.empty() || is_missing(cell)) {
    points_.push_back(std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const auto number = parse_number(cell);
  require(number && std::isfinite(*number),
          "expected a finite number in column ",
          in_quotes(columns_.names[column]), ", found ", in_quotes(cell));
  points_.push_back(*number);
}

void CsvReader::end_case() {
  fill_missing(points_, data_.channels, missing_,
               where_ + ": case " + in_quotes(first_[*columns_.case_name]));
  data_.add_stream(points_);
  points_.clear();
}

}  // namespace

Dataset read_csv(const std::string& path, MissingChoice missing) {
  return parse_csv(path, read_whole_file(path), missing);
}

Dataset parse_csv(const std::string& source, std::string_view text,
                  MissingChoice missing) {
  return CsvReader(source, text, missing).read();
}

}  // namespace sigtape
