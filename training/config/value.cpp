#include "sigtape/training/config/value.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>

#include "sigtape/training/config/numbers.h"
#include "sigtape/training/config/suggest.h"

namespace sigtape::config {
namespace {

constexpr std::size_t kMaxName = 64;

bool inside(const Range& range, double x) {
  const bool low = range.above ? x > range.lowest : x >= range.lowest;
  const bool high = range.below ? x < range.highest : x <= range.highest;
  return low && high;
}

bool is_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  if (!text.starts_with("cuda:") || text.size() > 8) return false;
  const Parsed<std::int64_t> index = parse_integer(text.substr(5));
  return index.value && std::isdigit(static_cast<unsigned char>(text[5]));
}

bool is_name(const std::string& text) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return !text.empty() && text.size() <= kMaxName && text.front() != '.' &&
         text.back() != '.' &&
         text.find_first_not_of(letters) == std::string::npos;
}

bool is_text(const std::string& text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !text.empty();
}

bool is_choice(const Field& field, const std::string& text) {
  for (const std::string& word : field.choices)
    if (word == text) return true;
  return false;
}

// Says why no form fitted.
std::string remark(const Field& field, const Node& node,
                   const std::string& hint) {
  const std::string& text = node.text;
  if (node.kind != Node::Kind::scalar) return "";
  if (!hint.empty()) return " (" + hint + ")";
  if (node.quoted && !(field.forms & (kText | kChoice | kName | kDevice)))
    return " (quotes make it a text)";
  std::string word;
  for (const char c : text)
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (field.forms == kBoolean) {
    if (word == "yes" || word == "on" || word == "true") return "; write true";
    if (word == "no" || word == "off" || word == "false")
      return "; write false";
  }
  if ((field.forms & kDevice) && word.starts_with("gpu"))
    return "; a GPU is 'cuda'";
  if (field.forms & kDevice) return did_you_mean(text, {"auto", "cpu", "cuda"});
  return did_you_mean(text, field.choices);
}

class Reader {
 public:
  /// `entry` counts from 1 in a list; 0: the value is none of a list's.
  Reader(const Field& field, const std::string& where, Problems& problems,
         std::size_t entry = 0)
      : field_(field), where_(where), problems_(problems), entry_(entry) {}

  std::optional<Value> read(const Node& node) {
    if (node.kind == Node::Kind::list) {
      if (field_.forms & kIntegers) return list<std::int64_t>(node);
      if (field_.forms & kNumbers) return list<double>(node);
    }
    if (node.kind == Node::Kind::scalar) {
      if (auto found = scalar(node)) return found;
    }
    problems_.add(node.place, name(), ": expected ", expectation(field_),
                  ", got ", described(node), remark(field_, node, hint_));
    return std::nullopt;
  }

 private:
  std::string name() const {
    const std::string key = "key '" + field_.key + "'" + where_;
    return entry_ ? "entry " + std::to_string(entry_) + " of " + key : key;
  }

  std::optional<Value> scalar(const Node& node) {
    const unsigned forms = field_.forms;
    const std::string& text = node.text;
    if (!node.quoted && (forms & kBoolean) &&
        (text == "true" || text == "false"))
      return text == "true";
    if ((forms & kChoice) && is_choice(field_, text)) return text;
    if ((forms & kDevice) && is_device(text)) return text;
    if ((forms & kName) && is_name(text)) return text;
    if (!node.quoted && (forms & (kInteger | kBytes | kNumber)))
      if (auto found = numeric(text)) return found;
    const bool free = !(forms & kNumber) || node.quoted || !looks_numeric(text);
    if ((forms & kText) && free && is_text(text)) return text;
    return std::nullopt;
  }

  std::optional<Value> numeric(const std::string& text) {
    if (field_.forms & kNumber) return take(parse_number(text));
    return take(field_.forms & kBytes ? parse_bytes(text)
                                      : parse_integer(text));
  }

  template <class T>
  std::optional<Value> take(const Parsed<T>& parsed) {
    hint_ = parsed.hint;
    if (!parsed.value) return std::nullopt;
    if (!inside(field_.range, static_cast<double>(*parsed.value)))
      return std::nullopt;
    return *parsed.value;
  }

  template <class T>
  std::optional<Value> list(const Node& node) {
    std::vector<T> values;
    Field entry;
    entry.key = field_.key;
    entry.forms = std::is_same_v<T, double> ? kNumber : kInteger;
    entry.range = field_.range;
    bool valid = true;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      auto value = Reader(entry, where_, problems_, i + 1).read(node.items[i]);
      valid = valid && value;
      if (value) values.push_back(std::get<T>(*value));
    }
    if (!valid) return std::nullopt;
    if (!allowed(values.size())) {
      problems_.add(node.place, name(), ": expected ", expectation(field_),
                    ", got ", values.size(), " entries");
      return std::nullopt;
    }
    return values;
  }

  bool allowed(std::size_t entries) const {
    if (field_.count) return entries == field_.count;
    return entries > 0 || (field_.forms & kIntegers);
  }

  const Field& field_;
  const std::string& where_;
  Problems& problems_;
  const std::size_t entry_;
  std::string hint_;
};

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// A word that YAML and this reader can only take for a text or a choice.
bool is_plain(const std::string& text) {
  constexpr std::string_view safe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  for (const char* word : {"null", "Null", "NULL", "none", "true", "false"})
    if (text == word) return false;
  const bool letter = std::isalpha(static_cast<unsigned char>(text[0]));
  return (letter || text[0] == '/' || text.starts_with("../") ||
          text.starts_with("./")) &&
         text.find_first_not_of(safe) == std::string::npos &&
         !looks_numeric(text);
}

struct Printer {
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(std::int64_t i) const { return std::to_string(i); }
  std::string operator()(double x) const { return print_number(x); }
  std::string operator()(const std::string& text) const {
    return is_plain(text) ? text : quoted(text);
  }
  std::string operator()(const std::vector<std::int64_t>& v) const {
    return list(v);
  }
  std::string operator()(const std::vector<double>& v) const { return list(v); }
  template <class T>
  std::string list(const std::vector<T>& values) const {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i)
      text += (i ? ", " : "") + (*this)(values[i]);
    return text + "]";
  }
};

}  // namespace

std::optional<Value> read_value(const Field& field, const Node& node,
                                const std::string& where, Problems& problems) {
  return Reader(field, where, problems).read(node);
}

bool says_nothing(const Node& node) {
  if (node.kind == Node::Kind::null) return true;
  return node.kind == Node::Kind::scalar && !node.quoted && node.text == "none";
}

std::string listed(const std::vector<std::string>& words, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) text += i + 1 == words.size() ? last : ", ";
    text += words[i];
  }
  return text;
}

std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.lowest);
  const bool high = std::isfinite(range.highest);
  if (low && high && !range.above && !range.below)
    return " from " + print_number(range.lowest) + " to " +
           print_number(range.highest);
  std::string text;
  if (low)
    text += (range.above ? " above " : " of at least ") +
            print_number(range.lowest);
  if (low && high) text += " and";
  if (high)
    text +=
        (range.below ? " below " : " at most ") + print_number(range.highest);
  return text;
}

std::string expectation(const Field& field) {
  const unsigned forms = field.forms;
  const std::string range = range_text(field.range);
  std::vector<std::string> ways;
  if (forms == kBoolean) ways = {"true", "false"};
  if (forms & kChoice) ways = field.choices;
  if (forms & kDevice) ways = {"auto", "cpu", "cuda", "cuda:N"};
  if (forms & kInteger) ways.push_back("an integer" + range);
  if (forms & kBytes) ways.push_back("a number of bytes" + range);
  if (forms & kNumber) ways.push_back("a number" + range);
  const bool data = field.nest == Nest::section;
  if (forms & kText) ways.push_back(data ? "a file name" : "a text");
  if (forms & kName)
    ways.push_back("a name of letters, digits, '_', '-' and '.'");
  const std::string count =
      field.count ? std::to_string(field.count) + " " : "";
  if (forms & kIntegers)
    ways.push_back("a list of " + count + "integers" + range);
  if (forms & kNumbers)
    ways.push_back("a list of " + count + "numbers" + range);
  if (data) ways.push_back("a map of keys");
  return listed(ways);
}

std::string described(const Node& node) {
  if (node.kind == Node::Kind::null) return "nothing";
  if (node.kind == Node::Kind::list) return "a list";
  if (node.kind == Node::Kind::map) return "a map";
  constexpr std::size_t most = 60;
  if (node.text.size() <= most) return "'" + node.text + "'";
  return "'" + node.text.substr(0, most) + "...'";
}

std::string print_number(double number) {
  // Integers of ordinary size without an exponent.
  constexpr double ordinary = 1e15;
  std::array<char, 32> text;
  const bool whole =
      number >= -ordinary && number <= ordinary &&
      number == static_cast<double>(static_cast<std::int64_t>(number));
  const auto result = whole && number != 0
                          ? std::to_chars(text.begin(), text.end(),
                                          static_cast<std::int64_t>(number))
                          : std::to_chars(text.begin(), text.end(), number);
  return {text.begin(), result.ptr};
}

std::string print_value(const Field& field, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text && (field.forms & kChoice)) return *text;
  return std::visit(Printer{}, value);
}

}  // namespace sigtape::config
