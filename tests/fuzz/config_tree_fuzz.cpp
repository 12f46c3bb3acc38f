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

class Grower {
 public:
  explicit Grower(fuzz::Bytes& bytes) : bytes_(bytes) {}

  std::string section(const Section& section, int depth) {
    std::string text;
    for (const Field& field : section.fields) {
      if (!field.required && bytes_.one_in(2)) continue;
      if (field.required && bytes_.one_in(16)) continue;
      const std::string key =
          bytes_.one_in(64) ? damaged(field.key) : field.key;
      text += (text.empty() ? "" : ", ") + key + ": " + value(field, depth);
    }
    return "{" + text + "}";
  }

 private:
  std::string damaged(std::string key) {
    key[bytes_.below(key.size())] = static_cast<char>('a' + bytes_.below(26));
    return key;
  }

  std::string value(const Field& field, int depth) {
    if (bytes_.one_in(16))
      return odd_values[bytes_.below(std::size(odd_values))];
    if (depth >= deepest) return "null";
    if (field.nest == Nest::section && (!field.forms || bytes_.one_in(2)))
      return section(*field.sections[0], depth + 1);
    if (field.nest == Nest::tagged) return tagged(field, depth);
    if (field.nest == Nest::tagged_list) return list(field, depth);
    return scalar(field);
  }

  std::string tagged(const Field& field, int depth) {
    const Section& chosen =
        *field.sections[bytes_.below(field.sections.size())];
    if (bytes_.one_in(4)) return chosen.tag;
    return "{" + chosen.tag + ": " + section(chosen, depth + 1) + "}";
  }

  std::string list(const Field& field, int depth) {
    std::string text;
    for (auto count = bytes_.below(5); count > 0; --count)
      text += (text.empty() ? "" : ", ") + tagged(field, depth);
    return "[" + text + "]";
  }

  std::string scalar(const Field& field) {
    if ((field.forms & config::kChoice) && !bytes_.one_in(4))
      return field.choices[bytes_.below(field.choices.size())];
    if (field.forms & config::kBoolean && bytes_.one_in(2))
      return bytes_.one_in(2) ? "true" : "false";
    if (field.forms & (config::kIntegers | config::kNumbers) &&
        bytes_.one_in(2))
      return "[" + number(field) + ", " + number(field) + "]";
    if (field.forms & (config::kText | config::kName))
      return bytes_.one_in(2) ? "a.npz" : "b" + std::to_string(bytes_.byte());
    return number(field);
  }

  std::string number(const Field& field) {
    const bool whole = !(field.forms & (config::kNumber | config::kNumbers));
    const double edge =
        bytes_.one_in(2) ? field.range.lowest : field.range.highest;
    if (bytes_.one_in(8) && std::isfinite(edge))
      return std::to_string(static_cast<std::int64_t>(edge));
    if (whole) return std::to_string(bytes_.below(20));
    return "0." + std::to_string(bytes_.byte());
  }

  fuzz::Bytes& bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  fuzz::Bytes bytes(data, size);
  const std::string text = Grower(bytes).section(config::schema(), 0);
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
