#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sigtape/training/config/field_builders.h"
#include "sigtape/training/config/forms.h"

// What the table's layers are written with, and those of streams.

namespace sigtape::config {

inline constexpr Range kSize{1, 1e6};

/// Accessor of a setting of the layer that a LayerConfig holds.
template <class S, class M>
auto in(M S::*member) {
  return [member](void* object) -> M& {
    return std::get<S>(static_cast<LayerConfig*>(object)->settings).*member;
  };
}

template <class S>
Section layer(const char* tag, const char* help,
              std::vector<Field> fields = {}) {
  fields.push_back(layer_name(
      "name",
      "prefix of the layer's parameters; by default layers.I, with I "
      "the layer's number from 0"));
  Section section = keys<LayerConfig>(tag, std::string("layer '") + tag + "'",
                                      help, std::move(fields));
  section.make = [] {
    return std::make_shared<LayerConfig>(LayerConfig{"", S{}});
  };
  return section;
}

/// Windows and transforms of streams, in the order of LayerSettings.
std::vector<const Section*> stream_layer_sections();

}  // namespace sigtape::config
