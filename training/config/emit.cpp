// A Config as YAML: the sections of the top level as blocks, layers as a block
// list, everything below in one line.

#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/value.h"

namespace sigtape {
namespace config {
namespace {

std::string inline_map(const Section& section, const void* object);

std::string inline_field(const Field& field, std::size_t index,
                         const Object& child) {
  const Section& section = *field.sections[index];
  const std::string map = inline_map(section, child.get());
  if (section.tag.empty()) return map;
  if (map == "{}") return section.tag;
  return field.nest == Nest::tagged_list ? section.tag + ": " + map
                                         : "{" + section.tag + ": " + map + "}";
}

// "[relu, linear: {out: 3}]"
std::string inline_list(const Field& field, const Field::Children& children) {
  std::string text;
  for (const auto& [index, child] : children)
    text += (text.empty() ? "" : ", ") + inline_field(field, index, child);
  return "[" + text + "]";
}

// "key: value" for every key that has one.
std::string inline_map(const Section& section, const void* object) {
  std::string text;
  const auto append = [&](const Field& field, const std::string& value) {
    text += (text.empty() ? "" : ", ") + field.key + ": " + value;
  };
  for (const Field& field : section.fields) {
    if (field.get)
      if (const auto value = field.get(object))
        append(field, print_value(field, *value));
    if (!field.view) continue;
    const Field::Children children = field.view(object);
    if (field.nest == Nest::tagged_list)
      append(field, inline_list(field, children));
    else if (!children.empty())
      append(field, inline_field(field, children[0].first, children[0].second));
  }
  return "{" + text + "}";
}

void block(const Section& section, const void* object,
           const std::string& indent, std::string& text) {
  for (const Field& field : section.fields) {
    const std::string start = indent + field.key + ":";
    if (field.get)
      if (const auto value = field.get(object))
        text += start + " " + print_value(field, *value) + "\n";
    if (!field.view) continue;
    const Field::Children children = field.view(object);
    if (field.nest == Nest::tagged_list) {
      text += start + "\n";
      for (const auto& [index, child] : children)
        text += indent + "  - " + inline_field(field, index, child) + "\n";
    } else if (indent.empty()) {
      text += start + "\n";
      block(*field.sections[0], children[0].second.get(), "  ", text);
    } else if (!children.empty()) {
      const auto& [index, child] = children[0];
      text += start + " " + inline_field(field, index, child) + "\n";
    }
  }
}

}  // namespace
}  // namespace config

std::string to_yaml(const Config& config) {
  std::string text;
  config::block(config::schema(), &config, "", text);
  return text;
}

}  // namespace sigtape
