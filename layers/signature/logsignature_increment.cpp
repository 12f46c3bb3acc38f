#include "sigtape/layers/signature/logsignature_increment.h"

#include <algorithm>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// The adjoint: g (batch, columns) to (batch, 2, channels), -g and g.
Tensor spread_increment(const Tensor& g, std::int64_t channels) {
  const Tensor a = contiguous(g);
  const std::int64_t batch = a.size(0), columns = a.size(1);
  Tensor out = empty({batch, 2, channels}, {a.dtype(), a.device()});
  compute_floating("logsignature_backward", a, [&]<class T>(auto, T) {
    const T* from = a.data<T>();
    T* to = out.mutable_data<T>();
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t j = 0; j < channels; ++j) {
        to[2 * b * channels + j] = -from[b * columns + j];
        to[(2 * b + 1) * channels + j] = from[b * columns + j];
      }
  });
  return record("logsignature_backward", out, {a}, {},
                [columns](Backward& back) {
                  back.add(0, increment_logsignature(back.grad(), columns));
                });
}

}  // namespace

Tensor increment_logsignature(const Tensor& path, std::int64_t columns) {
  const Tensor a = contiguous(path);
  const std::int64_t batch = a.size(0), channels = a.size(2);
  Tensor out = empty({batch, columns}, {a.dtype(), a.device()});
  compute_floating("logsignature", a, [&]<class T>(auto, T) {
    const T* points = a.data<T>();
    T* row = out.mutable_data<T>();
    for (std::int64_t b = 0; b < batch; ++b, points += 2 * channels) {
      for (std::int64_t j = 0; j < channels; ++j)
        row[j] = points[channels + j] - points[j];
      std::fill(row + channels, row + columns, T(0));
      row += columns;
    }
  });
  return record("logsignature", out, {a}, {}, [channels](Backward& back) {
    back.add(0, spread_increment(back.grad(), channels));
  });
}

}  // namespace sigtape
