#include <algorithm>

#include "sigtape/framework/random.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tensor.h"

namespace sigtape {

namespace {

// A tensor whose element i is value(i), computed in double on the CPU.
template <class Value>
Tensor generate(const Shape& shape, TensorOptions options, Value value) {
  if (shapes_only() && is_floating(options.dtype)) return empty(shape, options);
  Tensor result = empty(shape, {options.dtype, {}});
  const std::int64_t count = result.numel();
  const auto fill = [&]<class T>(T* out) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(value(i));
  };
  switch (options.dtype) {
    case DType::float32:
      fill(result.mutable_data<float>());
      break;
    case DType::float64:
      fill(result.mutable_data<double>());
      break;
    case DType::int64:
      fill(result.mutable_data<std::int64_t>());
      break;
  }
  return result.to(options.device);
}

}  // namespace

Tensor empty(const Shape& shape, TensorOptions options) {
  std::int64_t bytes = 0;
  require<MemoryError>(
      !__builtin_mul_overflow(shape.numel(), size_of(options.dtype), &bytes),
      "out of memory: ", shape, " elements of ", options.dtype,
      " are more bytes than can be counted");
  const detail::CountedStorages counted(shapes_only() &&
                                        is_floating(options.dtype));
  return Tensor(Ref<Storage>(new Storage(bytes, options.device)), 0, shape,
                shape.contiguous_strides(), options.dtype);
}

Tensor empty_like(const Tensor& other) {
  return empty(other.shape(), {other.dtype(), other.device()});
}

Tensor zeros(const Shape& shape, TensorOptions options) {
  return full(shape, 0, options);
}

Tensor ones(const Shape& shape, TensorOptions options) {
  return full(shape, 1, options);
}

Tensor full(const Shape& shape, double value, TensorOptions options) {
  Tensor result = empty(shape, options);
  result.fill_(value);
  return result;
}

Tensor from_values(std::span<const double> values, const Shape& shape,
                   TensorOptions options) {
  require(static_cast<std::int64_t>(values.size()) == shape.numel(),
          "from_values: shape ", shape, " needs ", shape.numel(),
          " values, got ", values.size());
  return generate(shape, options, [&](std::int64_t i) { return values[i]; });
}

Tensor from_values(std::initializer_list<double> values, const Shape& shape,
                   TensorOptions options) {
  return from_values(std::span(values.begin(), values.size()), shape, options);
}

Tensor select_blocks(const Tensor& source, std::span<const std::int64_t> firsts,
                     const Shape& shape) {
  require(
      shape.rank() >= 1 && shape[0] == static_cast<std::int64_t>(firsts.size()),
      "select_blocks: expected a shape of ", firsts.size(), " blocks, got ",
      shape);
  require(source.device().is_cpu() && source.is_contiguous(),
          "select_blocks: expected a contiguous source on the CPU");
  const std::int64_t count = shape[0], size = size_of(source.dtype());
  const std::int64_t block = count ? shape.numel() / count : 0;
  const Ref<RowSelection> selection(
      new RowSelection(source.impl()->storage, block * size, count));
  for (std::int64_t i = 0; i < count; ++i) {
    require(firsts[i] >= 0 && firsts[i] + block <= source.numel(),
            "select_blocks: block ", i, " from element ", firsts[i],
            " on: expected ", block, " elements inside ", source.shape());
    selection->starts[i] = (source.impl()->offset + firsts[i]) * size;
  }
  return Tensor(Ref<Storage>(new Storage(selection)), 0, shape,
                shape.contiguous_strides(), source.dtype());
}

Tensor from_indices(std::span<const std::int64_t> values) {
  Tensor result =
      empty({static_cast<std::int64_t>(values.size())}, {DType::int64, {}});
  std::copy(values.begin(), values.end(), result.mutable_data<std::int64_t>());
  return result;
}

Tensor linspace(double first, double last, std::int64_t count,
                TensorOptions options) {
  const double steps =
      static_cast<double>(std::max<std::int64_t>(count - 1, 1));
  return generate({count}, options, [&](std::int64_t i) {
    return first + (last - first) * (static_cast<double>(i) / steps);
  });
}

Tensor uniform(const Shape& shape, double low, double high,
               TensorOptions options) {
  Generator& g = default_generator();
  const std::uint64_t first = g.reserve(shape.numel());
  return generate(shape, options, [&](std::int64_t i) {
    return low + (high - low) * philox_uniform(g.seed, first + i);
  });
}

Tensor randn(const Shape& shape, TensorOptions options) {
  Generator& g = default_generator();
  const std::uint64_t first = g.reserve(shape.numel());
  return generate(shape, options, [&](std::int64_t i) {
    return philox_normal(g.seed, first + i);
  });
}

}  // namespace sigtape
