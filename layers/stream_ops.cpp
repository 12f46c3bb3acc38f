#include "sigtape/layers/stream_ops.h"

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/length_kernels.h"

namespace sigtape {

Tensor true_points(const Tensor& lengths, std::int64_t length) {
  const std::int64_t batch = lengths.size(0);
  Tensor mask = empty({batch, length, 1}, {DType::int64, lengths.device()});
  compute_any(lengths, [&]<class T>(auto device, T) {
    mark_points(device, batch, length, lengths.data<std::int64_t>(),
                mask.mutable_data<std::int64_t>());
  });
  return mask;
}

Tensor mask_stream(const Tensor& x, const Tensor& lengths) {
  if (!lengths.defined()) return x;
  return where(true_points(lengths, x.size(1)).to(x.device()), x,
               zeros({1}, {x.dtype(), x.device()}));
}

Tensor shifted_lengths(const Tensor& lengths, std::int64_t by) {
  Tensor shifted = empty_like(lengths);
  compute_any(lengths, [&]<class T>(auto device, T) {
    map_lengths(device, lengths.numel(), {.plus = by},
                lengths.data<std::int64_t>(),
                shifted.mutable_data<std::int64_t>());
  });
  return shifted;
}

Tensor time_channel(std::int64_t batch, std::int64_t length,
                    const Tensor& lengths, TensorOptions options) {
  const std::int64_t rows = lengths.defined() ? batch : 1;
  Tensor time = empty({rows, length, 1}, options);
  const Tensor points =
      lengths.defined() ? lengths.to(options.device) : lengths;
  compute_floating("time_channel", time, [&]<class T>(auto device, T) {
    fill_time(device, rows, length,
              points.defined() ? points.data<std::int64_t>() : nullptr,
              time.mutable_data<T>());
  });
  return rows == batch ? time : expand(time, {batch, length, 1});
}

Tensor last_point(const Tensor& x, const Tensor& lengths) {
  const std::int64_t batch = x.size(0), length = x.size(1);
  const Shape shape{batch, x.size(2)};
  if (!lengths.defined())
    return reshape(slice(x, 1, length - 1, length), shape);
  const Tensor index = reshape(shifted_lengths(lengths, -1), {batch, 1});
  return reshape(take_points_unchecked(x, index.to(x.device())), shape);
}

Tensor stream_mean(const Tensor& x, const Tensor& lengths) {
  if (!lengths.defined()) return mean(x, {1});
  const Tensor points =
      reshape(cast(lengths, x.dtype()).to(x.device()), {x.size(0), 1});
  return div(sum(mask_stream(x, lengths), {1}), points);
}

}  // namespace sigtape
