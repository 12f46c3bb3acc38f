#pragma once

#include <string>

#include "sigtape/layers/sequential.h"

namespace sigtape {

/// The layers of a built model, one per line: name, type, output shape,
/// parameters; each parameter's name and shape below its layer; the sum.
std::string layer_table(const Sequential& model);

}  // namespace sigtape
