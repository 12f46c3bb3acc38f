#include "sigtape/training/commands/layer_table.h"

#include <fmt/format.h>

#include <sstream>

namespace sigtape {

namespace {

std::string text_of(const ValueShape& shape) {
  std::ostringstream text;
  if (shape.is_stream()) {
    text << "(" << (shape.unequal ? "<= " : "") << shape.length << ", "
         << shape.channels << ")";
  } else {
    text << "(" << shape.channels << ")";
  }
  return text.str();
}

}  // namespace

std::string layer_table(const Sequential& model) {
  std::string table = fmt::format("{:<28} {:<12} {:<16} {:>12}\n", "layer",
                                  "type", "output", "parameters");
  table += fmt::format("{:<28} {:<12} {:<16}\n", "input", "",
                       text_of(model.input_shape()));
  for (std::int64_t i = 0; i < model.size(); ++i) {
    const Module& layer = *model.layer(i);
    table +=
        fmt::format("{:<28} {:<12} {:<16} {:>12}\n", layer.name(), layer.type(),
                    text_of(layer.output_shape()), layer.parameter_count());
    for (const NamedTensor& p : layer.named_parameters()) {
      table +=
          fmt::format("  {:<39} {:<16} {:>12}\n", layer.name() + "." + p.name,
                      p.tensor.shape().to_string(), p.tensor.numel());
    }
  }
  return table + fmt::format("{:<28} {:<12} {:<16} {:>12}\n", "total", "", "",
                             model.parameter_count());
}

}  // namespace sigtape
