#include "sigtape/training/config/field.h"

namespace sigtape::config {

Place Check::at(const std::string& key) const {
  const Entry* entry = find_entry(node, key);
  return entry ? place_of(*entry) : node.place;
}

const Field* find_field(const Section& section, const std::string& key) {
  for (const Field& field : section.fields)
    if (field.key == key) return &field;
  return nullptr;
}

bool may_be_absent(const Field& field) {
  return !field.required && !field.always && field.fallback.empty();
}

int find_tag(const Field& field, const std::string& tag) {
  for (std::size_t i = 0; i < field.sections.size(); ++i)
    if (field.sections[i]->tag == tag) return static_cast<int>(i);
  return -1;
}

}  // namespace sigtape::config
