#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sigtape/training/config/node.h"
#include "sigtape/training/config/problems.h"

namespace sigtape::config {

/// A value that is not a map: what a key without keys of its own holds.
using Value = std::variant<bool, std::int64_t, double, std::string,
                           std::vector<std::int64_t>, std::vector<double>>;

/// The forms a value may take; a key may accept several of them.
enum Form : unsigned {
  kBoolean = 1,
  kInteger = 2,
  kBytes = 4,  // an integer, or one with KiB, MiB or GiB
  kNumber = 8,
  kChoice = 16,
  kText = 32,
  kDevice = 64,
  kName = 128,
  kIntegers = 256,
  kNumbers = 512,
};

/// An interval; its ends belong to it unless `above` or `below`.
struct Range {
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  bool above = false;
  bool below = false;
};

/// How the maps below a key are arranged.
enum class Nest {
  none,         // no map
  section,      // a map of keys: sections[0]
  tagged,       // NAME, or {NAME: {keys}}, NAME one of the sections' tags
  tagged_list,  // a list of such
};

struct Section;
using Object = std::shared_ptr<void>;

/// One key: what it accepts, what it means, and where its value is kept.
struct Field {
  std::string key;
  std::string help;
  /// The default as YAML; empty: the key may be absent.
  std::string fallback;
  bool required = false;
  /// A section that is there even where it is not written: its keys have
  /// defaults of their own.
  bool always = false;

  unsigned forms = 0;
  Range range;
  std::vector<std::string> choices;
  /// Entries a list must have; 0: any number.
  std::size_t count = 0;
  std::function<void(void*, const Value&)> set;
  std::function<std::optional<Value>(const void*)> get;

  Nest nest = Nest::none;
  /// What one of the sections is called in messages.
  std::string noun;
  std::vector<const Section*> sections;
  /// Stores a finished map of section number `index`; a list grows by it.
  std::function<void(void*, std::size_t index, const void* child)> put;
  /// Copies of the maps there are, each with its section's number.
  using Children = std::vector<std::pair<std::size_t, Object>>;
  std::function<Children(const void*)> view;
};

/// What a section check is told: the map as written and where faults go.
struct Check {
  const Node& node;
  Problems& problems;
  /// Place of `key` where it is written, else of the map.
  Place at(const std::string& key) const;
};

/// A map of keys.
struct Section {
  /// The name among its alternatives ("adam"); empty for a plain section.
  std::string tag;
  /// As messages name it: "section 'train'"; empty at the top level.
  std::string title;
  /// Behind a key's name in messages: " in section 'train'".
  std::string location;
  std::string help;
  std::vector<Field> fields;
  /// A new object of the type the fields write to.
  std::function<Object()> make;
  /// What the fields cannot check one by one; may be empty. Only called when
  /// every field is valid.
  std::function<void(const Check&, const void*)> check;
};

/// The field of `key`, or null.
const Field* find_field(const Section& section, const std::string& key);

/// Whether a configuration may do without a value of the field.
bool may_be_absent(const Field& field);

/// Number of the section with this tag, or -1.
int find_tag(const Field& field, const std::string& tag);

}  // namespace sigtape::config
