#include "sigtape/framework/compute.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/stream_ops.h"
#include "sigtape/layers/take_points_kernels.h"

namespace sigtape {

namespace {

PointsShape points_shape(const char* op, const Tensor& x, const Tensor& index) {
  require(index.defined() && index.dtype() == DType::int64 &&
              index.rank() == 2 &&
              (index.size(0) == x.size(0) || index.size(0) == 1),
          op, ": expected int64 indices (batch, points) or (1, points) for ",
          x.shape(), ", got ", index.defined() ? index.shape() : Shape());
  return {.batch = x.size(0),
          .length = x.size(1),
          .channels = x.size(2),
          .points = index.size(1),
          .shared = index.size(0) == 1};
}

void check_indices(const Tensor& index, std::int64_t length) {
  const std::int64_t* first = index.data<std::int64_t>();
  const std::int64_t count = index.numel();
  for (std::int64_t i = 0; i < count; ++i) {
    require(first[i] >= 0 && first[i] < length,
            "take_points: expected indices in 0..", length - 1, ", got ",
            first[i]);
  }
}

Tensor taken(const Tensor& x, const Tensor& index);

// Where points were taken from, their values added up: (batch, length,
// channels).
Tensor put(const Tensor& points, const Tensor& index, std::int64_t length) {
  const Tensor a = contiguous(points);
  PointsShape shape = points_shape("put_points", a, index);
  shape.length = length;
  Tensor out =
      empty({shape.batch, length, shape.channels}, {a.dtype(), a.device()});
  compute_floating("put_points", a, [&]<class T>(auto device, T) {
    put_points(device, shape, a.data<T>(), index.data<std::int64_t>(),
               out.mutable_data<T>());
  });
  return record("put_points", out, {a}, {index}, [](Backward& back) {
    back.add(0, taken(back.grad(), back.saved(0)));
  });
}

// The indices have been checked.
Tensor taken(const Tensor& x, const Tensor& index) {
  const Tensor dense = contiguous(x);
  const PointsShape shape = points_shape("take_points", dense, index);
  Tensor out = empty({shape.batch, shape.points, shape.channels},
                     {x.dtype(), x.device()});
  compute_floating("take_points", x, [&]<class T>(auto device, T) {
    take_points(device, shape, dense.data<T>(), index.data<std::int64_t>(),
                out.mutable_data<T>());
  });
  return record("take_points", out, {dense}, {index},
                [length = shape.length](Backward& back) {
                  back.add(0, put(back.grad(), back.saved(0), length));
                });
}

}  // namespace

Tensor take_points(const Tensor& x, const Tensor& index) {
  require(x.defined() && x.rank() == 3,
          "take_points: expected streams (batch, length, channels), got ",
          x.defined() ? x.shape() : Shape());
  points_shape("take_points", x, index);
  const Tensor dense = contiguous(index.to(Device{}));
  check_indices(dense, x.size(1));
  return taken(x, dense.to(x.device()));
}

Tensor take_points_unchecked(const Tensor& x, const Tensor& index) {
  return taken(x, index);
}

}  // namespace sigtape
