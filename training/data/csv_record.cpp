#include "sigtape/training/data/csv_record.h"

#include <algorithm>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/text.h"

namespace sigtape {

CsvRecords::CsvRecords(std::string source, std::string_view text)
    : source_(std::move(source)), rest_(without_mark(source_, text)) {}

std::string CsvRecords::where() const {
  return source_ + ":" + std::to_string(std::max<std::int64_t>(line_, 1));
}

bool CsvRecords::at_end_of_line() const {
  return rest_.empty() || rest_[0] == '\n' || rest_.starts_with("\r\n") ||
         rest_ == "\r";
}

bool CsvRecords::next() {
  bool blank = true;
  while (blank && !rest_.empty()) {
    cells_.clear();
    line_ = next_line_;
    read_cell();
    while (!at_end_of_line()) {
      rest_.remove_prefix(1);  // the comma
      read_cell();
    }
    const std::size_t end = rest_.find('\n');
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++next_line_;
    blank = cells_.size() == 1 && cells_[0].empty();
  }
  return !blank;
}

void CsvRecords::read_cell() {
  const std::size_t first = rest_.find_first_not_of(" \t");
  if (first != std::string_view::npos && rest_[first] == '"') {
    rest_.remove_prefix(first + 1);
    return read_quoted_cell();
  }
  std::size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
  const bool line_end = end == rest_.size() || rest_[end] == '\n';
  if (line_end && rest_.substr(0, end).ends_with('\r')) --end;
  cells_.emplace_back(trimmed(rest_.substr(0, end)));
  rest_.remove_prefix(end);
}

void CsvRecords::read_quoted_cell() {
  std::string& cell = cells_.emplace_back();
  bool open = true;
  while (open) {
    const std::size_t quote = rest_.find('"');
    require<DataError>(quote != std::string_view::npos, where(),
                       ": expected a closing quote after ", in_quotes(cell),
                       ", found the end of the file");
    const std::string_view part = rest_.substr(0, quote);
    next_line_ += std::count(part.begin(), part.end(), '\n');
    cell += part;
    rest_.remove_prefix(quote + 1);
    open = rest_.starts_with('"');
    if (open) {
      cell += '"';
      rest_.remove_prefix(1);
    }
  }
  const std::size_t blanks = rest_.find_first_not_of(" \t");
  rest_.remove_prefix(std::min(blanks, rest_.size()));
  require<DataError>(at_end_of_line() || rest_[0] == ',', where(),
                     ": expected ',' or the line's end after the quoted cell ",
                     in_quotes(cell), ", found ",
                     in_quotes(rest_.substr(0, rest_.find('\n'))));
}

}  // namespace sigtape
