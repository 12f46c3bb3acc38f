#include "sigtape/training/io/tensor_array.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/tape.h"

namespace sigtape {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian, and so must the processor be");

Shape shape_of(const NamedArray& array) {
  require<DataError>(array.shape.size() <= Shape::max_rank, "'", array.name,
                     "': expected at most ", Shape::max_rank,
                     " dimensions, got ", array.shape.size());
  return Shape(array.shape.data(), static_cast<int>(array.shape.size()));
}

}  // namespace

NamedArray to_named_array(const std::string& name, const Tensor& tensor) {
  const NoGrad no_grad;
  const Tensor dense = contiguous(tensor.to({}));
  const Shape& shape = dense.shape();
  NamedArray array{name, dense.dtype(), {shape.begin(), shape.end()}, {}};
  array.bytes.resize(byte_count(array.shape, array.dtype, name));
  if (array.bytes.empty()) return array;
  dispatch_any(dense, [&]<class T>(auto, T) {
    std::memcpy(array.bytes.data(), dense.data<T>(), array.bytes.size());
  });
  return array;
}

Tensor to_tensor(const NamedArray& array) {
  Tensor tensor = empty(shape_of(array), {.dtype = array.dtype});
  if (array.bytes.empty()) return tensor;
  dispatch_any(tensor, [&]<class T>(auto, T) {
    std::memcpy(tensor.mutable_data<T>(), array.bytes.data(),
                array.bytes.size());
  });
  return tensor;
}

void copy_array_into(Tensor& target, const NamedArray& array,
                     const std::string& source) {
  const Shape shape = shape_of(array);
  require<DataError>(shape == target.shape(), source, ": '", array.name,
                     "': expected shape ", target.shape(), ", got ", shape);
  require<DataError>(is_floating(array.dtype) == is_floating(target.dtype()),
                     source, ": '", array.name, "': expected ", target.dtype(),
                     ", got ", array.dtype);
  const NoGrad no_grad;
  target.copy_(to_tensor(array));
}

}  // namespace sigtape
