#include "sigtape/training/config/unknown_key.h"

#include <algorithm>
#include <map>
#include <set>

#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/suggest.h"
#include "sigtape/training/config/value.h"

namespace sigtape::config {
namespace {

// Key or tag, and the names of the places where it may stand.
using Homes = std::map<std::string, std::vector<std::string>>;

void collect(const Section& section, std::set<const Section*>& seen,
             Homes& homes) {
  if (!seen.insert(&section).second) return;
  const std::string home =
      section.title.empty() ? "the top level" : section.title;
  for (const Field& field : section.fields) {
    homes[field.key].push_back(home);
    for (const Section* below : field.sections) {
      if (!below->tag.empty())
        homes[below->tag].push_back("'" + field.key + "' in " + home);
      collect(*below, seen, homes);
    }
  }
}

const Homes& all_homes() {
  static const Homes homes = [] {
    Homes made;
    std::set<const Section*> seen;
    collect(schema(), seen, made);
    return made;
  }();
  return homes;
}

const std::vector<std::string>& all_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> made;
    for (const auto& home : all_homes()) made.push_back(home.first);
    return made;
  }();
  return keys;
}

std::string belongs_to(const std::string& key) {
  std::vector<std::string> homes = all_homes().at(key);
  constexpr std::size_t most = 3;
  if (homes.size() > most) {
    homes.resize(most);
    homes.push_back("others");
  }
  return listed(homes);
}

std::string elsewhere(const std::string& key) {
  if (all_homes().count(key)) return "; it belongs to " + belongs_to(key);
  const std::string found = nearest(key, all_keys());
  if (found.empty()) return "";
  return "; did you mean '" + found + "', which belongs to " +
         belongs_to(found) + "?";
}

std::string choose(const std::string& word,
                   const std::vector<std::string>& here, std::string* meant) {
  const std::string found = nearest(word, here);
  const bool close = !found.empty() && edit_distance(word, found) <= 1;
  if (found.empty() || (!close && all_homes().count(word))) return "";
  if (meant) *meant = found;
  return "; did you mean '" + found + "'?";
}

}  // namespace

std::string advice(const Section& section, const Node& node,
                   const std::string& key, std::string* meant) {
  std::vector<std::string> keys, unused;
  for (const Field& field : section.fields) {
    keys.push_back(field.key);
    if (!find_entry(node, field.key)) unused.push_back(field.key);
  }
  for (const std::vector<std::string>* candidates : {&unused, &keys}) {
    const std::string text = choose(key, *candidates, meant);
    if (!text.empty()) return text;
  }
  const std::string text = elsewhere(key);
  if (!text.empty()) return text;
  return keys.empty() ? "; it takes no keys" : "; expected " + listed(keys);
}

std::string tag_advice(const Field& field, const std::string& tag) {
  std::vector<std::string> tags;
  for (const Section* section : field.sections) tags.push_back(section->tag);
  for (const std::string& text : {choose(tag, tags, nullptr), elsewhere(tag)})
    if (!text.empty()) return text;
  return "; expected " + listed(tags);
}

}  // namespace sigtape::config
