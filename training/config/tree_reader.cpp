#include "sigtape/training/config/tree_reader.h"

#include <unordered_map>

#include "sigtape/training/config/unknown_key.h"
#include "sigtape/training/config/value.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape::config {
namespace {

std::string name_of(const Section& section, const Field& field) {
  return "key '" + field.key + "'" + section.location;
}

// Fills one field of one object.
class FieldReader {
 public:
  FieldReader(const Section& section, const Field& field, void* object,
              Problems& problems)
      : section_(section),
        field_(field),
        object_(object),
        problems_(problems) {}

  void read(const Node& node) {
    if (field_.nest == Nest::tagged) return tagged(node);
    if (field_.nest == Nest::tagged_list) return list(node);
    if (says_nothing(node) && may_be_absent(field_)) return;
    const bool map =
        node.kind == Node::Kind::map || (says_nothing(node) && !field_.forms);
    if (field_.nest == Nest::section && map)
      return child(0, node.kind == Node::Kind::map ? node : nothing(node));
    if (auto value = read_value(field_, node, section_.location, problems_))
      field_.set(object_, *value);
  }

 private:
  static Node nothing(const Node& node) {
    Node empty;
    empty.place = node.place;
    return empty;
  }

  // One map of a section, stored if it has no fault.
  void child(std::size_t index, const Node& node) {
    const Section& below = *field_.sections[index];
    const Object made = below.make();
    const std::size_t before = problems_.size();
    read_section(below, node, made.get(), problems_);
    if (problems_.size() == before) field_.put(object_, index, made.get());
  }

  std::string tags() const {
    std::vector<std::string> words;
    for (const Section* section : field_.sections)
      words.push_back(section->tag);
    return listed(words);
  }

  void tagged(const Node& node) {
    if (node.kind == Node::Kind::scalar)
      return settings(node.text, node.place, nothing(node));
    if (node.entries.size() == 1) {
      const Entry& entry = node.entries.front();
      return settings(entry.key, entry.place, entry.value);
    }
    if (node.kind == Node::Kind::map && !node.entries.empty())
      return several(node);
    problems_.add(
        node.place, name_of(section_, field_), ": expected one ", field_.noun,
        " (", tags(), "), got ",
        node.kind == Node::Kind::map ? "an empty map" : described(node));
  }

  void several(const Node& node) {
    std::vector<std::string> keys;
    for (const Entry& entry : node.entries)
      keys.push_back("'" + entry.key + "'");
    problems_.add(place_of(node.entries[1]), "expected one ", field_.noun,
                  " with its settings below it, got ", listed(keys, " and "));
  }

  void settings(const std::string& tag, const Place& place, const Node& node) {
    const int index = find_tag(field_, tag);
    if (index >= 0) return child(static_cast<std::size_t>(index), node);
    problems_.add(place, "unknown ", field_.noun, " '", tag, "'",
                  tag_advice(field_, tag));
  }

  void list(const Node& node) {
    if (node.kind != Node::Kind::list) {
      problems_.add(node.place, name_of(section_, field_),
                    ": expected a list of ", field_.noun, "s, got ",
                    described(node));
      return;
    }
    for (const Node& item : node.items) tagged(item);
  }

  const Section& section_;
  const Field& field_;
  void* object_;
  Problems& problems_;
};

// A default as a node. It comes from the table, which stays and is valid: each
// is read once a thread.
Node default_node(const Field& field, const Node& map) {
  thread_local std::unordered_map<const Field*, Node> nodes;
  auto found = nodes.find(&field);
  if (found == nodes.end()) {
    Problems none("", {});
    found = nodes.emplace(&field, read_yaml(field.fallback, 0, none)).first;
  }
  Node node = found->second;
  node.place = map.place;
  return node;
}

// Reports the keys that the section does not have; returns those that seem to
// be meant.
std::set<std::string> unknown_keys(const Section& section, const Node& node,
                                   Problems& problems) {
  std::set<std::string> meant;
  for (const Entry& entry : node.entries) {
    if (find_field(section, entry.key)) continue;
    std::string key;
    const std::string text = advice(section, node, entry.key, &key);
    problems.add(entry.place, "unknown key '", entry.key, "'", section.location,
                 text);
    meant.insert(key);
  }
  return meant;
}

}  // namespace

void read_section(const Section& section, const Node& node, void* object,
                  Problems& problems, std::set<std::string>* faulty) {
  const std::size_t before = problems.size();
  if (node.kind != Node::Kind::map && !says_nothing(node)) {
    problems.add(node.place,
                 section.title.empty() ? "the configuration" : section.title,
                 ": expected a map of keys, got ", described(node));
    return;
  }
  const std::set<std::string> meant = unknown_keys(section, node, problems);
  Node empty;
  empty.place = node.place;
  for (const Field& field : section.fields) {
    const std::size_t so_far = problems.size();
    const Entry* entry = find_entry(node, field.key);
    FieldReader reader(section, field, object, problems);
    if (entry)
      reader.read(entry->value);
    else if (field.always)
      reader.read(empty);
    else if (!field.fallback.empty())
      reader.read(default_node(field, node));
    else if (field.required && !meant.count(field.key))
      problems.add(node.place, "missing key '", field.key, "'",
                   section.location);
    const bool missing = field.required && !entry;
    if (faulty && (missing || problems.size() != so_far))
      faulty->insert(field.key);
  }
  if (section.check && problems.size() == before)
    section.check({node, problems}, object);
}

}  // namespace sigtape::config
