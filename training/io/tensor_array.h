#pragma once

#include <string>

#include "sigtape/framework/tensor.h"
#include "sigtape/training/io/named_array.h"

namespace sigtape {

/// The elements of `tensor` in row-major order, under `name`.
NamedArray to_named_array(const std::string& name, const Tensor& tensor);

/// A new tensor with the elements of `array`, on the CPU. DataError for more
/// dimensions than a Shape has.
Tensor to_tensor(const NamedArray& array);

/// Writes the elements of `array` into `target`, in place, converted to its
/// type: weights from a file into a parameter. Throws DataError that begins
/// with `source` and names array and both shapes where they differ, or where
/// integers meet floating-point numbers.
void copy_array_into(Tensor& target, const NamedArray& array,
                     const std::string& source);

}  // namespace sigtape
