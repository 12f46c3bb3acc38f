#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape {

/// How far float32 is from float64: the largest difference over the largest
/// number of the whole batch; and the same of each path alone, the worst one.
struct RelativeError {
  double batch = 0, worst_path = 0;
};

struct Float32Error {
  RelativeError signature, gradient;
};

/// Random walks (batch, length, channels) in float32 whose steps are normal
/// with standard deviation `step`: length^-0.5 gives Brownian paths on [0, 1].
inline Tensor random_walks(std::int64_t batch, std::int64_t length,
                           std::int64_t channels, double step) {
  std::vector<double> x =
      randn({batch, length, channels}, {DType::float64, {}}).to_vector();
  for (std::int64_t b = 0; b < batch; ++b) {
    double* path = x.data() + b * length * channels;
    for (std::int64_t i = 0; i < length * channels; ++i) {
      path[i] = path[i] * step + (i < channels ? 0 : path[i - channels]);
    }
  }
  return from_values(x, {batch, length, channels});
}

inline RelativeError relative_error(const Tensor& got, const Tensor& expected) {
  const std::vector<double> a = got.to_vector(), e = expected.to_vector();
  const std::size_t rows = got.size(0), width = a.size() / rows;
  double batch_difference = 0, batch_largest = 0, worst = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    double difference = 0, largest = 0;
    for (std::size_t i = r * width; i < (r + 1) * width; ++i) {
      difference = std::max(difference, std::abs(a[i] - e[i]));
      largest = std::max(largest, std::abs(e[i]));
    }
    worst = std::max(worst, difference / largest);
    batch_difference = std::max(batch_difference, difference);
    batch_largest = std::max(batch_largest, largest);
  }
  return {batch_difference / batch_largest, worst};
}

/// Of the signatures of `paths`, float32, and of their gradients with a random
/// cotangent; float64 gets the same numbers.
inline Float32Error float32_error(const Tensor& paths, std::int64_t depth) {
  Tensor cotangent, y[2], gradient[2];
  for (const DType dtype : {DType::float64, DType::float32}) {
    const int i = dtype == DType::float32;
    Tensor x = cast(paths, dtype).detach();
    x.set_requires_grad();
    y[i] = signature(x, depth);
    if (!cotangent.defined()) cotangent = randn(y[i].shape());
    y[i].backward(cast(cotangent, dtype));
    gradient[i] = x.grad();
  }
  return {relative_error(y[1].detach(), y[0].detach()),
          relative_error(gradient[1], gradient[0])};
}

}  // namespace sigtape
