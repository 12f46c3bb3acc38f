#pragma once

#include <string>
#include <vector>

namespace sigtape::config {

/// Where a piece of configuration was written: in the file (`source` 0, line
/// and column from 1), or in the override number `source` (from 1).
struct Place {
  int source = 0;
  int line = 1;
  int column = 1;
};

struct Entry;

/// One value of a configuration as written, not yet interpreted. `text` and
/// `quoted` belong to scalars, `items` to lists, `entries` (in order, keys
/// unique) to maps.
struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Place place;
  std::string text;
  bool quoted = false;
  std::vector<Node> items;
  std::vector<Entry> entries;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// The entry of `key` in a map; null where there is none or no map.
inline Entry* find_entry(Node& node, const std::string& key) {
  for (Entry& entry : node.entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

inline const Entry* find_entry(const Node& node, const std::string& key) {
  return find_entry(const_cast<Node&>(node), key);
}

/// Where a message about an entry's value points: the key, unless an override
/// has written the value.
inline Place place_of(const Entry& entry) {
  return entry.value.place.source ? entry.value.place : entry.place;
}

}  // namespace sigtape::config
