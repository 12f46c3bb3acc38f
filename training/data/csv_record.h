#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sigtape {

/// Splits comma-separated text (RFC 4180) into records of cells; quotes are
/// taken off, blanks around an unquoted cell cut, empty lines passed over.
class CsvRecords {
 public:
  /// `source` names the text in messages.
  CsvRecords(std::string source, std::string_view text);
  /// Reads the next record into cells(); false at the end. A quote that is not
  /// closed, or text behind a closed one, is a DataError.
  bool next();
  const std::vector<std::string>& cells() const { return cells_; }
  /// "SOURCE:LINE" of the record's first line.
  std::string where() const;

 private:
  void read_cell();
  void read_quoted_cell();
  bool at_end_of_line() const;

  std::string source_;
  std::string_view rest_;
  std::vector<std::string> cells_;
  std::int64_t line_ = 0, next_line_ = 1;
};

}  // namespace sigtape
