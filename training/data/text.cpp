#include "sigtape/training/data/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace sigtape {

std::string read_whole_file(const std::string& path) {
  std::error_code ignored;
  require<FileError>(!std::filesystem::is_directory(path, ignored),
                     "cannot read ", path, ": it is a folder");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  require<FileError>(file.is_open(), "cannot read ", path, ": ",
                     std::strerror(errno));
  std::string content;
  char block[1 << 16];
  while (file.read(block, sizeof block) || file.gcount() > 0) {
    content.append(block, static_cast<std::size_t>(file.gcount()));
  }
  require<FileError>(!file.bad(), "cannot read ", path, ": ",
                     std::strerror(errno));
  return content;
}

std::string_view without_mark(const std::string& source,
                              std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return bytes.substr(3);
  require<DataError>(
      !bytes.starts_with("\xFF\xFE") && !bytes.starts_with("\xFE\xFF"), source,
      ":1: expected text in UTF-8, found UTF-16");
  return bytes;
}

LineReader::LineReader(std::string source, std::string_view text)
    : source_(std::move(source)), rest_(without_mark(source_, text)) {}

bool LineReader::next() {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line_ = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  ++number_;
  return true;
}

std::string LineReader::where() const {
  return source_ + ":" + std::to_string(std::max<std::int64_t>(number_, 1));
}

}  // namespace sigtape
