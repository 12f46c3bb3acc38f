#pragma once

#include <string>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/training/io/safetensors.h"

namespace sigtape {

/// Copies of tensors as arrays.
std::vector<NamedArray> to_arrays(const std::vector<NamedTensor>& tensors);

/// Overwrites each of `tensors` by the array of its name, converted to the
/// tensor's type. Throws DataError, naming `source` and every array that is
/// missing, not asked for or of another shape; nothing is written then.
void assign_arrays(const std::vector<NamedTensor>& tensors,
                   const std::vector<NamedArray>& arrays,
                   const std::string& source);

/// Reads weights for `model` from a .npz or .safetensors file with the names
/// that `sigtrain inspect` shows. Throws UsageError for another ending, else
/// as the readers and assign_arrays.
void load_weights(Module& model, const std::string& path);

}  // namespace sigtape
