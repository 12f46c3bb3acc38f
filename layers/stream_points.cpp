#include "sigtape/layers/stream_points.h"

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/copy_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

constexpr const char* kName = "stream_points";

// Point t of every stream, (batch, channels).
Tensor alias_of_point(const Tensor& x, std::int64_t t) {
  const Shape& s = x.strides();
  return alias(x, {x.size(0), x.size(2)}, {s[0], s[2]},
               x.impl()->offset + t * s[1]);
}

// Adds `from` (batch, channels) to point t of `to`. The graph keeps `to` to
// write to, so this is no change in place of a saved value.
void add_point(const Tensor& to, std::int64_t t, const Tensor& from) {
  const Tensor point = alias_of_point(to, t);
  const auto walk = read_strided<2>(point.shape(), {&point, &from});
  compute_floating(kName, to, [&]<class T>(auto device, T) {
    accumulate(device, walk, const_cast<T*>(point.data<T>()), from.data<T>(),
               T{1}, T{1});
  });
}

void refuse_second_derivative() {
  if (grad_enabled()) no_derivative("stream_points_backward");
}

}  // namespace

StreamPoints::StreamPoints(const Tensor& x) : x_(x) {
  require(x.rank() == 3, kName, ": expected (batch, length, channels), got ",
          x.shape());
  if (!will_record({x})) return;
  const TensorOptions options{x.dtype(), x.device()};
  gradient_ = zeros(x.shape(), options);
  link_ =
      record(kName, zeros({1}, options), {x}, {gradient_}, [](Backward& back) {
        refuse_second_derivative();
        const Tensor kept = back.saved(0);
        back.add(0, clone(kept));
        // Ready for another backward through the same graph.
        const auto walk = read_strided<1>(kept.shape(), {&kept});
        compute_floating(kName, kept, [&]<class T>(auto device, T) {
          fill(device, walk, const_cast<T*>(kept.data<T>()), T{0});
        });
      });
}

Tensor StreamPoints::at(std::int64_t t) const {
  Tensor point = alias_of_point(x_, t);
  if (!link_.defined()) return point;
  return record(kName, point, {link_}, {gradient_}, [t](Backward& back) {
    refuse_second_derivative();
    add_point(back.saved(0), t, back.grad());
    back.add(0, zeros({1}, {back.grad().dtype(), back.grad().device()}));
  });
}

}  // namespace sigtape
