#include "sigtape/layers/stream_ops.h"

#include <algorithm>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"

namespace sigtape {

Tensor true_points(const Tensor& given, std::int64_t length) {
  const Tensor lengths = given.to({});
  const std::int64_t batch = lengths.size(0);
  const std::int64_t* n = lengths.data<std::int64_t>();
  Tensor mask = empty({batch, length, 1}, {DType::int64, {}});
  auto* out = mask.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    std::fill_n(out + b * length, n[b], 1);
    std::fill_n(out + b * length + n[b], length - n[b], 0);
  }
  return mask;
}

Tensor mask_stream(const Tensor& x, const Tensor& lengths) {
  if (!lengths.defined()) return x;
  return where(true_points(lengths, x.size(1)).to(x.device()), x,
               zeros({1}, {x.dtype(), x.device()}));
}

Tensor shifted_lengths(const Tensor& given, std::int64_t by) {
  const Tensor lengths = given.to({});
  Tensor shifted = empty(lengths.shape(), {DType::int64, {}});
  const std::int64_t* from = lengths.data<std::int64_t>();
  std::transform(from, from + lengths.numel(),
                 shifted.mutable_data<std::int64_t>(),
                 [by](std::int64_t n) { return n + by; });
  return shifted.to(given.device());
}

Tensor time_channel(std::int64_t batch, std::int64_t length,
                    const Tensor& lengths, TensorOptions options) {
  if (!lengths.defined()) {
    return expand(reshape(linspace(0, 1, length, options), {1, length, 1}),
                  {batch, length, 1});
  }
  Tensor time = empty({batch, length, 1}, {options.dtype, {}});
  const Tensor here = lengths.to({});
  const std::int64_t* n = here.data<std::int64_t>();
  dispatch_floating("time_channel", time, [&]<class T>(auto, T) {
    T* out = time.mutable_data<T>();
    for (std::int64_t b = 0; b < batch; ++b) {
      const auto steps =
          static_cast<double>(std::max<std::int64_t>(n[b] - 1, 1));
      for (std::int64_t t = 0; t < length; ++t) {
        const auto step = static_cast<double>(std::min(t, n[b] - 1));
        *out++ = static_cast<T>(step / steps);
      }
    }
  });
  return time.to(options.device);
}

Tensor last_point(const Tensor& x, const Tensor& lengths) {
  const std::int64_t batch = x.size(0), length = x.size(1);
  const Shape shape{batch, x.size(2)};
  if (!lengths.defined())
    return reshape(slice(x, 1, length - 1, length), shape);
  const Tensor index = reshape(shifted_lengths(lengths, -1), {batch, 1});
  return reshape(take_points(x, index.to(x.device())), shape);
}

Tensor stream_mean(const Tensor& x, const Tensor& lengths) {
  if (!lengths.defined()) return mean(x, {1});
  const Tensor points =
      reshape(cast(lengths, x.dtype()).to(x.device()), {x.size(0), 1});
  return div(sum(mask_stream(x, lengths), {1}), points);
}

}  // namespace sigtape
