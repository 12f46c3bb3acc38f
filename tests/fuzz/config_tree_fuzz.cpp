// Configurations that are YAML and whose keys exist: grown along the table of
// keys, with values of every form, in and out of range. Reaches what mutated
// bytes seldom do: the checks behind the parser.
#include <cmath>

#include "fuzz/fuzz.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"

using namespace sigtape;
using config::Field;
using config::Nest;
using config::Section;

namespace {

constexpr int deepest = 6;

constexpr const char* odd_values[] = {"0",
                                      "-1",
                                      "1e400",
                                      "-0.0",
                                      ".nan",
                                      ".inf",
                                      "null",
                                      "~",
                                      "[]",
                                      "{}",
                                      "007",
                                      "0x10",
                                      "1_000",
                                      "1e9",
                                      "''",
                                      "\"\"",
                                      "[1,2]",
                                      "{a: 1}",
                                      "9223372036854775807",
                                      "1e-320",
                                      "yes",
                                      "auto",
                                      "none",
                                      "zero",
                                      "balanced",
                                      "[[1]]",
                                      "1 GiB",
                                      "a.npz"};

// Writes one text.
class Grower {
 public:
  explicit Grower(fuzz::Bytes& bytes) : bytes_(bytes) {
    text_.reserve(longest);
  }

  std::string take() { return std::move(text_); }

  void section(const Section& section, int depth) {
    text_ += '{';
    bool first = true;
    for (const Field& field : section.fields) {
      if (!field.required && bytes_.one_in(2)) continue;
      if (field.required && bytes_.one_in(16)) continue;
      if (!first) text_ += ", ";
      first = false;
      key(field.key);
      text_ += ": ";
      value(field, depth);
    }
    text_ += '}';
  }

 private:
  static constexpr std::size_t longest = 4096;

  void key(const std::string& key) {
    const bool damaged = bytes_.one_in(64);
    text_ += key;
    if (!damaged) return;
    const std::size_t at = text_.size() - key.size() + bytes_.below(key.size());
    text_[at] = static_cast<char>('a' + bytes_.below(26));
  }

  void value(const Field& field, int depth) {
    if (bytes_.one_in(16)) {
      text_ += odd_values[bytes_.below(std::size(odd_values))];
      return;
    }
    if (depth >= deepest) {
      text_ += "null";
      return;
    }
    if (field.nest == Nest::section && (!field.forms || bytes_.one_in(2)))
      return section(*field.sections[0], depth + 1);
    if (field.nest == Nest::tagged) return tagged(field, depth);
    if (field.nest == Nest::tagged_list) return list(field, depth);
    scalar(field);
  }

  void tagged(const Field& field, int depth) {
    const Section& chosen =
        *field.sections[bytes_.below(field.sections.size())];
    if (bytes_.one_in(4)) {
      text_ += chosen.tag;
      return;
    }
    text_ += '{';
    text_ += chosen.tag;
    text_ += ": ";
    section(chosen, depth + 1);
    text_ += '}';
  }

  void list(const Field& field, int depth) {
    text_ += '[';
    for (auto count = bytes_.below(5); count > 0; --count) {
      tagged(field, depth);
      if (count > 1) text_ += ", ";
    }
    text_ += ']';
  }

  void scalar(const Field& field) {
    if ((field.forms & config::kChoice) && !bytes_.one_in(4)) {
      text_ += field.choices[bytes_.below(field.choices.size())];
      return;
    }
    if (field.forms & config::kBoolean && bytes_.one_in(2)) {
      text_ += bytes_.one_in(2) ? "true" : "false";
      return;
    }
    if (field.forms & (config::kIntegers | config::kNumbers) &&
        bytes_.one_in(2)) {
      text_ += '[';
      number(field);
      text_ += ", ";
      number(field);
      text_ += ']';
      return;
    }
    if (field.forms & (config::kText | config::kName)) {
      text_ += bytes_.one_in(2) ? "a.npz" : "b" + std::to_string(bytes_.byte());
      return;
    }
    number(field);
  }

  void number(const Field& field) {
    const bool whole = !(field.forms & (config::kNumber | config::kNumbers));
    const double edge =
        bytes_.one_in(2) ? field.range.lowest : field.range.highest;
    if (bytes_.one_in(8) && std::isfinite(edge)) {
      text_ += std::to_string(static_cast<std::int64_t>(edge));
      return;
    }
    if (!whole) text_ += "0.";
    text_ += std::to_string(whole ? bytes_.below(20) : bytes_.byte());
  }

  fuzz::Bytes& bytes_;
  std::string text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::Bytes bytes(data, size);
  Grower grower(bytes);
  grower.section(config::schema(), 0);
  const std::string text = grower.take();
  try {
    const Config config = parse_config(text, "f.yaml");
    fuzz::expect(parse_config(to_yaml(config), "f.yaml") == config,
                 "the resolved configuration to read back the same");
  } catch (const ConfigError& error) {
    fuzz::expect(!error.lines().empty(), "an error of at least one line");
    for (const std::string& line : error.lines())
      fuzz::expect(line.find("not YAML") == std::string::npos,
                   "a grown text to be YAML");
  }
  return 0;
}
