#include "sigtape/layers/stream_points.h"

#include <algorithm>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

constexpr const char* kName = "stream_points";

// Adds `from` (batch, channels) to point t of `to`. The graph keeps `to` to
// write to, so this is no change in place of a saved value.
void add_point(const Tensor& to, std::int64_t t, const Tensor& from) {
  const Tensor rows = dense(from);
  const std::int64_t length = to.size(1), channels = to.size(2);
  compute_floating(kName, to, [&]<class T>(auto, T) {
    const T* in = rows.data<T>();
    T* out = const_cast<T*>(to.data<T>()) + t * channels;
    for (std::int64_t b = 0; b < to.size(0); ++b) {
      for (std::int64_t c = 0; c < channels; ++c) {
        out[b * length * channels + c] += in[b * channels + c];
      }
    }
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
        compute_floating(kName, kept, [&]<class T>(auto, T) {
          T* first = const_cast<T*>(kept.data<T>());
          std::fill_n(first, kept.numel(), T{0});
        });
      });
}

Tensor StreamPoints::at(std::int64_t t) const {
  const Shape& s = x_.strides();
  Tensor point = alias(x_, {x_.size(0), x_.size(2)}, {s[0], s[2]},
                       x_.impl()->offset + t * s[1]);
  if (!link_.defined()) return point;
  return record(kName, point, {link_}, {gradient_}, [t](Backward& back) {
    refuse_second_derivative();
    add_point(back.saved(0), t, back.grad());
    back.add(0, zeros({1}, {back.grad().dtype(), back.grad().device()}));
  });
}

}  // namespace sigtape
