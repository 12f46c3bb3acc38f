#include "sigtape/training/data/npy_header.h"

#include <charconv>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/number.h"

namespace sigtape {

namespace {

/// NumPy's own limit.
constexpr std::size_t most_dimensions = 64;

class Parser {
 public:
  Parser(std::string_view text, const std::string& source)
      : rest_(text), source_(source) {}

  NpyHeader parse();

 private:
  [[noreturn]] void expected(const std::string& what) const {
    fail<DataError>(source_, ": expected ", what, " in the header, found ",
                    in_quotes(rest_));
  }
  void skip_space() {
    const std::size_t first = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
  }
  bool take(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) expected("'" + std::string(token) + "'");
  }
  std::string take_string();
  bool take_bool();
  std::int64_t take_length();
  std::vector<std::int64_t> take_shape();

  std::string_view rest_;
  const std::string& source_;
};

std::string Parser::take_string() {
  skip_space();
  const char quote = rest_.empty() ? '\0' : rest_.front();
  const std::size_t end = rest_.find(quote, 1);
  if ((quote != '\'' && quote != '"') || end == std::string_view::npos) {
    expected("a text in quotes");
  }
  const std::string text(rest_.substr(1, end - 1));
  rest_.remove_prefix(end + 1);
  return text;
}

bool Parser::take_bool() {
  if (take("True")) return true;
  if (take("False")) return false;
  expected("True or False");
}

std::int64_t Parser::take_length() {
  skip_space();
  std::int64_t length = 0;
  const char* const end = rest_.data() + rest_.size();
  const auto [stop, error] = std::from_chars(rest_.data(), end, length);
  if (error != std::errc() || length < 0) expected("a length");
  rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
  take("L");  // as Python 2 writes its long integers
  return length;
}

std::vector<std::int64_t> Parser::take_shape() {
  std::vector<std::int64_t> shape;
  need("(");
  while (!take(")")) {
    shape.push_back(take_length());
    require<DataError>(shape.size() <= most_dimensions, source_,
                       ": expected at most ", most_dimensions,
                       " dimensions, found more");
    if (!take(",")) {
      need(")");
      break;
    }
  }
  return shape;
}

NpyHeader Parser::parse() {
  NpyHeader header;
  bool descr = false, order = false, shape = false;
  const auto once = [&](bool& seen, const std::string& key) {
    require<DataError>(!seen, source_, ": expected '", key,
                       "' once in the header, found it again");
    seen = true;
  };
  need("{");
  while (!take("}")) {
    const std::string key = take_string();
    need(":");
    if (key == "descr") {
      once(descr, key);
      header.descr = take_string();
    } else if (key == "fortran_order") {
      once(order, key);
      header.fortran_order = take_bool();
    } else if (key == "shape") {
      once(shape, key);
      header.shape = take_shape();
    } else {
      fail<DataError>(source_,
                      ": expected the keys descr, fortran_order and shape in "
                      "the header, found ",
                      in_quotes(key));
    }
    if (!take(",")) {
      need("}");
      break;
    }
  }
  skip_space();
  if (!rest_.empty()) expected("nothing after '}'");
  require<DataError>(descr && order && shape, source_,
                     ": expected the keys descr, fortran_order and shape in "
                     "the header, found fewer");
  return header;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& source) {
  return Parser(text, source).parse();
}

}  // namespace sigtape
