// YAML libraries have crashed on deep nesting, on anchors and tags at the end
// of a text, and on unbalanced brackets. So a text passes this scanner first:
// it knows only as much YAML as configurations use, and refuses the rest.

#include "sigtape/training/config/guard.h"

#include <string_view>
#include <vector>

namespace sigtape::config {
namespace {

struct Stop {};

class Guard {
 public:
  Guard(const std::string& text, int source, Problems& problems)
      : text_(text), source_(source), problems_(problems) {}

  void run() {
    while (at_ < text_.size()) line();
    if (!open_.empty())
      stop_at(open_.back().place, "'", open_.back().bracket,
              "' is never closed");
  }

 private:
  struct Open {
    char bracket;
    Place place;
  };

  Place here() const {
    return {source_, line_, static_cast<int>(at_ - line_start_) + 1};
  }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  bool at_end_of_line() const { return peek() == '\n'; }
  static bool is_gap(char c) { return c == ' ' || c == '\n'; }

  template <class... Parts>
  [[noreturn]] void stop_at(const Place& place, const Parts&... parts) {
    problems_.add(place, parts...);
    throw Stop{};
  }
  template <class... Parts>
  [[noreturn]] void stop(const Parts&... parts) {
    stop_at(here(), parts...);
  }

  void line() {
    line_start_ = at_;
    document_marker();
    skip_spaces();
    if (open_.empty() && !at_end_of_line() && peek() != '#') indent();
    while (!at_end_of_line()) {
      token();
      skip_spaces();
    }
    ++at_;
    ++line_;
  }

  void document_marker() {
    const auto start = std::string_view(text_).substr(at_, 3);
    if (start == "..." && is_gap(peek(3)))
      stop("the document end '...' is not supported");
    if (start != "---" || !is_gap(peek(3))) return;
    if (started_) stop("a second document: a file holds one configuration");
    started_ = true;
    at_ += 3;
  }

  void skip_spaces() {
    while (peek() == ' ') ++at_;
  }

  // Keeps the columns at which the enclosing blocks start.
  void indent() {
    started_ = true;
    enter_column();
    while (peek() == '-' && is_gap(peek(1))) {
      ++at_;
      skip_spaces();
      if (!at_end_of_line() && peek() != '#') enter_column();
    }
  }

  void enter_column() {
    const int column = here().column;
    if (complete_ && !columns_.empty() && column > columns_.back())
      stop("unexpected indentation: the value above is complete");
    complete_ = false;
    while (!columns_.empty() && columns_.back() >= column) columns_.pop_back();
    columns_.push_back(column);
    check_nesting();
  }

  void check_nesting() {
    if (columns_.size() + open_.size() > kMaxNesting)
      stop("more than ", kMaxNesting, " levels of nesting");
  }

  bool in_list() const { return !open_.empty(); }
  char closing() const { return open_.back().bracket == '[' ? ']' : '}'; }

  void token() {
    const char c = peek();
    if (c == '#') return comment();
    if (in_list() && (c == ']' || c == '}')) return close(c);
    if (in_list() && c == ',') return separator();
    if (in_list() && complete_)
      stop("expected ',' or '", closing(), "' after a value, got '", c, "'");
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '[' || c == '{') return open(c);
    if (in_list() && c == '-' && is_gap(peek(1)))
      stop("a '-' entry inside brackets: separate entries by commas");
    refuse(c);
    plain();
  }

  void comment() {
    while (!at_end_of_line()) ++at_;
  }

  void separator() {
    ++at_;
    complete_ = false;
  }

  void refuse(char c) {
    if (c == '&' || c == '*')
      stop("anchors and aliases ('", c, "') are not supported");
    if (c == '!') stop("tags ('!') are not supported");
    if (c == '|' || c == '>') stop("block texts ('", c, "') are not supported");
    if (c == '?') stop("explicit keys ('?') are not supported");
    if (c == '%') stop("directives ('%') are not supported");
    if (c == '@' || c == '`')
      stop("a text that starts with '", c, "' needs quotes");
    if (c == ']' || c == '}') stop("'", c, "' without an opening bracket");
    if (c == ',') stop("',' outside of a list");
    if (c == ':' && ends_key(peek(1))) stop("':' without a key");
  }

  // A text without quotes ends with its line, before a comment, after the
  // colon of a key and, in a list, at a comma or bracket.
  void plain() {
    for (; !at_end_of_line(); ++at_) {
      const char c = peek();
      if (c == ' ' && peek(1) == '#') break;
      if (c == ':' && ends_key(peek(1))) return separator();
      if (!in_list()) continue;
      if (c == '[' || c == '{' || c == '?')
        stop("'", c, "' inside a text: put the text in quotes");
      if (c == ',' || c == ']' || c == '}') break;
    }
    complete_ = true;
  }

  bool ends_key(char next) const {
    const bool bracket =
        next == ',' || next == ']' || next == '}' || next == '[' || next == '{';
    return is_gap(next) || (in_list() && bracket);
  }

  void open(char c) {
    open_.push_back({c, here()});
    check_nesting();
    separator();
  }

  void close(char c) {
    if (c != closing())
      stop("expected '", closing(), "' for the '", open_.back().bracket,
           "' at ", open_.back().place.line, ":", open_.back().place.column,
           ", got '", c, "'");
    open_.pop_back();
    ++at_;
    after_value();
  }

  void quoted(char quote) {
    const Place start = here();
    for (++at_; peek() != quote || doubled(quote); ++at_) {
      if (quote == '"' && peek() == '\\') ++at_;
      if (at_end_of_line())
        stop_at(start, "this quote does not end on its line");
    }
    ++at_;
    after_value();
  }

  // '' stands for one quote inside single quotes.
  bool doubled(char quote) {
    if (quote != '\'' || peek(1) != '\'') return false;
    ++at_;
    return true;
  }

  // What may follow a closing quote or bracket.
  void after_value() {
    const bool gap = peek() == ' ';
    skip_spaces();
    const char c = peek();
    complete_ = true;
    if (at_end_of_line() || (c == '#' && gap)) return;
    if (in_list() && (c == ',' || c == ']' || c == '}')) return;
    if (c != ':' || !ends_key(peek(1)))
      stop("unexpected '", c, "' after a value");
    separator();
  }

  const std::string& text_;
  const int source_;
  Problems& problems_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  bool started_ = false;
  bool complete_ = false;  // the last token ended a value
  std::vector<Open> open_;
  std::vector<int> columns_;
};

// The length of the UTF-8 character that starts at `at`; 0 if there is none.
std::size_t character_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0   ? 4
                             : first >= 0xe0 ? 3
                             : first >= 0xc2 ? 2
                                             : 0;
  if (first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(at + 1);
  const bool overlong =
      (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside =
      (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

bool check_characters(const std::string& text, int source, Problems& problems) {
  Place place{source, 1, 1};
  for (std::size_t i = 0, step; i < text.size(); i += step) {
    const auto c = static_cast<unsigned char>(text[i]);
    step = character_length(text, i);
    if (step == 0)
      problems.add(place, "not UTF-8");
    else if (c == '\t')
      problems.add(place, "a tab: use spaces");
    else if ((c < 0x20 && c != '\n') || c == 0x7f)
      problems.add(place, "a control character (byte ", int{c}, ")");
    else {
      place.column += static_cast<int>(step);
      if (c == '\n') place = {source, place.line + 1, 1};
      continue;
    }
    return false;
  }
  return true;
}

}  // namespace

bool check_text(const std::string& text, int source, Problems& problems) {
  if (text.size() > kMaxBytes) {
    problems.add({source, 1, 1}, "more than ", kMaxBytes, " bytes");
    return false;
  }
  if (!check_characters(text, source, problems)) return false;
  try {
    Guard(text, source, problems).run();
  } catch (const Stop&) {
    return false;
  }
  return true;
}

}  // namespace sigtape::config
