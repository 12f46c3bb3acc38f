#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sigtape/framework/check.h"

namespace sigtape {

/// The whole content of a file. One that is missing, a folder or unreadable is
/// a FileError that names the path and the reason.
std::string read_whole_file(const std::string& path);

/// `bytes` without a UTF-8 byte order mark. A file in UTF-16 is a DataError.
std::string_view without_mark(const std::string& source,
                              std::string_view bytes);

/// A text taken line by line; lines end with LF, CRLF or the text's end.
class LineReader {
 public:
  /// `source` names the text in messages.
  LineReader(std::string source, std::string_view text);
  /// Moves on to the next line; false at the end.
  bool next();
  /// The current line without its end.
  std::string_view line() const { return line_; }
  /// Number of the current line, from 1.
  std::int64_t number() const { return number_; }
  const std::string& source() const { return source_; }
  /// "SOURCE:LINE"; line 1 where there is none.
  std::string where() const;
  /// Throws DataError "SOURCE:LINE: " with the parts.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    sigtape::fail<DataError>(where(), ": ", parts...);
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 private:
  std::string source_;
  std::string_view rest_, line_;
  std::int64_t number_ = 0;
};

}  // namespace sigtape
