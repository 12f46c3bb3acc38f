#include "sigtape/layers/signature/tensor_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/system_memory.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/lyndon.h"

namespace sigtape {

namespace {

constexpr double gigabyte = 1e9;
constexpr double uncountable = std::numeric_limits<double>::infinity();

// x's shape with another last dimension.
Shape with_columns(const Tensor& x, std::int64_t columns) {
  Shape shape = x.shape();
  shape[shape.rank() - 1] = columns;
  return shape;
}

Tensor workspace_of(const SeriesShape& shape, const Tensor& x,
                    cpu::SeriesCall call) {
  // On a GPU the kernels take their own.
  const double bytes =
      x.device().is_cpu()
          ? cpu::series_workspace_bytes(shape, size_of(x.dtype()), call)
          : 0;
  return empty({static_cast<std::int64_t>(bytes / 8) + 1},
               {DType::float64, {}});
}

// The rule of a gradient of x and a cotangent. Its results are those of an
// operation that has no derivative.
void go_back_twice(const SeriesNames& names, const SeriesShape& shape,
                   Backward& back) {
  const Tensor x = back.saved(0), g = back.saved(1);
  const Tensor v = contiguous(back.grad());
  Tensor dx, slope;
  if (back.needs(0)) dx = empty_like(x);
  if (back.needs(1)) slope = empty_like(g);
  Tensor workspace = workspace_of(shape, x, cpu::SeriesCall::second);
  compute_floating(names.op, x, [&]<class T>(auto device, T) {
    series_second<T>(device, shape, x.data<T>(), v.data<T>(), g.data<T>(),
                     mutable_pointer<T>(slope), mutable_pointer<T>(dx),
                     workspace.mutable_data<double>());
  });
  const auto add = [&](std::size_t input, const Tensor& result) {
    if (!result.defined()) return;
    back.add(input, record_without_derivative(names.second, result, {x, g, v}));
  };
  add(0, dx);
  add(1, slope);
}

Tensor adjoint(const SeriesNames& names, const SeriesShape& shape,
               const Tensor& x, const Tensor& cotangent) {
  Tensor dx = empty_like(x);
  Tensor workspace = workspace_of(shape, x, cpu::SeriesCall::backward);
  compute_floating(names.op, x, [&]<class T>(auto device, T) {
    series_backward<T>(device, shape, x.data<T>(), cotangent.data<T>(),
                       dx.mutable_data<T>(), workspace.mutable_data<double>());
  });
  return record(
      names.backward, dx, {x, cotangent}, {x, cotangent},
      [names, shape](Backward& b) { go_back_twice(names, shape, b); });
}

// None where all coordinates are those of a signature.
std::optional<LyndonMaps> needed_maps(const SeriesShape& shape) {
  if (shape.argument != Coordinates::signature) return LyndonMaps::expansion;
  if (shape.result == Coordinates::brackets) return LyndonMaps::brackets;
  if (shape.result == Coordinates::words) return LyndonMaps::words;
  return {};
}

// Words of length 1 to `depth`, or infinity.
double word_count(std::int64_t channels, std::int64_t depth) {
  if (depth > std::numeric_limits<int>::max()) return uncountable;
  const auto d = static_cast<double>(channels), n = static_cast<double>(depth);
  const double words = channels == 1 ? n : d * (std::pow(d, n) - 1) / (d - 1);
  return words < 0x1p62 ? words : uncountable;
}

// Bytes of a call at the moment it takes most.
double plan_bytes(SeriesShape shape, std::int64_t depth, DType dtype,
                  bool recorded, double limit) {
  const auto rows = static_cast<double>(shape.rows * size_of(dtype));
  const double words = word_count(shape.channels, depth) * rows;
  if (!(words <= limit)) return words;
  shape.depth = static_cast<int>(depth);
  shape.lyndon_words = logsignature_channels(shape.channels, depth);
  const auto columns =
      static_cast<double>(shape.argument_columns() + shape.result_columns());
  return (recorded ? 2 : 1) * rows * columns +
         cpu::series_workspace_bytes(
             shape, size_of(dtype),
             recorded ? cpu::SeriesCall::backward : cpu::SeriesCall::forward);
}

}  // namespace

void require_series_fits(const char* op, const SeriesShape& shape,
                         std::int64_t depth, DType dtype, bool recorded) {
  require(depth >= 1, op, ": expected depth >= 1, got ", depth);
  auto available = static_cast<double>(available_memory());
  // Tables of words are made in any case.
  if (shapes_only()) {
    available =
        std::min(available, static_cast<double>(physical_memory_bytes()));
  }
  const auto bytes = [&](std::int64_t n) {
    return plan_bytes(shape, n, dtype, recorded, available);
  };
  const double needed = bytes(depth);
  if (needed <= available) [[likely]]
    return;
  std::int64_t largest = 0;
  while (bytes(largest + 1) <= available) ++largest;
  require(std::isfinite(needed), op, ": depth ", depth, " over ",
          shape.channels,
          " channels has more words than can be counted; the largest depth "
          "that fits in memory is ",
          largest);
  fail<MemoryError>(op, ": depth ", depth, " over ", shape.channels,
                    " channels needs ", needed / gigabyte, " GB for ",
                    shape.rows, " rows, expected at most the ",
                    available / gigabyte,
                    " GB available; the largest depth that fits is ", largest);
}

Tensor tensor_series(const SeriesNames& names, const Tensor& x,
                     SeriesShape shape) {
  if (const auto maps = needed_maps(shape)) {
    shape.lyndon = &lyndon_table(shape.channels, shape.depth, *maps);
    shape.lyndon_words = shape.lyndon->count;
  }
  shape.rows = x.numel() / shape.argument_columns();
  const Tensor dense = contiguous(x);
  Tensor out =
      empty(with_columns(x, shape.result_columns()), {x.dtype(), x.device()});
  Tensor workspace = workspace_of(shape, x, cpu::SeriesCall::forward);
  compute_floating(names.op, x, [&]<class T>(auto device, T) {
    series_forward<T>(device, shape, dense.data<T>(), out.mutable_data<T>(),
                      workspace.mutable_data<double>());
  });
  return record(
      names.op, out, {dense}, {dense}, [names, shape](Backward& back) {
        back.add(0,
                 adjoint(names, shape, back.saved(0), contiguous(back.grad())));
      });
}

}  // namespace sigtape
